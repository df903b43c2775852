import DisentangledHead
import Glibc
import MessagePassing
import Tensors

/// Adds the gradients of a step's logical shards over the ranks: that of the channel map first, because its update takes longest.
///
/// Where ranks are on several hosts the other tensors are added meanwhile, on a thread of its own and over a copy of the
/// communicator: the update needs processors, the sum a network. The sums are the same bits either way.
///
/// INFODISENT_SUM_MEANWHILE or INFODISENT_SUM_IN_TURN, which is stronger, in the environment of any rank: for comparisons.
package struct GradientReduction: Sendable {
    private let communicator: any Communicator
    /// Nil where all tensors are added before the update.
    private let other: (any Communicator)?
    private let shardCount: Int
    private let threadCount: Int

    /// Fewer numbers than this are added sooner than a thread is begun.
    private let leastCount: Int

    /// The sums of a step, of which those beside the channel map's may be under way.
    package struct Sums {
        /// Of the channel map's gradients.
        fileprivate var channelMap: [Float]
        /// Those of all other tensors, in their order; to be called once.
        fileprivate let others: () throws -> [[Float]]
    }

    /// Collective.
    package init(over communicator: any Communicator, shardCount: Int, threadCount: Int) throws {
        self.communicator = communicator
        self.shardCount = shardCount
        self.threadCount = threadCount
        // The environment may be that of some ranks only.
        var wishes = ["INFODISENT_SUM_MEANWHILE", "INFODISENT_SUM_IN_TURN"].map { (name: String) -> UInt32 in
            getenv(name) == nil ? 0 : 1
        }
        try communicator.maximum(&wishes)
        let hasNetwork = communicator.localSize < communicator.size
        leastCount = wishes[0] > 0 ? 1 : 1 << 16
        other = communicator.size > 1 && wishes[1] == 0 && (hasNetwork || wishes[0] > 0) ? try communicator.copy() : nil
    }

    /// The sums of the tensors of `HeadGradient`, one leaf for each logical shard, of which this rank gives `leaves`. Collective.
    ///
    /// - Parameter room: earlier sums, whose memory is used again.
    /// - Throws: what `ExactReduction.sum` throws.
    package func sum(
        _ leaves: [ExactReduction.Leaf], lengths: [Int], reusing room: inout [[Float]]
    ) throws -> Sums {
        let reduction = ExactReduction(
            tensorLengths: lengths, leafCount: shardCount, over: communicator, threadCount: threadCount)
        let agreement = try reduction.agree(on: leaves)
        let (first, others) = (0..<1, 1..<lengths.count)
        var map = Array(room.prefix(1))
        var rest = Array(room.dropFirst())
        room = []
        try reduction.sum(leaves, first, by: agreement, into: &map)
        if let other, lengths[0] > 0, lengths[others].reduce(0, +) >= leastCount {
            let pending = reduction.start(leaves, others, by: agreement, over: other, reusing: rest)
            return Sums(channelMap: map[0], others: pending.finish)
        }
        try reduction.sum(leaves, others, by: agreement, into: &rest)
        return Sums(channelMap: map[0]) { rest }
    }
}

extension HeadTrainer {
    /// One step against the mean of the samples' gradients, given their sums.
    ///
    /// - Parameter lossSum: of the samples.
    /// - Returns: what were the sums, whose memory may be used again.
    /// - Throws: what `apply(_:learningRate:channelMapLearningRate:team:sharing:)` and `ExactReduction.sum` throw.
    package mutating func apply(
        _ sums: consuming GradientReduction.Sums, sampleCount: Int, lossSum: Double, learningRate: Double,
        channelMapLearningRate: Double, team: WorkerTeam, sharing: (any ProductSharing)?
    ) throws -> [[Float]] {
        func mean(_ tensors: consuming [[Float]]) -> HeadGradient {
            var gradient = HeadGradient(
                tensors: tensors, lossSum: lossSum, correctCount: 0, sampleCount: sampleCount)
            gradient.scale(by: 1 / Float(sampleCount))
            return gradient
        }
        let others = sums.others
        // Whoever owns the memory alone scales it in place.
        let summed = sums.channelMap
        sums.channelMap = []
        let map = mean([summed, [], [], [], []]).channelMap
        var means: [[Float]] = []
        try apply(
            channelMap: map, learningRate: learningRate, channelMapLearningRate: channelMapLearningRate, team: team,
            sharing: sharing
        ) {
            let gradient = mean([[]] + (try others()))
            means = gradient.tensors
            return gradient
        }
        return [map] + means.dropFirst()
    }
}
