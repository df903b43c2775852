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

    private let experiment: Experiment
    private let cache: FeatureCache
    private let communicator: any Communicator
    private let team: WorkerTeam
    private let stop: StopRequest
    private let progress: ProgressHandler
    private let note: @Sendable (String) -> Void

    private let directory: RunDirectory
    private let store: CheckpointStore
    private let shards: LogicalShards
    private let schedule: LearningRateSchedule
    private let trainingSamples: [Int]
    /// The logical shards whose gradients this rank computes.
    private let hostedShards: Range<Int>
    private let reduction: ExactReduction

    private var trainer: HeadTrainer
    private var epochProgress: EpochProgress
    /// The figures of the last completed epoch, as a checkpoint names them.
    private var metrics: [String: Double]

    /// Takes the run directory, and reads the checkpoint to go on from if there is one.
    ///
    /// - Parameters:
    ///   - cache: the complete feature cache of `experiment`.
    ///   - note: receives lines such as a warning about a checkpoint that could not be used.
    /// - Throws: `TrainingError` for a run directory in use, or a checkpoint of another configuration, weights or data;
    ///   `CheckpointError` for one that is corrupt.
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
        self.note = note
        let configuration = experiment.configuration
        trainingSamples = cache.indices(of: "train")
        guard trainingSamples.count >= configuration.training.logicalShards else {
            throw TrainingError.tooFewSamples(
                count: trainingSamples.count, shards: configuration.training.logicalShards)
        }
        shards = LogicalShards(
            sampleCount: trainingSamples.count, shardCount: configuration.training.logicalShards,
            batchSize: configuration.training.batchSize, seed: UInt64(configuration.run.seed))
        let (channelCount, classCount) = (experiment.backbone.channelCount, experiment.dataset.classNames.count)
        hostedShards = shards.hosted(byRank: communicator.rank, of: communicator.size)
        reduction = ExactReduction(
            tensorLengths: [
                configuration.head.channelMap == .identity ? 0 : channelCount * channelCount, classCount * channelCount,
            ], leafCount: shards.shardCount, over: communicator)
        schedule = configuration.training.learningRateSchedule
        directory = try RunDirectory(configuration.run.directory)
        store = CheckpointStore(runDirectory: directory.path)

        let headConfiguration = configuration.headConfiguration(
            totalSteps: configuration.training.epochs * shards.stepsPerEpoch)
        if let checkpoint = try Self.checkpoint(for: resume, in: store, note: note) {
            try checkpoint.requireSameRun(as: experiment)
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
        try DurableFile.write(configuration.yaml, to: directory.configurationPath)
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

    private var totalSteps: Int { experiment.configuration.training.epochs * shards.stepsPerEpoch }

    /// Trains until the last step or until a stop is requested; either way the last step has a checkpoint.
    public mutating func run() throws -> Outcome {
        let log = try MetricsLog(directory.metricsPath, continuingAfter: trainer.step)
        let start = ContinuousClock.now
        let checkpoints = experiment.configuration.checkpoint
        var lastCheckpoint = try store.list().last
        var orders = shards.orders(epoch: trainer.step / shards.stepsPerEpoch)

        while trainer.step < totalSteps {
            let epoch = trainer.step / shards.stepsPerEpoch
            let stepInEpoch = trainer.step % shards.stepsPerEpoch
            if stepInEpoch == 0 { orders = shards.orders(epoch: epoch) }
            let learningRate = try takeStep(shards.batch(ofStep: stepInEpoch, from: orders))

            let isEndOfEpoch = stepInEpoch + 1 == shards.stepsPerEpoch
            var record = MetricsRecord(
                kind: isEndOfEpoch ? .epoch : .step, step: trainer.step, epoch: epoch + 1, loss: epochProgress.loss,
                accuracy: epochProgress.accuracy, learningRate: learningRate, orthogonalityError: nil, testTop1: nil,
                testTop5: nil, seconds: (ContinuousClock.now - start) / .seconds(1))
            if isEndOfEpoch {
                try finishEpoch(&record)
                try log.append(record)
            } else if trainer.step % 50 == 0 {
                try log.append(record)
            }
            show(record)

            let isStopping = stop.isRequested
            if trainer.step % checkpoints.every == 0 || trainer.step == totalSteps || isStopping {
                lastCheckpoint = try saveCheckpoint()
            }
            if isStopping { break }
        }
        return Outcome(
            checkpoint: lastCheckpoint ?? store.directory, step: trainer.step, totalSteps: totalSteps,
            testTop1: metrics["test_top1"])
    }

    /// One optimizer step on the samples that each logical shard gives; returns its learning rate.
    private mutating func takeStep(_ batches: [ArraySlice<Int>]) throws -> Double {
        let gradients = try shardGradients(batches)
        var totals: [Int64] = [0, 0, 0]
        for gradient in gradients {
            totals[0] += Int64(gradient.sampleCount)
            totals[1] += Int64(gradient.correctCount)
            totals[2] += EpochProgress.fixedPoint(gradient.lossSum)
        }
        try communicator.sum(&totals)
        let leaves = zip(hostedShards, gradients).map {
            ExactReduction.Leaf(shard: $0, tensors: [$1.channelMap, $1.classifier])
        }
        let sums = try reduction.sum(leaves)
        var total = HeadGradient(
            channelMap: sums[0], classifier: sums[1], lossSum: Double(totals[2]) * 0x1p-24,
            correctCount: Int(totals[1]), sampleCount: Int(totals[0]))
        total.scale(by: 1 / Float(total.sampleCount))

        let training = experiment.configuration.training
        let rate = schedule.learningRate(base: training.learningRate, step: trainer.step, totalSteps: totalSteps)
        let mapRate = schedule.learningRate(
            base: training.channelMapLearningRate ?? training.learningRate, step: trainer.step, totalSteps: totalSteps)
        do {
            try trainer.apply(total, learningRate: rate, channelMapLearningRate: mapRate, team: team)
        } catch let error as HeadError {
            throw TrainingError.diverged(step: trainer.step, detail: "\(error)")
        }
        let head = trainer.head
        guard head.channelMap.allSatisfy(\.isFinite), head.classifier.allSatisfy(\.isFinite) else {
            throw TrainingError.diverged(step: trainer.step, detail: "the head holds numbers that are not finite.")
        }
        epochProgress.count(
            samples: total.sampleCount, correct: total.correctCount, fixedPointLoss: Int(totals[2]))
        return rate
    }

    /// The gradients of the hosted logical shards, each summed over its samples; zero where a shard has none left.
    ///
    /// Shards are independent of each other, so they are what the threads share out; with more threads than shards the
    /// threads work together inside each shard instead. Either way a gradient has the same bits.
    private func shardGradients(_ batches: [ArraySlice<Int>]) throws -> [HeadGradient] {
        let (outer, inner) =
            team.workerCount <= hostedShards.count
            ? (team, WorkerTeam(workerCount: 1)) : (WorkerTeam(workerCount: 1), team)
        let map = experiment.cacheIdentity.featureMap
        let lengths = reduction.tensorLengths
        return try outer.map(hostedShards.count) { [trainer, cache, trainingSamples, hostedShards] _, index in
            let batch = Array(batches[hostedShards[hostedShards.startIndex + index]])
            guard !batch.isEmpty else {
                return HeadGradient(
                    channelMap: [Float](repeating: 0, count: lengths[0]),
                    classifier: [Float](repeating: 0, count: lengths[1]), lossSum: 0, correctCount: 0, sampleCount: 0)
            }
            let samples = batch.map { trainingSamples[$0] }
            let features = Tensor(
                shape: [samples.count, map.height, map.width, map.channelCount],
                values: try cache.features(of: samples))
            return try trainer.gradient(
                features: features, labels: samples.map { cache.samples.label(of: $0) }, sampleIDs: batch, team: inner)
        }
    }

    /// Evaluates if it is time to, and starts the figures of the next epoch.
    private mutating func finishEpoch(_ record: inout MetricsRecord) throws {
        record.orthogonalityError = Double(trainer.orthogonalityError(team: team))
        metrics = ["loss": record.loss, "accuracy": record.accuracy]
        let evaluation = experiment.configuration.evaluation
        if record.epoch % evaluation.every == 0 || trainer.step == totalSteps {
            let score = try Evaluation.score(trainer.head, cache: cache, split: .test, team: team)
            if score.sampleCount > 0 {
                record.testTop1 = score.top1
                record.testTop5 = score.top5
                metrics["test_top1"] = score.top1
                metrics["test_top5"] = score.top5
            }
        }
        epochProgress = EpochProgress()
    }

    /// The names of the figures of a completed epoch.
    private static let epochMetrics: Set<String> = ["loss", "accuracy", "test_top1", "test_top5"]

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
