import MessagePassing
import Testing

@Suite struct ExactReductionTests {
    private let lengths = [5000, 0, 1]

    private func leaf(_ shard: Int, scale: Float = 1) -> ExactReduction.Leaf {
        ExactReduction.Leaf(
            shard: shard,
            tensors: lengths.map { length in
                (0..<length).map { Float(($0 * 7919 + shard * 104_729) % 2003 - 1001) * scale / Float($0 % 37 + 1) }
            })
    }

    private func reduction(_ leafCount: Int, pieceLength: Int? = nil) -> ExactReduction {
        ExactReduction(tensorLengths: lengths, leafCount: leafCount, over: SingleProcess(), pieceLength: pieceLength)
    }

    @Test func theSumIsTheNearestFloat() throws {
        let leaves = (0..<7).map { leaf($0) }
        let sums = try reduction(7).sum(leaves)
        #expect(sums.map(\.count) == lengths)
        for (tensor, sum) in sums.enumerated() {
            for index in sum.indices {
                let exact = leaves.reduce(0.0) { $0 + Double($1.tensors[tensor][index]) }
                #expect(sum[index] == Float(exact), "element \(index) of tensor \(tensor)")
            }
        }
    }

    @Test func neitherOrderNorPiecesChangeABit() throws {
        let leaves = (0..<7).map { leaf($0, scale: Float(sign: .plus, exponent: $0 * 5 - 40, significand: 1)) }
        let reference = try reduction(7).sum(leaves)
        for pieceLength in [1, 2, 999, 4999, 5000, 100_000] {
            var sums: [[Float]] = [[1], [2], [3]]
            try reduction(7, pieceLength: pieceLength).sum(leaves.reversed(), into: &sums)
            #expect(sums == reference, "pieces of \(pieceLength)")
        }
    }

    @Test(arguments: [2, 3, 8]) func threadsChangeNoBit(threadCount: Int) throws {
        // More than a thread begins for, in pieces that are cut into unequal ranges, and less.
        let lengths = [70_001, 3]
        let leaves = (0..<5).map { shard in
            ExactReduction.Leaf(
                shard: shard,
                tensors: lengths.map { (0..<$0).map { Float(($0 * 7919 + shard * 104_729) % 2003 - 1001) } })
        }
        func sum(_ threadCount: Int, pieceLength: Int? = nil) throws -> [[Float]] {
            try ExactReduction(
                tensorLengths: lengths, leafCount: 5, over: SingleProcess(), threadCount: threadCount,
                pieceLength: pieceLength
            ).sum(leaves)
        }
        let expected = try sum(1)
        for pieceLength in [nil, 20_000] { #expect(try sum(threadCount, pieceLength: pieceLength) == expected) }
        var broken = leaves[4].tensors
        broken[0][70_000] = .nan
        let withBroken = Array(leaves.prefix(4)) + [ExactReduction.Leaf(shard: 4, tensors: broken)]
        let reduction = ExactReduction(
            tensorLengths: lengths, leafCount: 5, over: SingleProcess(), threadCount: threadCount)
        #expect(throws: MessagePassingError.self) { try reduction.sum(withBroken) }
    }

    @Test func eachTensorHasItsOwnScale() throws {
        var tensors = leaf(0).tensors
        tensors[0][0] = .greatestFiniteMagnitude
        tensors[2][0] = .leastNonzeroMagnitude
        let sums = try reduction(1).sum([ExactReduction.Leaf(shard: 0, tensors: tensors)])
        #expect(sums[0][0] == .greatestFiniteMagnitude && sums[2][0] == .leastNonzeroMagnitude)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity]) func aBadElementIsNamed(bad: Float) throws {
        var tensors = leaf(2).tensors
        tensors[0][4321] = bad
        tensors[0][4322] = .nan
        let leaves = [leaf(0), ExactReduction.Leaf(shard: 2, tensors: tensors), leaf(1)]
        do {
            _ = try reduction(3).sum(leaves)
            Issue.record("no error")
        } catch MessagePassingError.notFinite(let element) {
            #expect(element.shard == 2 && element.rank == 0 && element.tensor == 0 && element.element == 4321)
            #expect(element.value == "\(bad)" && "\(element)".contains("gave \(bad) for element 4321 of tensor 0"))
        }
    }

    @Test func aMissingOrRepeatedShardIsNamed() {
        #expect(throws: MessagePassingError.wrongShards(shard: 1, rankCount: 0)) {
            try reduction(3).sum([leaf(0), leaf(2)])
        }
        #expect(throws: MessagePassingError.wrongShards(shard: 2, rankCount: 2)) {
            try reduction(3).sum([leaf(0), leaf(2), leaf(1), leaf(2)])
        }
    }

    @Test func aSumBeyondFloatIsNamed() {
        var tensors = leaf(0).tensors
        tensors[0][17] = .greatestFiniteMagnitude
        #expect(throws: MessagePassingError.sumOverflows(tensor: 0, element: 17)) {
            try reduction(2).sum([0, 1].map { ExactReduction.Leaf(shard: $0, tensors: tensors) })
        }
    }
}
