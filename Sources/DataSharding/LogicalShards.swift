import CounterRandom

/// How the training samples are cut into logical shards and walked through, as a pure function of the number of samples,
/// the number of shards and the seed.
///
/// A logical shard is the unit that ranks host: each step takes up to `samplesPerShard` samples from every shard and
/// computes one gradient per shard, whoever hosts it. Samples whose images cannot be decoded keep their numbers and shards,
/// so that nothing else moves, and are never visited.
public struct LogicalShards: Equatable, Sendable {
    /// Number of training samples.
    public let sampleCount: Int
    /// Number of logical shards, V.
    public var shardCount: Int { assignment.shardCount }
    /// Which samples each shard has.
    public let assignment: ShardAssignment
    /// Samples that one shard gives to one step; the last step of an epoch may get fewer.
    public let samplesPerShard: Int
    public let seed: UInt64
    /// Samples that belong to a shard but are never visited.
    private let leftOut: Set<Int>
    /// Samples of the largest shard that are visited.
    private let largestShard: Int

    public init(sampleCount: Int, shardCount: Int, batchSize: Int, seed: UInt64, leavingOut leftOut: Set<Int> = []) {
        precondition(sampleCount > 0, "there are no samples to train on")
        precondition(
            batchSize > 0 && batchSize % shardCount == 0,
            "a batch of \(batchSize) cannot be taken evenly from \(shardCount) logical shards")
        self.sampleCount = sampleCount
        assignment = ShardAssignment(shardCount: shardCount)
        samplesPerShard = batchSize / shardCount
        self.seed = seed
        self.leftOut = leftOut
        var leftOutCounts = [Int](repeating: 0, count: shardCount)
        for sample in leftOut { leftOutCounts[assignment.shard(ofSample: sample)] += 1 }
        largestShard = (0..<shardCount).reduce(0) { [assignment] largest, shard in
            max(largest, assignment.count(ofShard: shard, of: sampleCount) - leftOutCounts[shard])
        }
    }

    /// Steps of one epoch: as many as the largest shard needs.
    public var stepsPerEpoch: Int {
        (largestShard + samplesPerShard - 1) / samplesPerShard
    }

    /// The samples of `shard` in the order in which `epoch` visits them.
    public func order(epoch: Int, shard: Int) -> [Int] {
        var stream = RandomStream(seed: seed, purpose: .shuffle, epoch, shard)
        let order = stream.shuffled(Array(assignment.samples(ofShard: shard, of: sampleCount)))
        return leftOut.isEmpty ? order : order.filter { !leftOut.contains($0) }
    }

    /// The orders of all shards in `epoch`, from which `batch(ofStep:from:)` cuts the steps.
    public func orders(epoch: Int) -> [[Int]] {
        (0..<shardCount).map { order(epoch: epoch, shard: $0) }
    }

    /// The samples that each shard gives to one step of an epoch, some of them none at the end of the epoch.
    public func batch(ofStep stepInEpoch: Int, from orders: [[Int]]) -> [ArraySlice<Int>] {
        orders.map { order in
            let start = min(order.count, stepInEpoch * samplesPerShard)
            return order[start..<min(order.count, start + samplesPerShard)]
        }
    }
}
