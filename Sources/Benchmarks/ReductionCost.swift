import DataSharding
import DisentangledHead
public import MessagePassing
public import Tensors

/// The exact sum of the gradients of a large head: beside a sum of floats by MPI, and as a share of a training step.
public struct ReductionCost: Sendable {
    /// What is summed: the gradients of a head on 7 x 7 feature maps.
    public struct Shape: Sendable {
        /// D.
        public var channelCount = 2048
        /// C.
        public var classCount = 1000
        /// Samples of a step, over all logical shards.
        public var batchSize = 256
        /// V.
        public var logicalShards = 8

        public init() {}

        /// Numbers in a gradient, D (D - 1) / 2 + C D: those of a `riemannian` channel map, as the training step has it.
        public var elementCount: Int {
            SquareMatrix<Float>.triangleCount(size: channelCount) + channelCount * classCount
        }
    }

    public let rankCount: Int
    public let threadCount: Int
    /// Logical shards that a rank hosts, at most.
    public let shardsPerRank: Int
    /// MPI_Allreduce of one array of floats per rank; nil in a single process.
    public let floatSum: Durations?
    /// The exact sum of one array per rank.
    public let exactSum: Durations
    /// The exact sum of one array per logical shard, as training needs it.
    public let exactSumOfShards: Durations
    /// The parts of a training step.
    public let gradients: Durations
    public let sumInStep: Durations
    public let update: Durations

    /// Measures on all ranks at the same time. Collective.
    /// - Throws: `ShardingError` for more ranks than logical shards.
    public init(
        _ shape: Shape = Shape(), repetitions: Int, over communicator: any Communicator, team: WorkerTeam
    ) throws {
        // Found out before minutes of measuring.
        _ = try ShardHosting(shardCount: shape.logicalShards, rankCount: communicator.size)
        rankCount = communicator.size
        threadCount = team.workerCount
        shardsPerRank = (shape.logicalShards + communicator.size - 1) / communicator.size
        let single = try ReductionBenchmark(
            elementCount: shape.elementCount, leavesPerRank: 1, repetitions: repetitions, over: communicator,
            threadCount: team.workerCount)
        exactSum = Durations(single.exactSum)
        floatSum = single.floatSum.map(Durations.init)
        exactSumOfShards = Durations(
            try ReductionBenchmark(
                elementCount: shape.elementCount, leavesPerRank: shardsPerRank, repetitions: repetitions,
                over: communicator, threadCount: team.workerCount
            ).exactSum)

        var rehearsal = try TrainingRehearsal(
            .init(
                channelCount: shape.channelCount, classCount: shape.classCount, pixelCount: 49,
                samplesPerShard: shape.batchSize / shape.logicalShards, logicalShards: shape.logicalShards),
            configuration: HeadConfiguration(channelMap: .riemannian), communicator: communicator, team: team)
        // The first touches the memory.
        let steps = try (0..<6).map { _ in
            communicator.activity.progress()
            return try rehearsal.takeStep()
        }.dropFirst()
        gradients = Durations(steps.map(\.gradients))
        sumInStep = Durations(steps.map(\.exactSum))
        update = Durations(steps.map(\.update))
    }
}
