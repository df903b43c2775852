import Testing
import Training

@Suite struct LogicalShardsTests {
    @Test(arguments: [(100, 8, 64), (101, 8, 16), (7, 8, 8), (64, 1, 10), (1000, 3, 9)])
    func anEpochVisitsEverySampleOnce(sampleCount: Int, shardCount: Int, batchSize: Int) {
        let shards = LogicalShards(sampleCount: sampleCount, shardCount: shardCount, batchSize: batchSize, seed: 3)
        for epoch in 0..<3 {
            let orders = shards.orders(epoch: epoch)
            let visited = (0..<shards.stepsPerEpoch).flatMap { step in
                shards.batch(ofStep: step, from: orders).flatMap { $0 }
            }
            #expect(visited.sorted() == Array(0..<sampleCount))
            #expect(shards.batch(ofStep: shards.stepsPerEpoch, from: orders).allSatisfy { $0.isEmpty })
        }
    }

    @Test func everyStepTakesTheSameNumberFromEachShardUntilTheLast() {
        let shards = LogicalShards(sampleCount: 1003, shardCount: 8, batchSize: 32, seed: 0)
        let orders = shards.orders(epoch: 0)
        for step in 0..<shards.stepsPerEpoch - 1 {
            #expect(shards.batch(ofStep: step, from: orders).allSatisfy { $0.count == 4 })
        }
        let last = shards.batch(ofStep: shards.stepsPerEpoch - 1, from: orders).map(\.count)
        #expect(last.max()! <= 4 && last.reduce(0, +) == 1003 - 32 * (shards.stepsPerEpoch - 1))
    }

    @Test func epochsAndSeedsGiveOtherOrdersAndTheSameSeedTheSameOne() {
        let shards = LogicalShards(sampleCount: 400, shardCount: 4, batchSize: 8, seed: 1)
        let other = LogicalShards(sampleCount: 400, shardCount: 4, batchSize: 8, seed: 2)
        #expect(shards.orders(epoch: 0) != shards.orders(epoch: 1))
        #expect(shards.orders(epoch: 0) != other.orders(epoch: 0))
        #expect(shards.orders(epoch: 5) == shards.orders(epoch: 5))
    }

    @Test func aShardHoldsTheSameSamplesInEveryEpoch() {
        let shards = LogicalShards(sampleCount: 50, shardCount: 4, batchSize: 8, seed: 1)
        for shard in 0..<4 {
            #expect(Set(shards.order(epoch: 0, shard: shard)) == Set(shards.order(epoch: 9, shard: shard)))
        }
    }
}
