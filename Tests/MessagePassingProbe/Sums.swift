import MessagePassing

/// Tensors of odd sizes, one of them below the number of ranks, and an empty one.
private let lengths = [40_009, 1, 3, 0, 1001]

/// Leaf number `shard`, with magnitudes for which float sums depend on their order.
private func leaf(_ shard: Int, _ lengths: [Int] = lengths) -> ExactReduction.Leaf {
    ExactReduction.Leaf(
        shard: shard,
        tensors: lengths.enumerated().map { tensor, length in
            (0..<length).map { index in
                let mixed = (UInt64(index &+ tensor &* 65_537 &+ shard &* 1_000_003) &+ 1) &* 0x9E37_79B9_7F4A_7C15
                let value = Float(Int32(truncatingIfNeeded: mixed >> 32) >> 8)
                return value * Float(sign: .plus, exponent: -Int((mixed >> 16) & 31), significand: 1)
            }
        })
}

private func digest(_ tensors: [[Float]]) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for value in tensors.joined() { hash = (hash ^ UInt64(value.bitPattern)) &* 0x100_0000_01B3 }
    return String(hash, radix: 16)
}

/// The exact sum of 12 leaves under several distributions over the ranks, in pieces of several lengths.
func printSums() throws {
    let (rank, size) = (communicator.rank, communicator.size)
    let leafCount = 12
    let distributions: [(String, (Int) -> Int)] = [
        ("cyclic", { $0 % size }), ("block", { $0 * size / leafCount }), ("all on the last", { _ in size - 1 }),
        ("reversed", { (leafCount - 1 - $0) % size }), ("uneven", { $0 < 9 ? 0 : $0 % size }),
    ]
    for (name, owner) in distributions {
        let leaves = (0..<leafCount).filter { owner($0) == rank }.map { leaf($0) }
        for pieceLength in [nil, 5000, 997] {
            let reduction = ExactReduction(
                tensorLengths: lengths, leafCount: leafCount, over: communicator, pieceLength: pieceLength)
            let own = digest(try reduction.sum(leaves.shuffled()))
            let all = try communicator.allGather(Array(own.utf8)).map { String(decoding: $0, as: UTF8.self) }
            expect(Set(all).count == 1, "the digests \(all) of \(name) are the same on all ranks")
            say(own)
        }
    }
    let single = try ExactReduction.sum(
        (0..<leafCount).filter { $0 % size == rank }.map { ($0, leaf($0).tensors[0]) }, elementCount: lengths[0],
        leafCount: leafCount, over: communicator)
    say("first tensor \(digest([single]))")
    try printSumsMeanwhile()
}

/// Sums of which some are begun before others are, on ranks with different numbers of threads and in several pieces.
private func printSumsMeanwhile() throws {
    let (rank, size) = (communicator.rank, communicator.size)
    let lengths = [600_011, 170_000, 90_001, 5]
    let leaves = (0..<5).filter { $0 % size == rank }.map { leaf($0, lengths) }
    let reduction = ExactReduction(
        tensorLengths: lengths, leafCount: 5, over: communicator, threadCount: rank + 1)
    say("long tensors \(digest(try reduction.sum(leaves)))")
    let other = try communicator.copy()
    var rest: [[Float]] = []
    func place() -> Int? { rest.first?.withUnsafeBufferPointer { Int(bitPattern: $0.baseAddress) } }
    for round in 0..<20 {
        let agreement = try reduction.agree(on: leaves)
        let (before, room) = (place(), rest)
        rest = []
        let pending = reduction.start(leaves, 1..<4, by: agreement, over: other, reusing: consume room)
        var first: [[Float]] = []
        try reduction.sum(leaves, 0..<1, by: agreement, into: &first)
        rest = try pending.finish()
        say("long tensors \(digest(first + rest))")
        expect(round == 0 || place() == before, "sums are in the memory of the last ones")
        // One that is given up is waited for.
        _ = reduction.start(leaves, 2..<4, by: agreement, over: other)
    }
}

/// Prints what each rank says of a NaN in leaf 4 and an infinity in leaf 7.
func reportNotFinite() throws {
    let leaves = (0..<8).filter { $0 % communicator.size == communicator.rank }.map { shard in
        var tensors = leaf(shard).tensors
        if shard == 4 { tensors[0][1234] = .nan }
        if shard == 7 { tensors[1][0] = -.infinity }
        return ExactReduction.Leaf(shard: shard, tensors: tensors)
    }
    try sayEverywhere {
        _ = try ExactReduction(tensorLengths: lengths, leafCount: 8, over: communicator).sum(leaves)
    }
}

/// Prints what each rank says when the last rank also gives shard 0.
func reportWrongShards() throws {
    let leaves = communicator.rank == 0 || communicator.rank == communicator.size - 1 ? [leaf(0)] : []
    try sayEverywhere {
        _ = try ExactReduction(tensorLengths: lengths, leafCount: 1, over: communicator).sum(leaves)
    }
}

/// Prints what each rank says when the last one fails.
func reportTogether() throws {
    struct LastRankFailed: Error, CustomStringConvertible { let description = "no such file: labels.csv" }
    try sayEverywhere {
        try communicator.together {
            if communicator.rank == communicator.size - 1 { throw LastRankFailed() }
        }
    }
    expect(try communicator.together { communicator.rank } == communicator.rank, "results pass through")
}

private func sayEverywhere(_ body: () throws -> Void) throws {
    var text = "no error"
    do {
        try body()
    } catch {
        text = "\(error)"
    }
    for line in try communicator.gather(Array(text.utf8), to: 0) { say(String(decoding: line, as: UTF8.self)) }
}
