import COpenMPIShim

/// What an exact sum costs, beside a plain sum of floats by MPI (which gives other bits for every number of ranks).
package struct ReductionBenchmark: Sendable {
    /// Seconds, the shortest and the median of the repetitions, each that of the slowest rank.
    package struct Times: Sendable {
        package let best: Double
        package let median: Double

        init(_ seconds: [Double]) {
            let sorted = seconds.sorted()
            best = sorted[0]
            median = sorted[sorted.count / 2]
        }
    }

    package let elementCount: Int
    package let leavesPerRank: Int
    package let exactSum: Times
    /// MPI_Allreduce with MPI_FLOAT of one array per rank, in one call; nil in a single process, where there is nothing to do.
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
            return ExactReduction.Leaf(shard: shard, tensors: [values])
        }
        let reduction = ExactReduction(
            tensorLengths: [elementCount], leafCount: leavesPerRank * communicator.size, over: communicator,
            pieceLength: pieceLength)
        // One after the other, so that other work on the machine meets both.
        var sums: [[Float]] = []
        var values = leaves[0].tensors[0]
        var exactSeconds: [Double] = []
        var floatSeconds: [Double] = []
        for repetition in 0...repetitions {
            let exact = try Self.measure(communicator) { try reduction.sum(leaves, into: &sums) }
            let float = try Self.measure(communicator) {
                guard let mpi = communicator as? MPICommunicator else { return }
                try values.withUnsafeMutableBufferPointer { values in
                    try mpi.check(
                        cmpi_allreduce(values.baseAddress, Int32(values.count), CMPI_FLOAT, CMPI_SUM, mpi.handle),
                        "MPI_Allreduce")
                }
            }
            // The first touches the memory.
            guard repetition > 0 else { continue }
            exactSeconds.append(exact)
            floatSeconds.append(float)
        }
        exactSum = Times(exactSeconds)
        floatSum = communicator is MPICommunicator ? Times(floatSeconds) : nil
    }

    /// The seconds that `body` takes on the slowest rank.
    private static func measure(_ communicator: any Communicator, _ body: () throws -> Void) throws -> Double {
        try communicator.barrier()
        let start = SuspendingClock.now
        try body()
        var nanoseconds = [UInt32(clamping: Int((SuspendingClock.now - start) / .nanoseconds(1)))]
        try communicator.maximum(&nanoseconds)
        return Double(nanoseconds[0]) * 1e-9
    }
}
