import Dispatch

/// The exact sum of one leaf per logical shard over all ranks: the same bits whichever rank hosts which leaf.
///
/// Each tensor has a scale of its own (`ExactSum`). The work goes through the tensors in pieces that stay in the cache.
/// For each piece, every rank rounds its leaves to 64-bit integers and adds them, and the ranks exchange the integers so
/// that each of W ranks gets 1/W of them from everyone, adds these and converts the sums to Float. In the end the floats are
/// gathered. That moves 12 bytes per element instead of the 16 of a sum of 64-bit integers over all ranks.
public struct ExactReduction: Sendable {
    /// One logical shard's contribution to a sum.
    public struct Leaf: Sendable {
        /// The logical shard, in 0..<leafCount.
        public let shard: Int
        /// The tensors to be summed, such as the gradients of all parameters.
        public let tensors: [[Float]]

        public init(shard: Int, tensors: [[Float]]) {
            self.shard = shard
            self.tensors = tensors
        }
    }

    /// Number of elements of each tensor.
    public let tensorLengths: [Int]
    /// Number of leaves on all ranks together.
    public let leafCount: Int
    private let communicator: any Communicator
    /// Elements in a piece; a suitable number if nil.
    private let pieceLength: Int?
    private let threadCount: Int
    /// Of the process that does something else meanwhile: its watchdog is told of each piece.
    private var observer: Activity?

    /// What the ranks have to agree upon before they add.
    public struct Agreement: Sendable {
        fileprivate let scales: [ExactSum]
        /// Threads of all ranks together. Those of one rank are no measure: ranks cut their tensors alike.
        fileprivate let threadCount: Int
    }

    /// - Parameters:
    ///   - threadCount: threads that round and add this rank's leaves and convert the sums; other ranks may have more, or fewer.
    ///   - pieceLength: elements that go through the ranks at a time, on all ranks alike; a suitable number if nil. Neither affects
    ///     the result.
    public init(
        tensorLengths: [Int], leafCount: Int, over communicator: any Communicator, threadCount: Int = 1,
        pieceLength: Int? = nil
    ) {
        precondition(
            (1...ExactSum.maximumLeafCount).contains(leafCount),
            "\(leafCount) leaves are not from 1 to \(ExactSum.maximumLeafCount)")
        precondition(tensorLengths.allSatisfy { $0 >= 0 }, "\(tensorLengths) are not lengths")
        self.tensorLengths = tensorLengths
        self.leafCount = leafCount
        precondition(threadCount >= 1, "\(threadCount) threads do no work")
        self.communicator = communicator
        self.threadCount = threadCount
        self.pieceLength = pieceLength
    }

    /// The sum of the leaves of all ranks, tensor by tensor; each of the `leafCount` logical shards must be in `leaves` on
    /// exactly one rank. Collective; a rank without a leaf gives an empty array.
    /// - Throws: on all ranks alike, `MessagePassingError.wrongShards`, `.notFinite` with the place of the first NaN or
    ///   infinity (in the order of shards), or `.sumOverflows`.
    public func sum(_ leaves: [Leaf]) throws -> [[Float]] {
        var result: [[Float]] = []
        try sum(leaves, into: &result)
        return result
    }

    /// The same with the memory of an earlier result, which saves a pass over it; its contents do not matter. After an
    /// error `result` holds nothing of use.
    public func sum(_ leaves: [Leaf], into result: inout [[Float]]) throws {
        try sum(leaves, tensorLengths.indices, by: agree(on: leaves), into: &result)
    }

    /// The first half of a sum: that each logical shard is there once, and the scale of each tensor. Collective.
    /// - Throws: as `sum`, but not `.sumOverflows`.
    public func agree(on leaves: [Leaf]) throws -> Agreement {
        for leaf in leaves {
            precondition(
                leaf.tensors.map(\.count) == tensorLengths,
                "shard \(leaf.shard) has tensors of \(leaf.tensors.map(\.count)) instead of \(tensorLengths) elements")
        }
        let threadCount = try checkShards(leaves)
        return Agreement(scales: try scales(leaves), threadCount: threadCount)
    }

    /// The second half: the sums of some of the tensors, in the memory of earlier ones if they are of their lengths. Collective.
    /// - Throws: on all ranks alike, `MessagePassingError.sumOverflows`.
    public func sum(
        _ leaves: [Leaf], _ tensors: Range<Int>, by agreement: Agreement, into result: inout [[Float]]
    ) throws {
        let lengths = Array(tensorLengths[tensors])
        if result.map(\.count) != lengths { result = lengths.map { [Float](repeating: 0, count: $0) } }
        for tensor in tensors where tensorLengths[tensor] > 0 {
            try sum(leaves, tensor: tensor, agreement, into: &result[tensor - tensors.lowerBound])
        }
    }

    /// The same on a thread of its own, over a `communicator` that is a copy of this one's (`Communicator.copy`). Collective, and
    /// to be finished on every rank.
    ///
    /// - Parameter room: earlier sums, whose memory is used again.
    public func start(
        _ leaves: [Leaf], _ tensors: Range<Int>, by agreement: Agreement, over communicator: any Communicator,
        reusing room: consuming [[Float]] = []
    ) -> PendingReduction {
        let activity = self.communicator.activity
        var reduction = ExactReduction(
            tensorLengths: tensorLengths, leafCount: leafCount, over: communicator, pieceLength: pieceLength)
        reduction.observer = activity
        return PendingReduction(
            elementCount: tensorLengths[tensors].reduce(0, +), activity: activity, room: room
        ) { [reduction] sums in
            // The exchanges keep a core busy until the last rank comes, this does not.
            try communicator.barrier()
            try reduction.sum(leaves, tensors, by: agreement, into: &sums)
        }
    }

    /// The sum of one array per logical shard.
    public static func sum(
        _ leaves: [(shard: Int, values: [Float])], elementCount: Int, leafCount: Int,
        over communicator: any Communicator
    ) throws -> [Float] {
        let reduction = ExactReduction(tensorLengths: [elementCount], leafCount: leafCount, over: communicator)
        return try reduction.sum(leaves.map { Leaf(shard: $0.shard, tensors: [$0.values]) })[0]
    }

    // MARK: Agreement

    /// Every logical shard once: that the leaves are `leafCount` is what makes overflow impossible.
    /// - Returns: the threads of all ranks together.
    private func checkShards(_ leaves: [Leaf]) throws -> Int {
        var counts = [Int32](repeating: 0, count: leafCount) + [Int32(threadCount)]
        for leaf in leaves {
            precondition((0..<leafCount).contains(leaf.shard), "shard \(leaf.shard) is not in 0..<\(leafCount)")
            counts[leaf.shard] += 1
        }
        try communicator.sum(&counts)
        let threadCount = Int(counts.removeLast())
        if let shard = counts.firstIndex(where: { $0 != 1 }) {
            throw MessagePassingError.wrongShards(shard: shard, rankCount: Int(counts[shard]))
        }
        return threadCount
    }

    /// The scale of each tensor.
    private func scales(_ leaves: [Leaf]) throws -> [ExactSum] {
        var bits = [UInt32](repeating: 0, count: tensorLengths.count)
        for leaf in leaves {
            for (index, tensor) in leaf.tensors.enumerated() {
                var largest = [UInt32](repeating: 0, count: threadCount)
                largest.withUnsafeMutableBufferPointer { largest in
                    nonisolated(unsafe) let largest = largest
                    share(tensor.count) { thread, range in
                        largest[thread] = ExactSum.largestMagnitudeBits(tensor, range)
                    }
                }
                bits[index] = max(bits[index], largest.max()!)
            }
        }
        try communicator.maximum(&bits)
        if bits.contains(where: { !Float(bitPattern: $0).isFinite }) {
            throw MessagePassingError.notFinite(try firstNonFinite(leaves))
        }
        return try bits.map { try ExactSum(largestMagnitudeBits: $0, leafCount: leafCount) }
    }

    /// The bad element of the lowest logical shard on any rank. Collective; there must be one.
    private func firstNonFinite(_ leaves: [Leaf]) throws -> NonFiniteElement {
        var own: [UInt8] = []
        search: for leaf in leaves.sorted(by: { $0.shard < $1.shard }) {
            for (index, tensor) in leaf.tensors.enumerated() {
                guard let element = tensor.firstIndex(where: { !$0.isFinite }) else { continue }
                own = Array("\(leaf.shard) \(index) \(element) \(tensor[element]) \(communicator.hostName)".utf8)
                break search
            }
        }
        let found = try communicator.allGather(own).enumerated().compactMap { rank, bytes -> NonFiniteElement? in
            guard !bytes.isEmpty else { return nil }
            let words = String(decoding: bytes, as: UTF8.self).split(separator: " ", maxSplits: 4)
            guard words.count == 5, let shard = Int(words[0]), let tensor = Int(words[1]), let element = Int(words[2])
            else {
                throw MessagePassingError.malformedMessage(
                    rank: rank, subject: "part in an exact sum", problem: "it does not name an element")
            }
            return NonFiniteElement(
                shard: shard, rank: rank, host: String(words[4]), tensor: tensor, element: element,
                value: String(words[3]))
        }
        guard let first = found.min(by: { $0.shard < $1.shard }) else {
            // Some rank gave a maximum that none of its elements has.
            throw MessagePassingError.malformedMessage(
                rank: communicator.rank, subject: "part in an exact sum",
                problem: "no rank names the element that is not finite")
        }
        return first
    }

    // MARK: Pieces

    private func sum(
        _ leaves: [Leaf], tensor: Int, _ agreement: Agreement, into result: inout [Float]
    ) throws {
        let (rank, size) = (communicator.rank, communicator.size)
        let sum = agreement.scales[tensor]
        // 65536 elements per thread keep messages large and the working set in the second-level cache.
        let pieceLength = max(size, pieceLength ?? min(1 << 16 * agreement.threadCount, 1 << 20))
        let length = tensorLengths[tensor]
        // Rank r converts the sums of block r of the tensor. A piece is the same part of every block.
        let blockLength = (length + size - 1) / size
        func block(_ rank: Int) -> Range<Int> {
            min(rank * blockLength, length)..<min((rank + 1) * blockLength, length)
        }
        let partLength = min(max(1, pieceLength / size), blockLength)
        var integers = [Int64](repeating: 0, count: partLength * size)
        var received = size == 1 ? [] : integers
        for start in stride(from: 0, to: blockLength, by: max(1, partLength)) {
            for peer in 0..<size {
                let part = block(peer).dropFirst(start).prefix(partLength)
                quantise(leaves, tensor, part, sum, into: &integers, at: peer * partLength)
            }
            let own = block(rank).dropFirst(start).prefix(partLength)
            if size == 1 {
                convert(integers, sum, into: &result, own)
            } else {
                try communicator.exchange(integers, into: &received)
                addBlocks(&received, partLength)
                convert(received, sum, into: &result, own)
            }
            observer?.progress()
        }
        try communicator.allGather(&result)
        if sum.mayExceedFloat, let element = result.firstIndex(where: { !$0.isFinite }) {
            throw MessagePassingError.sumOverflows(tensor: tensor, element: element)
        }
    }

    /// Cuts 0..<`count` into a range for each thread and calls `body` once for each.
    private func share(_ count: Int, _ body: @Sendable (_ thread: Int, Range<Int>) -> Void) {
        // Below this a thread takes longer to begin than to end.
        guard threadCount > 1, count > 1 << 14 else { return body(0, 0..<count) }
        DispatchQueue.concurrentPerform(iterations: threadCount) { thread in
            body(thread, count * thread / threadCount..<count * (thread + 1) / threadCount)
        }
    }

    /// Sets the integers from `start` on to the sums of `range` of this rank's leaves.
    private func quantise(
        _ leaves: [Leaf], _ tensor: Int, _ range: Range<Int>, _ sum: ExactSum, into integers: inout [Int64],
        at start: Int
    ) {
        integers.withUnsafeMutableBufferPointer { integers in
            nonisolated(unsafe) let integers = integers.baseAddress! + start
            share(range.count) { _, part in
                if leaves.isEmpty { (integers + part.lowerBound).update(repeating: 0, count: part.count) }
                // Lengths for which the integers stay in the first-level cache while the leaves are added.
                for offset in stride(from: part.lowerBound, to: part.upperBound, by: 2048) {
                    let count = min(2048, part.upperBound - offset)
                    for (index, leaf) in leaves.enumerated() {
                        leaf.tensors[tensor].withUnsafeBufferPointer { leaf in
                            sum.quantise(
                                leaf.baseAddress! + range.lowerBound + offset, count: count,
                                into: integers + offset, adding: index > 0)
                        }
                    }
                }
            }
        }
    }

    /// Adds all blocks of `blockLength` integers to the first one.
    private func addBlocks(_ integers: inout [Int64], _ blockLength: Int) {
        integers.withUnsafeMutableBufferPointer { integers in
            nonisolated(unsafe) let integers = integers
            share(blockLength) { _, range in
                for start in stride(from: blockLength, to: integers.count, by: blockLength) {
                    for index in range { integers[index] &+= integers[start &+ index] }
                }
            }
        }
    }

    /// Sets `range` of `floats` to the first sums of `integers`.
    private func convert(_ integers: [Int64], _ sum: ExactSum, into floats: inout [Float], _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        integers.withUnsafeBufferPointer { integers in
            floats.withUnsafeMutableBufferPointer { floats in
                nonisolated(unsafe) let (integers, floats) = (
                    integers.baseAddress!, floats.baseAddress! + range.lowerBound
                )
                share(range.count) { _, part in
                    sum.floats(integers + part.lowerBound, count: part.count, into: floats + part.lowerBound)
                }
            }
        }
    }
}
