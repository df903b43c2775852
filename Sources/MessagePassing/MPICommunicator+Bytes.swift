import COpenMPIShim

/// Byte arrays of any length.
extension MPICommunicator {
    package func broadcast(_ bytes: inout [UInt8], from root: Int) throws {
        precondition((0..<size).contains(root), "rank \(root) is not in 0..<\(size)")
        try activity.during("broadcast", count: bytes.count) {
            var count = [announcedByteCount ?? Int64(bytes.count)]
            try lending(&count) { try broadcastPiece($0, CMPI_INT64, root) }
            if rank != root { bytes = [UInt8](repeating: 0, count: try checked(count[0], "a broadcast", root)) }
            try broadcastBytes(&bytes, from: root)
        }
    }

    package func gather(_ bytes: [UInt8], to root: Int) throws -> [[UInt8]] {
        precondition((0..<size).contains(root), "rank \(root) is not in 0..<\(size)")
        return try activity.during("gather", count: bytes.count) {
            let counts = try countsOfAll(bytes.count)
            guard counts.reduce(0, +) <= countLimit else {
                // Too much for one call: messages from each rank to the root.
                let outgoing = (0..<size).map { $0 == root ? bytes : [] }
                let incoming = rank == root ? counts : counts.map { _ in 0 }
                let received = try sendAndReceive(outgoing, incomingCounts: incoming)
                return rank == root ? received : []
            }
            let joined = try gatherJoined(bytes, counts, root: root)
            return rank == root ? split(joined, counts) : []
        }
    }

    package func allGather(_ bytes: [UInt8]) throws -> [[UInt8]] {
        try activity.during("all-gather", count: bytes.count) {
            let counts = try countsOfAll(bytes.count)
            guard counts.reduce(0, +) <= countLimit else {
                // Too much for one call: a broadcast from each rank.
                return try counts.indices.map { root in
                    var received = root == rank ? bytes : [UInt8](repeating: 0, count: counts[root])
                    try broadcastBytes(&received, from: root)
                    return received
                }
            }
            return split(try gatherJoined(bytes, counts, root: nil), counts)
        }
    }

    package func exchange(_ messages: [[UInt8]]) throws -> [[UInt8]] {
        precondition(messages.count == size, "\(messages.count) messages for \(size) ranks")
        return try activity.during("exchange", count: messages.reduce(0) { $0 + $1.count }) {
            let counts = messages.flatMap { message in
                withUnsafeBytes(of: (announcedByteCount ?? Int64(message.count)).littleEndian) { Array($0) }
            }
            let eight = [Int](repeating: 8, count: size)
            let incoming = try sendAndReceive(split(counts, eight), incomingCounts: eight).enumerated().map {
                peer, bytes in
                try checked(
                    bytes.withUnsafeBytes { Int64(littleEndian: $0.loadUnaligned(as: Int64.self)) }, "an exchange", peer
                )
            }
            return try sendAndReceive(messages, incomingCounts: incoming)
        }
    }

    // MARK: Pieces

    private func broadcastBytes(_ bytes: inout [UInt8], from root: Int) throws {
        try lending(&bytes) { try broadcastPieces($0, CMPI_BYTE, from: root) }
    }

    func broadcastPieces<Element>(
        _ values: UnsafeMutableBufferPointer<Element>, _ type: cmpi_type, from root: Int
    ) throws {
        for piece in pieces(values.count) { try broadcastPiece(.init(rebasing: values[piece]), type, root) }
    }

    private func broadcastPiece<Element>(
        _ values: UnsafeMutableBufferPointer<Element>, _ type: cmpi_type, _ root: Int
    ) throws {
        var request: cmpi_request?
        try check(
            cmpi_start_broadcast(values.baseAddress, Int32(values.count), type, Int32(root), handle, &request),
            "MPI_Ibcast")
        try wait(&request, "MPI_Ibcast")
    }

    /// The value of each rank.
    private func countsOfAll(_ count: Int) throws -> [Int] {
        let own = [announcedByteCount ?? Int64(count)]
        var all = [Int64](repeating: 0, count: size)
        let ones = [Int32](repeating: 1, count: size)
        let offsets = (0..<Int32(size)).map { $0 }
        try lending(reading: own) { own in
            try lending(&all) { all in
                try lending(reading: ones) { ones in
                    try lending(reading: offsets) { offsets in
                        var request: cmpi_request?
                        try check(
                            cmpi_start_allgather(
                                own.baseAddress, 1, all.baseAddress, ones.baseAddress, offsets.baseAddress, CMPI_INT64,
                                handle, &request), "MPI_Iallgatherv")
                        try wait(&request, "MPI_Iallgatherv")
                    }
                }
            }
        }
        return try all.enumerated().map { try checked($1, "a gathering", $0) }
    }

    /// More bytes than one rank has to say to others.
    private var messageByteLimit: Int64 { 1 << 40 }

    /// The number of bytes that a rank says it sends, which is about to be allocated and added to others.
    private func checked(_ count: Int64, _ operation: String, _ rank: Int) throws -> Int {
        guard (0...messageByteLimit).contains(count) else {
            throw MessagePassingError.malformedMessage(
                rank: rank, subject: "part in \(operation)", problem: "it would have \(count) bytes")
        }
        return Int(count)
    }

    /// The bytes of all ranks one after the other: at `root`, or on all ranks if it is nil. At most `countLimit` in all.
    private func gatherJoined(_ bytes: [UInt8], _ counts: [Int], root: Int?) throws -> [UInt8] {
        let receives = root == nil || root == rank
        var joined = [UInt8](repeating: 0, count: receives ? counts.reduce(0, +) : 0)
        let mpiCounts = counts.map(Int32.init)
        var offsets = [Int32](repeating: 0, count: size)
        for rank in offsets.indices.dropFirst() { offsets[rank] = offsets[rank - 1] + mpiCounts[rank - 1] }
        try lending(reading: bytes) { bytes in
            try lending(&joined) { joined in
                try lending(reading: mpiCounts) { counts in
                    try lending(reading: offsets) { offsets in
                        var request: cmpi_request?
                        if let root {
                            try check(
                                cmpi_start_gather(
                                    bytes.baseAddress, Int32(bytes.count), joined.baseAddress, counts.baseAddress,
                                    offsets.baseAddress, CMPI_BYTE, Int32(root), handle, &request), "MPI_Igatherv")
                        } else {
                            try check(
                                cmpi_start_allgather(
                                    bytes.baseAddress, Int32(bytes.count), joined.baseAddress, counts.baseAddress,
                                    offsets.baseAddress, CMPI_BYTE, handle, &request), "MPI_Iallgatherv")
                        }
                        try wait(&request, root == nil ? "MPI_Iallgatherv" : "MPI_Igatherv")
                    }
                }
            }
        }
        return joined
    }

    private func split(_ joined: [UInt8], _ counts: [Int]) -> [[UInt8]] {
        var start = 0
        return counts.map { count in
            defer { start += count }
            return Array(joined[start..<start + count])
        }
    }

    /// Sends `outgoing[r]` to rank r and receives `incomingCounts[r]` bytes from it; empty messages are not sent.
    private func sendAndReceive(_ outgoing: [[UInt8]], incomingCounts: [Int]) throws -> [[UInt8]] {
        // Memory of its own for each message: MPI keeps the addresses until the requests are done.
        let sent = outgoing.map { bytes in
            let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
            _ = copy.initialize(from: bytes)
            return copy
        }
        let received = incomingCounts.map { count in
            let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count)
            buffer.initialize(repeating: 0)
            return buffer
        }
        var requests: [cmpi_request?] = []
        // Those of requests that an error has left under way are MPI's for ever.
        defer {
            if requests.allSatisfy({ $0 == nil }) { for buffer in sent + received { buffer.deallocate() } }
        }
        for peer in 0..<size where peer != rank {
            for piece in pieces(received[peer].count) {
                requests.append(nil)
                try check(
                    cmpi_start_receive(
                        received[peer].baseAddress! + piece.lowerBound, Int32(piece.count), Int32(peer), bytesTag,
                        handle, &requests[requests.count - 1]), "MPI_Irecv")
            }
        }
        for peer in 0..<size where peer != rank {
            for piece in pieces(sent[peer].count) {
                requests.append(nil)
                try check(
                    cmpi_start_send(
                        sent[peer].baseAddress! + piece.lowerBound, Int32(piece.count), Int32(peer), bytesTag, handle,
                        &requests[requests.count - 1]), "MPI_Isend")
            }
        }
        for index in requests.indices { try wait(&requests[index], "MPI_Isend or MPI_Irecv") }
        return (0..<size).map { $0 == rank ? outgoing[rank] : Array(received[$0]) }
    }

    private var bytesTag: Int32 { 1 }
}
