import DataSharding
import Testing

@Suite struct ShardHostingTests {
    @Test(arguments: [(1, 1), (8, 1), (8, 3), (8, 8), (7, 4), (4096, 1000)])
    func everyShardIsHostedOnceByConsecutiveRanks(shardCount: Int, rankCount: Int) throws {
        let hosting = try ShardHosting(shardCount: shardCount, rankCount: rankCount)
        let shares = (0..<rankCount).map { hosting.shards(ofRank: $0) }
        #expect(shares.flatMap { Array($0) } == Array(0..<shardCount))
        #expect(shares.map(\.count).max()! - shares.map(\.count).min()! <= 1)
        #expect(hosting.ranks.count == shardCount && hosting.ranks == hosting.ranks.sorted())
        for (shard, rank) in hosting.ranks.enumerated() { #expect(shares[rank].contains(shard)) }
    }

    @Test func moreRanksThanShardsAreRefused() {
        #expect(throws: ShardingError.tooManyRanks(count: 5, shards: 4)) {
            try ShardHosting(shardCount: 4, rankCount: 5)
        }
    }

    @Test(arguments: [(0, 4), (1, 4), (100, 8), (101, 8), (7, 8)])
    func samplesAreDealtOutInTurn(sampleCount: Int, shardCount: Int) {
        let assignment = ShardAssignment(shardCount: shardCount)
        for shard in 0..<shardCount {
            let samples = Array(assignment.samples(ofShard: shard, of: sampleCount))
            #expect(samples == (0..<sampleCount).filter { assignment.shard(ofSample: $0) == shard })
            #expect(samples.count == assignment.count(ofShard: shard, of: sampleCount))
        }
    }
}
