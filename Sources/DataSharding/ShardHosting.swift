/// Which rank hosts which logical shards: consecutive ones, as many on each rank as possible.
///
/// The number of ranks is a matter of deployment: any from 1 to V.
public struct ShardHosting: Equatable, Sendable {
    /// Number of logical shards, V.
    public let shardCount: Int
    /// Number of ranks, W.
    public let rankCount: Int

    /// - Throws: `ShardingError.tooManyRanks` if some would have nothing to do.
    public init(shardCount: Int, rankCount: Int) throws(ShardingError) {
        precondition(shardCount > 0 && rankCount > 0, "\(rankCount) ranks for \(shardCount) shards")
        guard rankCount <= shardCount else { throw .tooManyRanks(count: rankCount, shards: shardCount) }
        self.shardCount = shardCount
        self.rankCount = rankCount
    }

    /// The shards that `rank` hosts.
    public func shards(ofRank rank: Int) -> Range<Int> {
        precondition((0..<rankCount).contains(rank), "rank \(rank) is not in 0..<\(rankCount)")
        return rank * shardCount / rankCount..<(rank + 1) * shardCount / rankCount
    }

    /// The rank that hosts each shard, by shard.
    public var ranks: [Int] { (0..<rankCount).flatMap { rank in shards(ofRank: rank).map { _ in rank } } }
}

/// What can go wrong when work is shared out over ranks.
public enum ShardingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There are more processes than logical shards for them to host.
    case tooManyRanks(count: Int, shards: Int)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 { 78 }

    public var description: String {
        switch self {
        case .tooManyRanks(let count, let shards):
            """
            \(count) ranks are more than the \(shards) logical shards of training.logical_shards, so that some would have \
            nothing to do. Start at most \(shards) ranks, with more threads each.
            """
        }
    }
}
