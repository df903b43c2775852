/// Which logical shard each sample of a split belongs to: sample i, counted within its split, to shard i mod V.
///
/// Dealing samples out in turn makes shards differ by at most one sample and, with samples in class order, gives every shard
/// of every class. The rule depends on V alone, so it is the same for a cache, for training and for an evaluation.
public struct ShardAssignment: Equatable, Sendable {
    /// Number of logical shards, V.
    public let shardCount: Int

    public init(shardCount: Int) {
        precondition(shardCount > 0, "samples belong to at least one shard")
        self.shardCount = shardCount
    }

    /// The shard of the sample at `position` of its split.
    public func shard(ofSample position: Int) -> Int { position % shardCount }

    /// The positions of a shard's samples in a split of `sampleCount`, rising.
    public func samples(ofShard shard: Int, of sampleCount: Int) -> StrideTo<Int> {
        stride(from: shard, to: sampleCount, by: shardCount)
    }

    /// Number of a shard's samples in a split of `sampleCount`.
    public func count(ofShard shard: Int, of sampleCount: Int) -> Int {
        max(0, (sampleCount - shard + shardCount - 1) / shardCount)
    }
}
