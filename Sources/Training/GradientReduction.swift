import DisentangledHead
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
    private let leastCount: Int

    /// Fewer numbers than this are added sooner than a thread is begun.
    package static let leastCount = 1 << 16

    /// Collective.
    package init(over communicator: any Communicator, shardCount: Int, threadCount: Int) throws {
        self.communicator = communicator
        self.shardCount = shardCount
        self.threadCount = threadCount
        let wishes = try communicator.areSetOnAnyRank(["INFODISENT_SUM_MEANWHILE", "INFODISENT_SUM_IN_TURN"])
        let hasNetwork = communicator.localSize < communicator.size
        leastCount = wishes[0] ? 1 : Self.leastCount
        other = communicator.size > 1 && !wishes[1] && (hasNetwork || wishes[0]) ? try communicator.copy() : nil
    }

    /// The sums of the tensors of `HeadGradient`, one leaf for each logical shard, of which this rank gives `leaves`. Collective.
    ///
    /// - Parameter sums: earlier ones, whose memory is used again. Afterwards the channel map's alone, if the others are under way.
    /// - Returns: those under way, or nil if all are there.
    /// - Throws: what `ExactReduction.sum` throws.
    package func begin(
        _ leaves: [ExactReduction.Leaf], lengths: [Int], into sums: inout [[Float]]
    ) throws -> PendingReduction? {
        let reduction = ExactReduction(
            tensorLengths: lengths, leafCount: shardCount, over: communicator, threadCount: threadCount)
        let agreement = try reduction.agree(on: leaves)
        guard let other, lengths[0] > 0, lengths.dropFirst().reduce(0, +) >= leastCount else {
            try reduction.sum(leaves, lengths.indices, by: agreement, into: &sums)
            return nil
        }
        let rest = Array(sums.dropFirst())
        sums.removeSubrange(min(1, sums.count)...)
        try reduction.sum(leaves, 0..<1, by: agreement, into: &sums)
        return reduction.start(leaves, 1..<lengths.count, by: agreement, over: other, reusing: consume rest)
    }
}

extension HeadTrainer {
    /// One step against the mean of the samples' gradients, given their sums.
    ///
    /// - Parameters:
    ///   - sums: what `GradientReduction.begin` made of them; afterwards the means.
    ///   - pending: what it returned.
    ///   - lossSum: of the samples.
    /// - Throws: what `apply(_:learningRate:channelMapLearningRate:team:sharing:)` and `ExactReduction.sum` throw.
    package mutating func apply(
        _ sums: inout [[Float]], awaiting pending: PendingReduction?, sampleCount: Int, lossSum: Double,
        learningRate: Double, channelMapLearningRate: Double, team: WorkerTeam, sharing: (any ProductSharing)?
    ) throws {
        let factor = 1 / Float(sampleCount)
        // In place: each array has one owner here.
        HeadGradient.scale(&sums, 0..<1, by: factor)
        try apply(
            channelMap: sums[0], learningRate: learningRate, channelMapLearningRate: channelMapLearningRate, team: team,
            sharing: sharing
        ) {
            if let pending { sums += try pending.finish() }
            HeadGradient.scale(&sums, 1..<sums.count, by: factor)
            return HeadGradient(tensors: sums, lossSum: lossSum, correctCount: 0, sampleCount: sampleCount)
        }
    }
}
