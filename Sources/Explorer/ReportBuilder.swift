import Checkpoints
import Datasets
import DisentangledHead
import DurableFiles
import Evaluation
import ExplanationMetrics
import Explanations
public import FeatureCache
import Foundation
import ImageCoding
public import Inference
public import MessagePassing
public import Results
public import RunControl
import Scorecard
public import Tensors

/// Puts together what is known of a model: prototypes, a survey of the training images, the predictions for the test images and
/// some of these explained.
public struct ReportBuilder {
    /// Channels and classes that are named of a class and a channel.
    private static let namedCount = 20
    /// Test images of a class of each kind of example.
    private static let exampleCount = 3

    private let model: TrainedModel
    private let cache: FeatureCache
    private let team: WorkerTeam
    private let communicator: any Communicator
    private let progress: ProgressHandler

    public init(
        _ model: TrainedModel, cache: FeatureCache, team: WorkerTeam, communicator: any Communicator = SingleProcess(),
        progress: @escaping ProgressHandler = { _ in }
    ) {
        self.model = model
        self.cache = cache
        self.team = team
        self.communicator = communicator
        self.progress = progress
    }

    /// Facts that are found outside of the builder.
    public struct Findings: Sendable {
        public var evaluation: EvaluationResult?
        public var epochs: [MetricsRecord] = []
        public var scorecard: ScorecardResult?
        public var names = ChannelNames()

        public init() {}
    }

    /// The report and its pictures, on rank 0; nil on the others. Collective.
    ///
    /// Prototypes are those that are kept in the run, or are found and kept (`PrototypeTable.kept`). Either way each image that is shown
    /// is read once; no more of them are in memory at a time than there are workers, beside the small pictures that are drawn of them.
    ///
    /// - Parameters:
    ///   - predictions: for all test images, in the cache's order, on rank 0.
    ///   - imageCount: test images that are explained, spread evenly over them.
    /// - Throws: the errors of the cache and of images that are gone or have changed.
    public func build(
        predictions: [Prediction], imageCount: Int, findings: Findings
    ) throws -> (report: ModelReport, pictures: [String: [UInt8]])? {
        let chosen = chosen(imageCount)
        let examples =
            communicator.rank == 0
            ? TestExamples(
                predictions, numbers: cache.indices(of: Split.test.rawValue), classCount: model.head.classCount,
                count: Self.exampleCount) : nil
        func draw(_ prototypes: [Int], digests: [Int: ContentDigest] = [:]) throws -> SamplePictures.Drawn {
            try communicator.activity.allowing(.seconds(24 * 3600)) {
                try SamplePictures(model, cache: cache, team: team, progress: progress)
                    .draw(Set(prototypes + chosen + (examples?.samples ?? [])).sorted(), digests: digests)
            }
        }
        // What is read for the digests of prototypes is drawn at once.
        var drawn: SamplePictures.Drawn?
        let table = try shared(
            PrototypeTable.kept(for: model, communicator: communicator) {
                try PrototypeSearch.run(
                    model, cache: cache, team: team, communicator: communicator, progress: progress
                ) { samples in
                    let found = try draw(samples)
                    drawn = found
                    return found.digests
                }
            })
        let survey = try ModelSurvey.run(
            model, prototypes: table, cache: cache, team: team, communicator: communicator, progress: progress)
        let images = try explained(chosen)
        return try communicator.together {
            guard let examples else { return nil }
            let pictures: SamplePictures.Drawn
            if let drawn {
                pictures = drawn
            } else {
                let prototypes = table.channels.flatMap { $0.positive + $0.negative }
                pictures = try draw(
                    prototypes.map(\.sample),
                    digests: Dictionary(prototypes.map { ($0.sample, $0.contentDigest) }) { first, _ in first })
            }
            return communicator.activity.allowing(.seconds(24 * 3600)) {
                assemble(table, survey, images, examples, pictures, findings)
            }
        }
    }

    /// The table of rank 0, on all ranks.
    private func shared(_ table: PrototypeTable?) throws -> PrototypeTable {
        let text = try communicator.fromRank0(allowing: .seconds(60)) { Array(try table?.json().utf8 ?? "".utf8) }
        return try table ?? JSONDecoder().decode(PrototypeTable.self, from: Data(text))
    }

    /// The test images that are explained, spread evenly over all.
    private func chosen(_ count: Int) -> [Int] {
        let all = cache.indices(of: Split.test.rawValue)
        let count = min(count, all.count)
        return (0..<count).map { all[(2 * $0 + 1) * all.count / (2 * count)] }
    }

    /// Some test images, each explained by the rank that has its features.
    private func explained(_ chosen: [Int]) throws -> [ImageReport] {
        communicator.activity.begin(step: 0, "explaining test images")
        let chosen = Set(chosen)
        let own = try communicator.together {
            let share = cache.share(of: Split.test.rawValue, on: communicator).filter(chosen.contains)
            var reports: [ImageReport] = []
            try cache.forEachBatch(of: share) { samples, features in
                let size = features.values.count / samples.count
                for (row, sample) in samples.enumerated() {
                    let one = Tensor(
                        shape: [1] + features.shape.dropFirst(),
                        values: Array(features.values[row * size..<(row + 1) * size]))
                    reports.append(
                        try ImageReport(
                            model, features: one, id: "\(sample)", picture: "\(sample)",
                            path: cache.samples.path(of: sample),
                            label: cache.samples.label(of: sample), team: team))
                }
                communicator.activity.progress()
            }
            return reports
        }
        let parts = try communicator.gather(Array(JSONEncoder().encode(own)), to: 0)
        guard communicator.rank == 0 else { return [] }
        return try parts.flatMap { try JSONDecoder().decode([ImageReport].self, from: Data($0)) }
            .sorted { Int($0.id)! < Int($1.id)! }
    }

    // MARK: - On rank 0

    private func assemble(
        _ table: PrototypeTable, _ survey: ModelSurvey, _ images: [ImageReport], _ examples: TestExamples,
        _ drawn: SamplePictures.Drawn, _ findings: Findings
    ) -> (report: ModelReport, pictures: [String: [UInt8]]) {
        let parts = PrototypeParts(names: drawn.partNames, places: drawn.places, table)
        let explained = Set(images.map(\.id))
        let means = Means(survey, model.head)
        return (
            ModelReport(
                checkpoint: model.checkpointName, headDigest: model.headDigest,
                backbone: model.experiment.backbone.name, classNames: model.experiment.dataset.displayNames,
                channelCount: model.head.channelCount, featureMap: table.featureMap, channelNames: findings.names.names,
                classifier: ModelReport.ClassifierRecord(model.head), images: images,
                channels: table.channels.map { channel($0, survey, means, parts) },
                classes: (0..<model.head.classCount).map { label in
                    classReport(label, survey, means, examples, explained)
                }, evaluation: findings.evaluation, confusions: examples.confusions, epochs: findings.epochs,
                scorecard: findings.scorecard, origins: model.origins), drawn.files
        )
    }

    private func channel(
        _ prototypes: ChannelPrototypes, _ survey: ModelSurvey, _ means: Means, _ parts: PrototypeParts
    ) -> ChannelReport {
        let channel = prototypes.channel
        let contributions = means.ofChannel(channel)
        let order = Ranking.top(Self.namedCount, of: contributions.map { Float(abs($0)) }[...])
        let use = ChannelUse.total(of: channel, model.head)
        return ChannelReport(
            channel: channel, use: use,
            classes: order.filter { contributions[$0] != 0 }.map {
                .init(
                    label: $0, weight: ChannelUse.weight(of: channel, for: $0, model.head),
                    meanContribution: contributions[$0])
            },
            positive: ChannelReport.Example.list(prototypes, .positive) { place, prototype in
                survey.purity(of: prototype, place: place, channel: channel, side: .positive)
            },
            negative: ChannelReport.Example.list(prototypes, .negative) { place, prototype in
                survey.purity(of: prototype, place: place, channel: channel, side: .negative)
            },
            histogram: survey.histogram(of: channel), topImageCount: survey.topImageCount(of: channel),
            companions: survey.companions(of: channel), positivePart: parts.share(of: prototypes.positive),
            negativePart: parts.share(of: prototypes.negative))
    }

    private func classReport(
        _ label: Int, _ survey: ModelSurvey, _ means: Means, _ examples: TestExamples, _ explained: Set<String>
    ) -> ClassReport {
        let contributions = means.ofClass(label)
        let order = Ranking.top(Self.namedCount, of: contributions.map { Float(abs($0)) }[...])
            .filter { contributions[$0] != 0 }
        let all = contributions.reduce(0, +)
        let shown = order.reduce(0) { $0 + contributions[$1] }
        func list(_ entries: [TestExamples.Entry]) -> [ClassReport.Example] {
            entries.map {
                .init(
                    picture: "\($0.sample)", path: $0.prediction.path, predicted: $0.prediction.topClasses[0],
                    probability: $0.prediction.probability,
                    image: explained.contains("\($0.sample)") ? "\($0.sample)" : nil)
            }
        }
        let own = examples.ofClass(label)
        return ClassReport(
            label: label, trainImageCount: survey.imageCount(of: label), testImageCount: own.count,
            correctCount: own.correctCount, bias: model.head.classifier.bias?[label],
            channels: order.map { .init(channel: $0, meanContribution: contributions[$0]) }, rest: all - shown,
            strongest: list(own.strongest), typical: list(own.typical), weakest: list(own.weakest))
    }
}

/// Mean contributions by class and channel.
private struct Means {
    private let values: [Double]
    private let channelCount: Int
    private let classCount: Int

    init(_ survey: ModelSurvey, _ head: Head) {
        (channelCount, classCount) = (head.channelCount, head.classCount)
        values = (0..<head.classCount).flatMap { label in
            (0..<head.channelCount).map { survey.meanContribution(of: $0, to: label) }
        }
    }

    func ofClass(_ label: Int) -> [Double] { Array(values[label * channelCount..<(label + 1) * channelCount]) }
    func ofChannel(_ channel: Int) -> [Double] { (0..<classCount).map { values[$0 * channelCount + channel] } }
}
