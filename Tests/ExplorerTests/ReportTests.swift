import DisentangledHead
import DurableFiles
import Explorer
import Foundation
import Results
import Tensors
import Testing

/// The numbers of a report.
@Suite struct ReportTests {
    private let team = WorkerTeam()

    @Test func meanContributionsAreThoseOfAPlainLoop() throws {
        try SmallReport.with { small, _ in
            let head = small.model.head
            let map = small.cache.identity.featureMap
            for (label, record) in small.report.classes.enumerated() {
                let samples = small.cache.indices(of: "train").filter { small.cache.samples.label(of: $0) == label }
                #expect(record.trainImageCount == samples.count && record.label == label)
                let features = Tensor(
                    shape: [samples.count, map.height, map.width, map.channelCount],
                    values: try small.cache.features(of: samples))
                let pooled = try head.pooledActivations(features, team: team)
                func mean(_ channel: Int) -> Double {
                    samples.indices.reduce(0.0) {
                        $0 + Double(head.contribution(of: channel, to: label, pooled: pooled, image: $1))
                    } / Double(samples.count)
                }
                for share in record.channels { #expect(abs(share.meanContribution - mean(share.channel)) < 1e-4) }
                let all = (0..<head.channelCount).reduce(0.0) { $0 + mean($1) }
                #expect(abs(record.channels.reduce(record.rest) { $0 + $1.meanContribution } - all) < 1e-3)
                let sizes = record.channels.map { abs($0.meanContribution) }
                #expect(sizes == sizes.sorted(by: >))
            }
        }
    }

    @Test func everyTrainingImageIsInBothSidesOfAHistogram() throws {
        try SmallReport.with { small, _ in
            for channel in small.report.channels {
                let histogram = try #require(channel.histogram)
                #expect(histogram.negative.reduce(histogram.withoutNegative, +) == 24)
                #expect(histogram.positive.reduce(histogram.withoutPositive, +) == 24)
                // The strongest prototype is in the outermost bin.
                if !channel.positive.isEmpty { #expect(histogram.positive.last! > 0) }
                if !channel.negative.isEmpty { #expect(histogram.negative.first! > 0) }
                for example in channel.positive + channel.negative {
                    let purity = try #require(example.purity)
                    #expect(purity > 0 && purity <= 1.001)
                }
            }
            let explained = small.report.channels.reduce(0) { $0 + ($1.topImageCount ?? 0) }
            #expect(explained == 24 * 10, "ten channels of each image")
        }
    }

    @Test func purityIsTheShareOfTheVectorAtThePixel() throws {
        try SmallReport.with { small, _ in
            let map = small.cache.identity.featureMap
            let example = try #require(small.report.channels[3].positive.first)
            let sample = try #require(Int(example.picture))
            let features = Tensor(
                shape: [1, map.height, map.width, map.channelCount], values: try small.cache.features(of: [sample]))
            let vector = try small.model.head.activations(features, team: team).values[
                (example.row * map.width + example.column)
                    * map.channelCount..<(example.row * map.width + example.column
                    + 1) * map.channelCount]
            let norm = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(try #require(example.purity) - Double(example.activation) / norm) < 1e-5)
        }
    }

    @Test func theDatasetsPartsAreNamed() throws {
        try SmallReport.with { small, _ in
            let parts = small.report.channels.compactMap(\.positivePart)
            #expect(!parts.isEmpty)
            #expect(parts.allSatisfy { $0.hitCount > 0 && $0.hitCount <= $0.visibleCount && $0.visibleCount <= 5 })
        }
    }

    @Test func classesCountTheirImagesAndTheirConfusions() throws {
        try SmallReport.with { small, _ in
            #expect(small.report.classes.allSatisfy { $0.testImageCount == 3 })
            let wrong = small.report.classes.reduce(0) { $0 + $1.testImageCount - $1.correctCount }
            #expect(wrong == small.report.confusions.reduce(0) { $0 + $1.count })
            for record in small.report.classes {
                let examples = record.strongest + record.typical + record.weakest
                #expect(Set(examples.map(\.path)).count == 3, "each image is an example of one kind")
                #expect(examples.allSatisfy { small.pictures[$0.picture] != nil })
            }
        }
    }

    @Test func everyImageThatIsShownIsReadOnceAlsoTheFirstTime() throws {
        try SmallReport.with { small, _ in
            let dataset = small.model.experiment.dataset
            let shown = Set(small.pictures.keys.compactMap { Int($0) }.map { dataset[$0].path })
            #expect(shown.count == small.pictures.count && shown.count > 10)
            let kept = try #require(small.model.runDirectory).appending("prototypes")
            for isFirst in [true, false] {
                if isFirst { try FileManager.default.removeItem(atPath: kept.string) }
                // Its predictions are there, and images are looked at for them only where the command checks them.
                let opened = try OpenedFiles(below: dataset.root)
                _ = try SmallReport(small.model)
                #expect(DurableFile.exists(kept.appending("\(small.model.checkpointName).json")))
                let images = opened.counts().filter { $0.key.hasSuffix(".png") || $0.key.hasSuffix(".jpg") }
                #expect(Set(images.keys) == shown)
                #expect(images.values.allSatisfy { $0 == 1 }, "\(images)")
            }
        }
    }

    @Test func theReportAsJSONIsReadBack() throws {
        try SmallReport.with { small, _ in
            let data = try JSONEncoder().encode(small.report)
            #expect(try JSONDecoder().decode(ModelReport.self, from: data) == small.report)
        }
    }

    @Test func theSameModelHasTheSameReport() throws {
        try SmallReport.with { small, _ in
            let again = try SmallReport(small.model)
            #expect(again.report == small.report && again.pictures == small.pictures)
            let pages = try ExplorerPages(small.report, pictures: small.pictures)
            #expect(try pages.singleFile() == ExplorerPages(again.report, pictures: again.pictures).singleFile())
        }
    }
}
