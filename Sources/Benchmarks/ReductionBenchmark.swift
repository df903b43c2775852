import MessagePassing

/// What an exact sum costs, beside a plain sum of floats by MPI (which gives other bits for every number of ranks).
package struct ReductionBenchmark: Sendable {
    /// Seconds of each repetition, those of the slowest rank.
    package let exactSum: [Double]
    /// MPI_Allreduce with MPI_FLOAT of one array per rank, in one call; nil in a single process, where there is nothing to do.
    package let floatSum: [Double]?

    /// Measures on all ranks at the same time. Collective.
    package init(
        elementCount: Int, leavesPerRank: Int, repetitions: Int, over communicator: any Communicator, threadCount: Int
    ) throws {
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
            threadCount: threadCount)
        // One after the other, so that other work on the machine meets both.
        var sums: [[Float]] = []
        var values = leaves[0].tensors[0]
        var exactSeconds: [Double] = []
        var floatSeconds: [Double] = []
        for repetition in 0...repetitions {
            let exact = try communicator.seconds { try reduction.sum(leaves, into: &sums) }
            let float = try communicator.seconds {
                try (communicator as? MPICommunicator)?.sumOfFloats(&values)
            }
            // The first touches the memory.
            guard repetition > 0 else { continue }
            exactSeconds.append(exact)
            floatSeconds.append(float)
        }
        exactSum = exactSeconds
        floatSum = communicator is MPICommunicator ? floatSeconds : nil
    }
}
