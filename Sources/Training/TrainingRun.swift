import Checkpoints
import DisentangledHead
import DurableFiles
import FeatureCache
import MessagePassing
import RunConfiguration
import SystemPackage
import Tensors

/// Trains the head on the cached features of an experiment, from the start or from a checkpoint.
///
/// Several ranks train together: each hosts a range of logical shards, and rank 0 alone writes into the run directory.
/// What is computed depends on the configuration and the data alone: not on threads, ranks, kills or resumes.
public struct TrainingRun {
    /// Where to begin.
    public enum Resume: Equatable, Sendable {
        /// From the run directory's last checkpoint, or from the start if it has none.
        case automatic
        /// From the start; an error if the run directory has checkpoints.
        case never
        /// From the given checkpoint.
        case from(FilePath)
    }

    /// How a run ended.
    public struct Outcome: Equatable, Sendable {
        /// The last checkpoint written.
        public let checkpoint: FilePath
        public let step: Int
        public let totalSteps: Int
        /// False if a stop was requested before the last step.
        public var isComplete: Bool { step == totalSteps }
        /// Top-1 of the last evaluation on the test images, if there was one.
        public let testTop1: Double?
    }

    let experiment: Experiment
    let cache: FeatureCache
    let communicator: any Communicator
    let team: WorkerTeam
    let stop: StopRequest
    private let progress: ProgressHandler

    /// Held by rank 0 while the run lives.
    private let directory: RunDirectory?
    private let store: CheckpointStore
    let shards: LogicalShards
    let schedule: LearningRateSchedule
    let trainingSamples: [Int]
    /// The logical shards whose gradients this rank computes.
    let hostedShards: Range<Int>
    let reduction: ExactReduction

    var trainer: HeadTrainer
    var epochProgress: EpochProgress
    /// The figures of the last completed epoch, as a checkpoint names them.
    private var metrics: [String: Double]
    /// The memory of the last step's summed gradients.
    var gradientSums: [[Float]] = []
    /// What went wrong on this rank and is not yet known to the others; they hear of it in the next step.
    var pendingFailure: (any Error)?

    /// Takes the run directory, and reads the checkpoint to go on from if there is one. Collective: rank 0 does, and gives
    /// the others what they need.
    ///
    /// - Parameters:
    ///   - cache: the feature cache of `experiment`, complete or with the shards that this rank is responsible for.
    ///   - note: receives lines such as a warning about a checkpoint that could not be used, on rank 0.
    /// - Throws: on all ranks, `TrainingError` for a run directory in use, more ranks than logical shards, or a checkpoint of
    ///   another configuration, weights or data; `CheckpointError` for one that is corrupt.
    public init(
        _ experiment: Experiment, cache: FeatureCache, resume: Resume = .automatic,
        communicator: any Communicator = SingleProcess(), team: WorkerTeam = WorkerTeam(),
        stop: StopRequest = StopRequest(), progress: @escaping ProgressHandler = { _ in },
        note: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        self.experiment = experiment
        self.cache = cache
        self.communicator = communicator
        self.team = team
        self.stop = stop
        self.progress = progress
        let configuration = experiment.configuration
        try configuration.requireShard(forEachRankOf: communicator)
        let samples = cache.allIndices(of: "train")
        trainingSamples = samples
        let usable = Set(cache.indices(of: "train"))
        guard usable.count >= configuration.training.logicalShards else {
            throw TrainingError.tooFewSamples(
                count: usable.count, shards: configuration.training.logicalShards)
        }
        shards = LogicalShards(
            sampleCount: trainingSamples.count, shardCount: configuration.training.logicalShards,
            batchSize: configuration.training.batchSize, seed: UInt64(configuration.run.seed),
            leavingOut: Set(samples.indices.filter { !usable.contains(samples[$0]) }))
        let (channelCount, classCount) = (experiment.backbone.channelCount, experiment.dataset.classNames.count)
        hostedShards = shards.hosted(byRank: communicator.rank, of: communicator.size)
        reduction = ExactReduction(
            tensorLengths: [
                configuration.head.channelMap == .identity ? 0 : channelCount * channelCount, classCount * channelCount,
            ], leafCount: shards.shardCount, over: communicator)
        schedule = configuration.training.learningRateSchedule
        let store = CheckpointStore(runDirectory: configuration.run.directory)
        self.store = store

        communicator.activity.begin(step: 0, "reading the checkpoint to go on from")
        directory = try communicator.together {
            guard communicator.rank == 0 else { return nil }
            return try RunDirectory(
                configuration.run.directory, patience: communicator is SingleProcess ? .zero : .seconds(5))
        }
        let bytes = try communicator.fromRank0(allowing: .seconds(600)) {
            let checkpoint = try Self.checkpoint(for: resume, in: store, note: note)
            try checkpoint?.requireSameRun(as: experiment)
            return checkpoint?.bytes ?? []
        }
        let headConfiguration = configuration.headConfiguration(
            totalSteps: configuration.training.epochs * shards.stepsPerEpoch)
        if !bytes.isEmpty {
            let checkpoint = try Checkpoint(bytes: bytes)
            trainer = try HeadTrainer(
                configuration: headConfiguration, seed: UInt64(configuration.run.seed),
                restoring: checkpoint.trainerState())
            guard let progress = EpochProgress(metrics: checkpoint.state.metrics) else {
                throw TrainingError.metricsUnreadable(checkpoint: checkpoint.directory)
            }
            epochProgress = progress
            metrics = checkpoint.state.metrics.filter { Self.epochMetrics.contains($0.key) }
        } else {
            trainer = try HeadTrainer(
                configuration: headConfiguration, channelCount: channelCount, classCount: classCount,
                seed: UInt64(configuration.run.seed), classifier: experiment.classifierInitialisation())
            epochProgress = EpochProgress()
            metrics = [:]
        }
        try communicator.together {
            if let directory { try DurableFile.write(configuration.yaml, to: directory.configurationPath) }
        }
    }

    private static func checkpoint(
        for resume: Resume, in store: CheckpointStore, note: (String) -> Void
    ) throws -> Checkpoint? {
        switch resume {
        case .automatic:
            guard let latest = try store.latest() else { return nil }
            latest.warnings.forEach(note)
            note("Going on from \(latest.checkpoint.directory).")
            return latest.checkpoint
        case .never:
            guard try store.list().isEmpty else { throw TrainingError.runExists(directory: store.directory) }
            return nil
        case .from(let path):
            return try Checkpoint(reading: CheckpointStore.resolve(path))
        }
    }

    var totalSteps: Int { experiment.configuration.training.epochs * shards.stepsPerEpoch }

    /// Trains until the last step or until a stop is requested on a rank; either way the last step has a checkpoint.
    /// Collective.
    ///
    /// Every rank takes the same decisions from the same figures. What only one of them knows (a wish to stop, an error)
    /// travels with the sums of the next step.
    public mutating func run() throws -> Outcome {
        var log: MetricsLog?
        var lastCheckpoint: FilePath?
        try communicator.together {
            guard let directory else { return }
            log = try MetricsLog(directory.metricsPath, continuingAfter: trainer.step)
            // A kill between writing a checkpoint and removing the oldest leaves one too many.
            try store.prune(keeping: experiment.configuration.checkpoint.keep)
            lastCheckpoint = try store.list().last
            // A run that goes on from another run's checkpoint keeps it as its own.
            if lastCheckpoint == nil && trainer.step > 0 { lastCheckpoint = try saveCheckpoint() }
        }
        let start = ContinuousClock.now
        let checkpoints = experiment.configuration.checkpoint
        var orders = shards.orders(epoch: trainer.step / shards.stepsPerEpoch)

        while trainer.step < totalSteps {
            communicator.activity.begin(step: trainer.step, "training")
            let epoch = trainer.step / shards.stepsPerEpoch
            let stepInEpoch = trainer.step % shards.stepsPerEpoch
            if stepInEpoch == 0 { orders = shards.orders(epoch: epoch) }
            // Epochs go through the views in turn. A cache may hold more of them than the run asks for.
            let view = epoch % experiment.cacheIdentity.viewCount
            let step = try takeStep(shards.batch(ofStep: stepInEpoch, from: orders), view: view)

            let isEndOfEpoch = stepInEpoch + 1 == shards.stepsPerEpoch
            var record = MetricsRecord(
                kind: isEndOfEpoch ? .epoch : .step, step: trainer.step, epoch: epoch + 1, loss: epochProgress.loss,
                accuracy: epochProgress.accuracy, learningRate: step.learningRate,
                seconds: (ContinuousClock.now - start) / .seconds(1))
            if isEndOfEpoch { try finishEpoch(&record) }
            if let log, isEndOfEpoch || trainer.step % 50 == 0 { onRank0 { _ in try log.append(record) } }
            show(record)

            if trainer.step % checkpoints.every == 0 || trainer.step == totalSteps || step.isLast {
                communicator.activity.begin(step: trainer.step, "writing a checkpoint")
                onRank0 { lastCheckpoint = try $0.saveCheckpoint() }
            }
            if step.isLast { break }
        }
        communicator.activity.begin(step: trainer.step, "finishing the training")
        let path = try communicator.fromRank0(allowing: .seconds(60)) {
            if let pendingFailure { throw pendingFailure }
            return Array((lastCheckpoint ?? store.directory).string.utf8)
        }
        return Outcome(
            checkpoint: FilePath(String(decoding: path, as: UTF8.self)), step: trainer.step, totalSteps: totalSteps,
            testTop1: metrics["test_top1"])
    }

    /// Work in which the other ranks have no part and for whose end they do not wait. An error is kept for the next step.
    private mutating func onRank0(_ body: (Self) throws -> Void) {
        guard communicator.rank == 0 else { return }
        do {
            try communicator.activity.allowing(.seconds(600)) { try body(self) }
        } catch {
            pendingFailure = pendingFailure ?? error
        }
    }

    /// Evaluates if it is time to, and starts the figures of the next epoch.
    private mutating func finishEpoch(_ record: inout MetricsRecord) throws {
        metrics = ["loss": record.loss, "accuracy": record.accuracy]
        let evaluation = experiment.configuration.evaluation
        if record.epoch % evaluation.every == 0 || trainer.step == totalSteps {
            communicator.activity.begin(step: trainer.step, "evaluating")
            let score = try Evaluation.score(
                trainer.head, cache: cache, split: .test, team: team, communicator: communicator)
            if score.sampleCount > 0 {
                record.testTop1 = score.top1
                record.testTop5 = score.top5
                metrics["test_top1"] = score.top1
                metrics["test_top5"] = score.top5
            }
        }
        // Only for the log.
        if communicator.rank == 0 { record.orthogonalityError = Double(trainer.orthogonalityError(team: team)) }
        epochProgress = EpochProgress()
    }

    /// The names of the figures of a completed epoch.
    private static let epochMetrics: Set<String> = ["loss", "accuracy", "test_top1", "test_top5"]

    /// On rank 0.
    private func saveCheckpoint() throws -> FilePath {
        let state = trainer.state
        let path = try store.save(
            CheckpointState(
                state, experiment: experiment, epoch: trainer.step / shards.stepsPerEpoch,
                metrics: metrics.merging(epochProgress.metrics) { own, _ in own }),
            channelMap: state.head.channelMap, classifier: state.head.classifier,
            optimizer: state.optimizer.map { OptimizerTensor(name: $0.name, shape: $0.shape, elements: $0.values) })
        try store.prune(keeping: experiment.configuration.checkpoint.keep)
        return path
    }

    private func show(_ record: MetricsRecord) {
        let accuracy = (record.testTop1.map { ", test \(percentage($0))" }) ?? ""
        progress(
            ProgressReport(
                activity: "train", completed: record.step, total: totalSteps, unit: "steps",
                detail: "epoch \(record.epoch)/\(experiment.configuration.training.epochs), "
                    + "loss \(rounded(record.loss)), train \(percentage(record.accuracy))\(accuracy)"))
    }

    private func percentage(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
    private func rounded(_ number: Double) -> String { "\((number * 1000).rounded() / 1000)" }
}
