import Testing
import Training

@Suite struct RankProcessorsTests {
    @Test func ranksThatMayRunAnywhereDivideTheHost() {
        let free = [UInt8](repeating: 1, count: 8)
        for (count, share) in [(1, 8), (2, 4), (3, 2), (4, 2), (8, 1), (11, 1)] {
            let processors = RankProcessors(
                masks: .init(repeating: free, count: count), hosts: .init(repeating: "h", count: count))
            #expect((0..<count).allSatisfy { processors.share(ofRank: $0) == share }, "\(count) ranks")
        }
    }

    @Test func boundRanksUseTheirProcessors() {
        let processors = RankProcessors(
            masks: [[1, 1, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1]], hosts: ["a", "a", "b"])
        #expect((0..<3).map { processors.share(ofRank: $0) } == [3, 1, 4])
        #expect(processors.warnings(workerCounts: [3, 1, 4]).isEmpty)
    }

    @Test func moreThreadsThanProcessorsAreSaid() {
        let processors = RankProcessors(masks: [[1, 1], [1, 1], [1, 1]], hosts: ["a", "b", "a"])
        let warnings = processors.warnings(workerCounts: [2, 2, 1])
        #expect(warnings.count == 1 && warnings[0].hasPrefix("a has 2 processors for the 3 threads of 2 ranks"))
    }
}

@Suite struct ShardTransferTests {
    @Test func everyMissingShardThatSomeoneHasIsSentOnce() {
        let owners = [0, 0, 1, 1, 2, 2, 2]
        let isPresent: [[UInt8]] = [
            [1, 0, 1, 0, 1, 0, 0],
            [0, 0, 0, 1, 1, 0, 0],
            [0, 1, 0, 0, 0, 0, 1],
        ]
        let rounds = ShardTransfer.plan(owners: owners, isPresent: isPresent)
        let transfers = rounds.flatMap { $0 }
        #expect(transfers.map(\.shard).sorted() == [1, 2, 4], "shard 5 is nowhere, the others are at home")
        for transfer in transfers {
            #expect(owners[transfer.shard] == transfer.destination)
            #expect(isPresent[transfer.source][transfer.shard] == 1)
        }
        for round in rounds {
            #expect(Set(round.map(\.source)).count == round.count)
            #expect(Set(round.map(\.destination)).count == round.count)
        }
    }

    @Test func severalSourcesTakeTurns() {
        let count = 12
        let isPresent: [[UInt8]] = [
            .init(repeating: 0, count: count), .init(repeating: 1, count: count), .init(repeating: 1, count: count),
        ]
        let transfers = ShardTransfer.plan(owners: .init(repeating: 0, count: count), isPresent: isPresent)
            .flatMap { $0 }
        #expect(transfers.count { $0.source == 1 } == 6 && transfers.count { $0.source == 2 } == 6)
    }

    @Test func nothingMovesWhenAllIsAtHome() {
        #expect(ShardTransfer.plan(owners: [0, 1], isPresent: [[1, 0], [0, 1]]).isEmpty)
    }
}
