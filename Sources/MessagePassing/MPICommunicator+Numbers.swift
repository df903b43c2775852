import COpenMPIShim

/// Sums and maxima over all ranks.
extension MPICommunicator {
    /// Up to this many elements go in one call that lets the core rest; larger arrays wait for the last rank first, and
    /// then use the blocking call, which has the faster algorithms.
    private var smallCount: Int { 4096 }

    package func maximum(_ values: inout [UInt32]) throws {
        try activity.during("maximum", count: values.count) {
            try lending(&values) { try reduce($0, CMPI_UINT32, CMPI_MAXIMUM) }
        }
    }

    package func sum(_ values: inout [Int64]) throws {
        try activity.during("sum", count: values.count) {
            try lending(&values) { try reduce($0, CMPI_INT64, CMPI_SUM) }
        }
    }

    package func sum(_ values: inout [Int32]) throws {
        try activity.during("sum", count: values.count) {
            try lending(&values) { try reduce($0, CMPI_INT32, CMPI_SUM) }
        }
    }

    package func exchange(_ values: [Int64], into received: inout [Int64]) throws {
        precondition(
            values.count % size == 0 && received.count == values.count,
            "\(values.count) elements for \(received.count) are not \(size) equal blocks")
        let blockLength = values.count / size
        try activity.during("exchange", count: values.count) {
            guard blockLength > countLimit else { return try exchangeBlocks(values, into: &received) }
            // Too much for one call: a part of every block at a time.
            for part in pieces(blockLength) {
                func blocks(_ rank: Int) -> Range<Int> {
                    rank * blockLength + part.lowerBound..<rank * blockLength + part.upperBound
                }
                var parts = [Int64](repeating: 0, count: part.count * size)
                try exchangeBlocks((0..<size).flatMap { values[blocks($0)] }, into: &parts)
                for peer in 0..<size {
                    received.replaceSubrange(blocks(peer), with: parts[peer * part.count..<(peer + 1) * part.count])
                }
            }
        }
    }

    private func exchangeBlocks(_ values: [Int64], into received: inout [Int64]) throws {
        let blockLength = Int32(values.count / size)
        try values.withUnsafeBufferPointer { values in
            try received.withUnsafeMutableBufferPointer { received in
                try check(
                    cmpi_exchange(values.baseAddress, received.baseAddress, blockLength, CMPI_INT64, handle),
                    "MPI_Alltoall")
            }
        }
    }

    package func allGather(_ values: inout [Float]) throws {
        let blockLength = (values.count + size - 1) / size
        let bounds = (0...size).map { min($0 * blockLength, values.count) }
        try activity.during("all-gather", count: values.count) {
            try lending(&values) { values in
                guard values.count <= countLimit else {
                    // Too much for one call: a broadcast from each rank.
                    for root in 0..<size {
                        let block = values[bounds[root]..<bounds[root + 1]]
                        try broadcastPieces(.init(rebasing: block), CMPI_FLOAT, from: root)
                    }
                    return
                }
                // The call that gathers would keep the core busy until the last rank comes.
                if values.count > smallCount { try waitForAll() }
                let counts = (0..<size).map { Int32(bounds[$0 + 1] - bounds[$0]) }
                let offsets = bounds.dropLast().map { Int32($0) }
                try check(
                    cmpi_allgather(values.baseAddress, counts, offsets, CMPI_FLOAT, handle), "MPI_Allgatherv")
            }
        }
    }

    /// MPI's own sum of floats, in one call: what the exact sum is compared with. Its bits depend on the number of ranks, so
    /// no result may rest on it.
    package func sumOfFloats(_ values: inout [Float]) throws {
        precondition(values.count <= countLimit, "\(values.count) elements are more than one call takes")
        try activity.during("sum of floats", count: values.count) {
            try values.withUnsafeMutableBufferPointer { values in
                try check(
                    cmpi_allreduce(values.baseAddress, Int32(values.count), CMPI_FLOAT, CMPI_SUM, handle),
                    "MPI_Allreduce")
            }
        }
    }

    package func barrier() throws {
        try activity.during("barrier", count: 0) { try waitForAll() }
    }

    private func waitForAll() throws {
        var request: cmpi_request?
        try check(cmpi_start_barrier(handle, &request), "MPI_Ibarrier")
        try wait(&request, "MPI_Ibarrier")
    }

    private func reduce<Element>(
        _ values: UnsafeMutableBufferPointer<Element>, _ type: cmpi_type, _ operation: cmpi_operation
    ) throws {
        guard values.count > smallCount else {
            var request: cmpi_request?
            try check(
                cmpi_start_allreduce(
                    values.baseAddress, Int32(values.count), type, operation, handle, &request), "MPI_Iallreduce")
            return try wait(&request, "MPI_Iallreduce")
        }
        try waitForAll()
        for piece in pieces(values.count) {
            try check(
                cmpi_allreduce(values.baseAddress! + piece.lowerBound, Int32(piece.count), type, operation, handle),
                "MPI_Allreduce")
        }
    }
}
