import COpenMPIShim

/// What an exact sum costs, beside a plain sum of floats by MPI (which gives other bits for every number of ranks).
package struct ReductionBenchmark: Sendable {
    /// Seconds, the shortest and the median of the repetitions, each that of the slowest rank.
    package struct Times: Sendable {
        package let best: Double
        package let median: Double
    }

    package let elementCount: Int
    package let leavesPerRank: Int
    package let exactSum: Times
    /// MPI_Allreduce with MPI_FLOAT of one array per rank, in one call; nil in a single process, where it is no work.
    package let floatSum: Times?

    /// Measures on all ranks at the same time. Collective.
    package init(
        elementCount: Int, leavesPerRank: Int, repetitions: Int, pieceLength: Int? = nil,
        over communicator: any Communicator
    ) throws {
        self.elementCount = elementCount
        self.leavesPerRank = leavesPerRank
        let leaves = (0..<leavesPerRank).map { index in
            let shard = communicator.rank * leavesPerRank + index
            // Any numbers of both signs and several magnitudes.
            let values = (0..<elementCount).map { element in
                Float(Int32(truncatingIfNeeded: (element &+ shard &* 7919) &* 0x9E37_79B1)) * 0x1p-40
            }
            return Leaf(shard: shard, tensors: [values])
        }
        let reduction = ExactReduction(
            tensorLengths: [elementCount], leafCount: leavesPerRank * communicator.size, over: communicator,
            pieceLength: pieceLength)
        exactSum = try Self.measure(repetitions, communicator) { _ = try reduction.sum(leaves) }
        if let mpi = communicator as? MPICommunicator {
            var values = leaves[0].tensors[0]
            floatSum = try Self.measure(repetitions, mpi) {
                try values.withUnsafeMutableBufferPointer { values in
                    try mpi.check(
                        cmpi_allreduce(values.baseAddress, Int32(values.count), CMPI_FLOAT, CMPI_SUM, mpi.handle),
                        "MPI_Allreduce")
                }
            }
        } else {
            floatSum = nil
        }
    }

    private static func measure(
        _ repetitions: Int, _ communicator: any Communicator, _ body: () throws -> Void
    ) throws -> Times {
        try body()
        let times = try (0..<repetitions).map { _ in
            try communicator.barrier()
            let start = SuspendingClock.now
            try body()
            var nanoseconds = [UInt32(clamping: Int((SuspendingClock.now - start) / .nanoseconds(1)))]
            try communicator.maximum(&nanoseconds)
            return Double(nanoseconds[0]) * 1e-9
        }.sorted()
        return Times(best: times[0], median: times[repetitions / 2])
    }
}
