import Checkpoints
import DisentangledHead
import DurableFiles
import Evaluation
public import FeatureCache
public import Inference
public import MessagePassing
public import Results
import RunConfiguration
public import RunControl
import SystemPackage
public import Tensors

/// Trains a dense head and, from it, heads with fewer and fewer channels for a class, each in a run of its own in the sweep's
/// folder (`all`, `channels-20`, ...), and evaluates all of them on the test images.
///
/// It is a loop of collective trainings in the same processes. A sweep that is run again finds the finished runs finished and
/// goes on in the one that was interrupted, from its checkpoint.
public struct BudgetSweep {
    /// How a sweep ended.
    public enum Outcome {
        /// With all heads; the figures are at rank 0 alone.
        case complete(BudgetSweepResult?)
        /// A stop was requested in the run of this name, or before it began or was evaluated.
        case stopped(in: String)
    }

    /// A run of the sweep.
    private struct Part {
        let name: String
        /// Nil for the dense head.
        let channelsPerClass: Int?
        let experiment: Experiment
    }

    /// The folder of the dense head's run in that of the sweep.
    public static let denseName = "all"

    private let experiment: Experiment
    /// The dense head first.
    private let parts: [Part]
    private let cache: FeatureCache
    private let resume: TrainingRun.Resume
    private let communicator: any Communicator
    private let team: WorkerTeam
    private let stop: StopRequest
    private let progress: ProgressHandler
    private let note: @Sendable (String) -> Void
    /// Held at rank 0 as long as the sweep lives.
    private let directory: RunDirectory?

    /// How long taking the sweep's folder may take: another process may have to end first, or to be found frozen.
    private static let claimAllowance = Duration.seconds(3600)

    /// Takes the sweep's folder, which is the run directory of `experiment`. Collective.
    ///
    /// - Parameters:
    ///   - resume: of each run; not a checkpoint.
    ///   - cache: the feature cache of `experiment`, complete or with the shards that this rank is responsible for.
    /// - Throws: on all ranks, what `check` throws; `TrainingError.sweepOverRun`, `.runInUse`, `.sweepUnfit` without test images;
    ///   `DurableFileError`.
    public init(
        _ experiment: Experiment, budgets: SweepBudgets, cache: FeatureCache, resume: TrainingRun.Resume = .automatic,
        communicator: any Communicator = SingleProcess(), team: WorkerTeam = WorkerTeam(),
        stop: StopRequest = StopRequest(), progress: @escaping ProgressHandler = { _ in },
        note: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        try Self.check(experiment, budgets: budgets)
        guard !cache.allIndices(of: "test").isEmpty else {
            throw TrainingError.sweepUnfit(
                problem: "the dataset has no test images to compare heads on", remedy: "Set dataset.split: validation")
        }
        self.experiment = experiment
        self.cache = cache
        self.resume = resume
        self.communicator = communicator
        self.team = team
        self.stop = stop
        self.progress = progress
        self.note = note
        parts = ([nil] + budgets.channelCounts).map { Self.part(of: experiment, channelsPerClass: $0) }
        communicator.activity.begin(step: 0, "taking the sweep's folder")
        directory = try communicator.together {
            guard communicator.rank == 0 else { return nil }
            let path = experiment.configuration.run.directory
            let holdsRun =
                try !CheckpointStore(runDirectory: path).list().isEmpty
                || DurableFile.exists(path.appending(RunPlaces.configurationName))
            guard !holdsRun else { throw TrainingError.sweepOverRun(directory: path) }
            return try communicator.activity.allowing(Self.claimAllowance) { try RunDirectory(path) }
        }
    }

    /// Checks that heads with these numbers of channels can be trained from a dense one.
    /// - Throws: `TrainingError.badBudgets`, `.sweepUnfit`; `ExperimentError.insideDataset`.
    public static func check(_ experiment: Experiment, budgets: SweepBudgets) throws {
        let configuration = experiment.configuration
        try experiment.requireOutsideDataset("run.directory", configuration.run.directory)
        try budgets.check(channelCount: experiment.backbone.channelCount)
        if let count = configuration.head.channelsPerClass {
            throw TrainingError.sweepUnfit(
                problem: "head.channels_per_class is \(count), and each head of a sweep has its own",
                remedy: "Leave one of them out")
        }
        guard configuration.head.signs == .tied else {
            throw TrainingError.sweepUnfit(
                problem:
                    "head.signs is \(configuration.head.signs.rawValue), and a head starts only from one with tied sides",
                remedy: "Set head.signs: tied, or train each budget by itself")
        }
    }

    /// The run with so many channels for a class: it starts from the dense head. If the configuration distils, that head is
    /// the teacher. It has the maximum already, so the pooling is not annealed a second time.
    private static func part(of experiment: Experiment, channelsPerClass: Int?) -> Part {
        let name = channelsPerClass.map { "channels-\($0)" } ?? denseName
        let folder = experiment.configuration.run.directory
        let changed = experiment.changing { configuration in
            configuration.run.directory = folder.appending(name)
            guard let channelsPerClass else { return }
            configuration.head.channelsPerClass = channelsPerClass
            configuration.head.start = folder.appending(denseName)
            configuration.head.startDigest = nil
            configuration.head.classifierInit = .uniform
            if configuration.head.pooling == .annealed { configuration.head.pooling = .argmax }
            if configuration.training.distillation.weight != nil {
                configuration.training.distillation.teacher = .start
            }
        }
        return Part(name: name, channelsPerClass: channelsPerClass, experiment: changed)
    }

    /// Trains and evaluates until all is done or a stop is requested on a rank. Collective.
    /// - Throws: on all ranks, what went wrong in a run; the others are as they were.
    public func run() throws -> Outcome {
        var heads: [(head: Head, checkpoint: FilePath)] = []
        for (number, part) in parts.enumerated() {
            guard try !isAskedToStop() else { return .stopped(in: part.name) }
            note("Run \(number + 1) of \(parts.count): \(part.name).")
            var training = try TrainingRun(
                part.experiment, cache: cache, resume: resume, communicator: communicator, team: team, stop: stop,
                progress: named(part.name), note: note)
            let outcome = try training.run()
            guard outcome.isComplete else { return .stopped(in: part.name) }
            heads.append((training.trainer.head, outcome.checkpoint))
        }
        var figures: [Figures] = []
        for (part, trained) in zip(parts, heads) {
            guard try !isAskedToStop() else { return .stopped(in: part.name) }
            communicator.activity.begin(step: 0, "evaluating \(part.name)")
            let predictions = try HeadEvaluation.predictions(
                trained.head, cache: cache, split: .test, team: team, communicator: communicator,
                progress: named(part.name))
            figures.append(Figures(predictions))
        }
        guard communicator.rank == 0 else { return .complete(nil) }
        return .complete(result(zip(zip(parts, heads.map(\.checkpoint)), figures).map { ($0.0, $0.1, $1) }))
    }

    /// Whether any rank was asked. Collective.
    private func isAskedToStop() throws -> Bool {
        try communicator.sumTogether(count: 1) { [stop.isRequested ? 1 : 0] }[0] > 0
    }

    /// The progress of one run or evaluation, with its name.
    private func named(_ name: String) -> ProgressHandler {
        { [progress] report in
            progress(
                ProgressReport(
                    activity: "\(report.activity) \(name)", completed: report.completed, total: report.total,
                    unit: report.unit, detail: report.detail))
        }
    }

    private func result(_ found: [(part: Part, checkpoint: FilePath, figures: Figures)]) -> BudgetSweepResult {
        let dense = found[0].figures
        let classCount = experiment.dataset.classNames.count
        let points = (found.dropFirst() + [found[0]]).map { part, checkpoint, figures in
            BudgetSweepResult.Point(
                channelsPerClass: part.channelsPerClass, run: part.name,
                checkpoint: checkpoint.lastComponent?.string ?? "",
                head: Accuracy(top1: figures.top1, top5: figures.top5, classCount: classCount),
                pointsLost: (dense.top1 - figures.top1) * 100, meanExplanationSize: figures.explanationSize,
                meanTopTenShare: figures.topTenShare)
        }
        return BudgetSweepResult(
            backbone: experiment.backbone.name, classCount: classCount, channelCount: experiment.backbone.channelCount,
            testImageCount: dense.imageCount, points: points)
    }
}

/// Means over the predictions of a head.
private struct Figures {
    let imageCount: Int
    let top1, top5, explanationSize, topTenShare: Double

    init(_ predictions: [Prediction]) {
        imageCount = predictions.count
        let count = Double(max(predictions.count, 1))
        top1 = Double(predictions.count { $0.topClasses[0] == $0.label }) / count
        top5 = Double(predictions.count { $0.topClasses.contains($0.label) }) / count
        explanationSize = Double(predictions.reduce(0) { $0 + $1.explanationSize }) / count
        topTenShare = predictions.reduce(0) { $0 + Double($1.topTenShare) } / count
    }
}
