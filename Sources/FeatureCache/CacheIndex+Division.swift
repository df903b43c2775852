import DataSharding
import DurableFiles

/// Which logical shard each file belongs to.
extension CacheIndex {
    /// The logical shard of each shard's samples, of all views; nil if the cache does not say how it was cut.
    var logicalShards: [Int]? {
        guard let logicalShardCount else { return nil }
        return logicalShards(ofDivisionInto: logicalShardCount)
    }

    /// The logical shard of each shard's samples, if the cache is cut by `logicalShardCount`; nil if a shard holds samples of
    /// several.
    func logicalShards(ofDivisionInto logicalShardCount: Int) -> [Int]? {
        let assignment = ShardAssignment(shardCount: logicalShardCount)
        var logicalShards = [Int](repeating: -1, count: shards.count)
        var positions: [String: Int] = [:]
        for sample in samples.indices {
            let shard = samples.shard(of: sample)
            let position = positions[shards[shard].split, default: 0]
            positions[shards[shard].split] = position + 1
            let own = assignment.shard(ofSample: position)
            guard logicalShards[shard] == -1 || logicalShards[shard] == own else { return nil }
            logicalShards[shard] = own
        }
        for (shard, entry) in shards.enumerated() {
            if let plain = entry.plainShard { logicalShards[shard] = logicalShards[plain] }
        }
        return logicalShards
    }

    /// A digest of the division into shards: which sample is in which row of which.
    var divisionDigest: ContentDigest {
        var hasher = ContentHasher()
        hasher.update("\(logicalShardCount ?? 0)\0")
        for shard in shards[..<plainShardCount] { hasher.update("\(shard.split)\0\(shard.sampleCount)\0") }
        order.withUnsafeBytes { hasher.update($0) }
        return hasher.finalize()
    }

    /// How the division into shards differs from that of `expected`, which has the same samples; nil if it does not.
    func divisionDifference(from expected: CacheIndex) -> CacheDifference? {
        if let found = logicalShardCount, let wanted = expected.logicalShardCount, found != wanted {
            return CacheDifference(field: "division into logical shards", found: "\(found)", expected: "\(wanted)")
        }
        let (plain, expectedPlain) = (shards[..<plainShardCount], expected.shards[..<expected.plainShardCount])
        guard plain != expectedPlain || order != expected.order else { return nil }
        return CacheDifference(
            field: "division into shards", found: "\(plain.count) shards",
            expected: "\(expectedPlain.count) shards, cut by logical shard")
    }
}
