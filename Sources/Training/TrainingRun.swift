import Checkpoints
import DataSharding
import DisentangledHead
public import FeatureCache
public import Inference
public import MessagePassing
import Results
import RunConfiguration
public import RunControl
public import SystemPackage
public import Tensors

/// Trains the head on the cached features of an experiment, from the start or from a checkpoint.
///
/// Several ranks train together: each hosts a range of logical shards. All run this loop, on the same figures; rank 0 has a
/// `Coordinator` beside it. What is computed depends on the configuration and the data alone: not on threads, ranks, kills or
/// resumes.
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
        /// The one that was best on the test images, if the configuration asks for it.
        public let bestCheckpoint: FilePath?
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

    let shards: LogicalShards
    let schedule: RunSchedule
    let trainingSamples: [Int]
    /// The logical shards whose gradients this rank computes.
    let hostedShards: Range<Int>

    package internal(set) var trainer: HeadTrainer
    var epochProgress: EpochProgress
    /// The figures of the last completed epoch, as a checkpoint names them.
    var metrics: [String: Double]
    /// If the head learns from a teacher.
    let teacherMemory: TeacherMemory?
    /// Which ranks share the products of an update; nil if every rank computes all of it.
    let sharing: RankSharing?
    /// How the gradients of a step are added over the ranks.
    let reduction: GradientReduction
    /// The memory of the last step's summed gradients.
    var gradientSums: [[Float]] = []
    /// At rank 0; nil elsewhere.
    let coordinator: Coordinator?

    /// The names of the figures of a completed epoch.
    private static let epochMetrics: Set<String> = ["loss", "accuracy", "test_top1", "test_top5"]

    /// Takes the run directory, and reads the checkpoint to go on from if there is one. Collective: rank 0 does, and gives
    /// the others what they need.
    ///
    /// - Parameters:
    ///   - cache: the feature cache of `experiment`, complete or with the shards that this rank is responsible for.
    ///   - note: receives lines such as a warning about a checkpoint that could not be used, on rank 0.
    /// - Throws: on all ranks, `ExperimentError.insideDataset`, `TrainingError` for a run directory in use or a checkpoint of
    ///   another configuration, `ShardingError` for more ranks than logical shards, `ExperimentError.provenanceDiffers` for a
    ///   checkpoint of other weights or data; `CheckpointError` for one that is corrupt; what
    ///   `Experiment.findingStart` throws.
    public init(
        _ experiment: Experiment, cache: FeatureCache, resume: Resume = .automatic,
        communicator: any Communicator = SingleProcess(), team: WorkerTeam = WorkerTeam(),
        stop: StopRequest = StopRequest(), progress: @escaping ProgressHandler = { _ in },
        note: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        try experiment.requireOutsideDataset("run.directory", experiment.configuration.run.directory)
        let experiment = try experiment.findingStart(on: communicator)
        let configuration = experiment.configuration
        self.experiment = experiment
        self.cache = cache
        self.communicator = communicator
        self.team = team
        self.stop = stop
        trainingSamples = cache.allIndices(of: "train")
        shards = try Self.shards(of: configuration, cache: cache, samples: trainingSamples)
        schedule = RunSchedule(
            epochCount: configuration.training.epochs, stepsPerEpoch: shards.stepsPerEpoch,
            viewCount: configuration.head.mode == .posthoc ? 1 : experiment.cacheIdentity.viewCount,
            checkpointInterval: configuration.checkpoint.every,
            evaluationInterval: configuration.evaluation.every)
        hostedShards = try ShardHosting(shardCount: shards.shardCount, rankCount: communicator.size)
            .shards(ofRank: communicator.rank)

        communicator.activity.begin(step: 0, "reading the checkpoint to go on from")
        let coordinator = try communicator.together { [schedule] () -> Coordinator? in
            guard communicator.rank == 0 else { return nil }
            return try Coordinator(
                experiment, schedule: schedule, activity: communicator.activity, progress: progress)
        }
        let checkpoint = try communicator.checkpointFromRank0 {
            try coordinator?.checkpoint(for: resume, note: note)
        }
        let headConfiguration = configuration.headConfiguration(totalSteps: schedule.totalSteps)
        let turnedCount = configuration.head.turnedCount(
            channelCount: experiment.backbone.channelCount, trainingImageCount: trainingSamples.count)
        if let checkpoint {
            let state = try checkpoint.trainerState(of: configuration.head)
            try configuration.head.requireSameMap(as: state, turnedCount: turnedCount, in: checkpoint.directory)
            trainer = try HeadTrainer(
                configuration: headConfiguration, seed: UInt64(configuration.run.seed), restoring: state)
            guard let progress = EpochProgress(metrics: checkpoint.state.metrics) else {
                throw TrainingError.metricsUnreadable(checkpoint: checkpoint.directory)
            }
            epochProgress = progress
            metrics = checkpoint.state.metrics.filter { Self.epochMetrics.contains($0.key) }
        } else {
            trainer = try experiment.trainer(
                headConfiguration, cache: cache, team: team, communicator: communicator
            ) { [trainingSamples, hostedShards] in
                try turnedCount.map {
                    try experiment.turnedChannels(
                        $0, cache: cache, trainingSamples: trainingSamples, hostedShards: hostedShards, team: team,
                        communicator: communicator)
                }
            }
            epochProgress = EpochProgress()
            metrics = [:]
        }
        if configuration.head.mode == .posthoc, trainingSamples.count >= 1 << 24 {
            // Checkpoints name images in single precision.
            throw TrainingError.tooManySamples(count: trainingSamples.count, limit: 1 << 24)
        }
        teacherMemory = trainer.isDistilled ? TeacherMemory(classCount: trainer.classCount) : nil
        sharing = try RankSharing.fastest(for: trainer, over: communicator, team: team)
        reduction = try GradientReduction(
            over: communicator, shardCount: shards.shardCount, threadCount: team.workerCount)
        self.coordinator = coordinator
        let turned = trainer.turnedChannels?.count
        if coordinator != nil, let turned, turned == turnedCount, configuration.head.mapRank == .automatic {
            note(
                """
                The channel map turns \(turned) of \(trainer.channelCount) channels: there are \(trainingSamples.count) training \
                images, and a step takes an eighth of the time (head.map_rank: all turns all).
                """)
        }
        if coordinator != nil, let sharing = sharing?.note(size: trainer.channelMapSize) { note(sharing) }
        try communicator.together { try coordinator?.recordConfiguration(turnedCount: turned) }
    }

    /// The steps of an epoch over the samples that have features.
    /// - Throws: `TrainingError.tooFewSamples`.
    private static func shards(
        of configuration: RunConfiguration, cache: FeatureCache, samples: [Int]
    ) throws -> LogicalShards {
        let usable = Set(cache.indices(of: "train"))
        let shardCount = configuration.training.logicalShards
        guard usable.count >= shardCount else {
            throw TrainingError.tooFewSamples(count: usable.count, shards: shardCount)
        }
        return LogicalShards(
            sampleCount: samples.count, shardCount: shardCount, batchSize: configuration.training.batchSize,
            seed: UInt64(configuration.run.seed),
            leavingOut: Set(samples.indices.filter { !usable.contains(samples[$0]) }))
    }

    /// Trains until the last step or until a stop is requested on a rank; either way the last step has a checkpoint.
    /// Collective.
    ///
    /// Every rank takes the same decisions from the same figures. What only one of them knows (a wish to stop, an error)
    /// travels with the sums of the next step.
    public mutating func run() throws -> Outcome {
        try communicator.together { try coordinator?.begin(snapshot, step: trainer.step) }
        let reader = featureReader()
        var orders = shards.orders(epoch: schedule.epoch(ofStep: trainer.step))
        while trainer.step < schedule.totalSteps {
            communicator.activity.begin(step: trainer.step, "training")
            let (epoch, place) = (schedule.epoch(ofStep: trainer.step), schedule.place(ofStep: trainer.step))
            if place == 0 {
                orders = shards.orders(epoch: epoch)
                try beginEpochOfPrototypes(epoch)
            }
            let step = try takeStep(
                shards.batch(ofStep: place, from: orders), view: schedule.view(ofStep: trainer.step), reading: reader)

            let events = schedule.events(afterStep: trainer.step, stops: step.isLast)
            var record = MetricsRecord(
                kind: events.endsEpoch ? .epoch : .step, step: trainer.step, epoch: epoch + 1, loss: epochProgress.loss,
                accuracy: epochProgress.accuracy, learningRate: step.learningRate)
            if events.endsEpoch { try finishEpoch(&record, evaluates: events.evaluates) }
            coordinator?.follow(record, events, snapshot)
            if step.isLast { break }
        }
        communicator.activity.begin(step: trainer.step, "finishing the training")
        let text = try communicator.fromRank0(allowing: .seconds(60)) {
            guard let paths = try coordinator?.finish() else { return [] }
            // No path holds a zero byte.
            return Array([paths.last.string, paths.best?.string ?? ""].joined(separator: "\0").utf8)
        }
        let paths = text.split(separator: 0).map { FilePath(String(decoding: $0, as: UTF8.self)) }
        return Outcome(
            checkpoint: paths[0], bestCheckpoint: paths.count > 1 ? paths[1] : nil, step: trainer.step,
            totalSteps: schedule.totalSteps, testTop1: metrics["test_top1"])
    }

    private var snapshot: RunSnapshot {
        RunSnapshot(trainer: trainer.state, metrics: metrics.merging(epochProgress.metrics) { own, _ in own })
    }
}
