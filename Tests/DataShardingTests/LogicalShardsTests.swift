import DataSharding
import Testing

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

    @Test func samplesThatAreLeftOutMoveNothingElse() {
        let whole = LogicalShards(sampleCount: 50, shardCount: 4, batchSize: 8, seed: 1)
        let leftOut: Set<Int> = [0, 4, 8, 13, 49]
        let some = LogicalShards(sampleCount: 50, shardCount: 4, batchSize: 8, seed: 1, leavingOut: leftOut)
        for epoch in 0..<3 {
            for shard in 0..<4 {
                #expect(
                    some.order(epoch: epoch, shard: shard)
                        == whole.order(epoch: epoch, shard: shard).filter { !leftOut.contains($0) })
            }
            let orders = some.orders(epoch: epoch)
            let visited = (0..<some.stepsPerEpoch).flatMap { some.batch(ofStep: $0, from: orders).flatMap { $0 } }
            #expect(visited.sorted() == (0..<50).filter { !leftOut.contains($0) })
            // No step is without samples, also when whole batches of a shard are left out.
            #expect(some.batch(ofStep: some.stepsPerEpoch - 1, from: orders).contains { !$0.isEmpty })
        }
        #expect(whole.stepsPerEpoch == 7 && some.stepsPerEpoch == 6)
        let one = LogicalShards(sampleCount: 3, shardCount: 3, batchSize: 3, seed: 1, leavingOut: [0, 2])
        #expect(one.stepsPerEpoch == 1 && one.orders(epoch: 0) == [[], [1], []])
    }

    @Test func aShardHoldsTheSameSamplesInEveryEpoch() {
        let shards = LogicalShards(sampleCount: 50, shardCount: 4, batchSize: 8, seed: 1)
        for shard in 0..<4 {
            #expect(Set(shards.order(epoch: 0, shard: shard)) == Set(shards.order(epoch: 9, shard: shard)))
        }
    }
}
