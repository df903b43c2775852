import DisentangledHead
import MessagePassing
import Synchronization
import Tensors

/// The ranks of a job, which all take the same step, sharing the products of its update.
///
/// What a product costs one rank alone, and what its result costs to be gathered, is measured once, on the slowest rank. With 2048
/// channels, ranks of one host gain by sharing; of nodes of 16 cores, `plan` expects it over 100 Gbit/s, not over 10.
///
/// INFODISENT_SHARE_ALL_PRODUCTS or INFODISENT_SHARE_NO_PRODUCTS, which is stronger, in the environment of any rank: for comparisons.
package final class RankSharing: ProductSharing {
    /// Which products are shared.
    package enum Choice: Equatable, Sendable {
        case all
        case thoseThatGain(Costs)
    }

    /// Seconds on the slowest rank.
    package struct Costs: Equatable, Sendable {
        /// Of a multiplication, with an addition, by all threads of one rank.
        package var multiplication: Double
        /// Of an element of the result on its way to all ranks.
        package var element: Double

        /// In smaller products it is the messages that take the time, and waking the threads.
        package static let leastMultiplications = 1 << 24

        package init(multiplication: Double, element: Double) {
            self.multiplication = multiplication
            self.element = element
        }

        /// Of a product that each of the ranks computes.
        func secondsAlone(multiplications: Int) -> Double { Double(multiplications) * multiplication }

        /// Of one that `rankCount` ranks share.
        func secondsShared(multiplications: Int, elementCount: Int, rankCount: Int) -> Double {
            secondsAlone(multiplications: multiplications) / Double(rankCount) + Double(elementCount) * element
        }

        /// Whether `rankCount` ranks share a product.
        package func favourSharing(multiplications: Int, elementCount: Int, rankCount: Int) -> Bool {
            multiplications >= Self.leastMultiplications
                && secondsShared(multiplications: multiplications, elementCount: elementCount, rankCount: rankCount)
                    < 0.9 * secondsAlone(multiplications: multiplications)
        }
    }

    package let choice: Choice
    private let communicator: any Communicator
    /// What is gathered, in memory that is used again by a product of the same size.
    private let blocks = Mutex<[Float]>([])

    package init(_ choice: Choice, over communicator: any Communicator) {
        self.choice = choice
        self.communicator = communicator
    }

    /// What is best for matrices of `size`; nil where it is certain that nothing is to be shared. Collective.
    package static func fastest(
        size: Int, over communicator: any Communicator, team: WorkerTeam
    ) throws -> RankSharing? {
        guard communicator.size > 1 else { return nil }
        let wishes = try communicator.areSetOnAnyRank([
            "INFODISENT_SHARE_ALL_PRODUCTS", "INFODISENT_SHARE_NO_PRODUCTS",
        ])
        if wishes[1] { return nil }
        if wishes[0] { return RankSharing(.all, over: communicator) }
        guard size * size * size >= Costs.leastMultiplications else { return nil }
        return RankSharing(
            .thoseThatGain(try Costs(measuring: size, over: communicator, team: team)), over: communicator)
    }

    /// A matrix to measure with.
    package static func sampleMatrix(size: Int) -> SquareMatrix<Float> {
        SquareMatrix(size: size, values: (0..<size * size).map { Float(($0 &* 40503) & 0xFFFF) / 65536 })
    }

    /// What to say of it; nil if not even the largest products are shared.
    func note(size: Int) -> String? {
        let (multiplications, elementCount) = (size * size * size, size * size)
        guard share(multiplications: multiplications, elementCount: elementCount) != nil else { return nil }
        guard case .thoseThatGain(let costs) = choice else {
            return "The \(communicator.size) ranks share the products of an update, as the environment asks for."
        }
        let alone = costs.secondsAlone(multiplications: multiplications)
        let shared = costs.secondsShared(
            multiplications: multiplications, elementCount: elementCount, rankCount: communicator.size)
        func milliseconds(_ seconds: Double) -> String { "\((seconds * 1e4).rounded() / 10) ms" }
        return """
            The \(communicator.size) ranks share the products of an update: \(milliseconds(shared)) for one of \(size) x \(size) \
            instead of \(milliseconds(alone)).
            """
    }

    /// What is best for the update of a head; nil where its channel map is not trained. Collective.
    package static func fastest(
        for trainer: HeadTrainer, over communicator: any Communicator, team: WorkerTeam
    ) throws -> RankSharing? {
        guard trainer.configuration.channelMap != .identity else { return nil }
        return try fastest(size: trainer.channelMapSize, over: communicator, team: team)
    }

    package func share(multiplications: Int, elementCount: Int) -> (index: Int, count: Int)? {
        if case .thoseThatGain(let costs) = choice,
            !costs.favourSharing(
                multiplications: multiplications, elementCount: elementCount, rankCount: communicator.size)
        {
            return nil
        }
        return (communicator.rank, communicator.size)
    }

    package func allGather(
        blockLength: Int, give: (UnsafeMutablePointer<Float>) -> Void, take: (UnsafePointer<Float>) -> Void
    ) throws {
        try blocks.withLock { blocks in
            let count = blockLength * communicator.size
            if blocks.count != count { blocks = [Float](unsafeUninitializedCapacity: count) { $1 = count } }
            blocks.withUnsafeMutableBufferPointer { give($0.baseAddress! + communicator.rank * blockLength) }
            try communicator.allGather(&blocks)
            blocks.withUnsafeBufferPointer { take($0.baseAddress!) }
        }
    }
}

extension RankSharing.Costs {
    /// Of matrices of `size`. Collective.
    fileprivate init(measuring size: Int, over communicator: any Communicator, team: WorkerTeam) throws {
        let matrix = RankSharing.sampleMatrix(size: size)
        func seconds(_ team: some ProductTeam) throws -> Double {
            // The first touches the memory.
            try communicator.activity.allowing(.seconds(600)) {
                try (0..<3).map { _ in
                    try communicator.seconds { _ = try SquareMatrix.product(matrix, matrix, team: team) }
                }.dropFirst().min()!
            }
        }
        let alone = try seconds(team)
        let shared = try seconds(SharedWorkers(team, sharing: RankSharing(.all, over: communicator)))
        self.init(
            multiplication: alone / Double(size * size * size),
            element: max(0, shared - alone / Double(communicator.size)) / Double(size * size))
    }
}
