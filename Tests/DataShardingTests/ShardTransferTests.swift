import DataSharding
import Testing

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
