import DisentangledHead
import Foundation
import SeededNumbers
import Synchronization
import Tensors
import Testing

/// Processes that share the products of an update, as threads of this one.
@Suite("Products shared by several processes")
struct ProductSharingTests {
    /// The blocks of all, and the sense of a gathering that all have to reach before any goes on.
    private final class Table: Sendable {
        private struct Gathering {
            var blocks: [Int: [Float]] = [:]
            var readerCount = 0
        }

        let count: Int
        private let gathering = Mutex(Gathering())

        init(count: Int) { self.count = count }

        func gather(_ block: [Float], of index: Int) -> [Float] {
            // Until all have read the last one.
            wait { $0.readerCount == 0 && $0.blocks[index] == nil }
            gathering.withLock { $0.blocks[index] = block }
            wait { $0.blocks.count == count }
            return gathering.withLock { gathering in
                let all = (0..<count).flatMap { gathering.blocks[$0]! }
                gathering.readerCount += 1
                if gathering.readerCount == count { gathering = Gathering() }
                return all
            }
        }

        private func wait(_ condition: (Gathering) -> Bool) {
            while !gathering.withLock({ condition($0) }) { usleep(50) }
        }
    }

    private struct Sharing: ProductSharing {
        let table: Table
        let index: Int
        /// Whether products of so many multiplications are shared.
        var isShared: @Sendable (Int) -> Bool = { _ in true }

        func share(multiplications: Int, elementCount: Int) -> (index: Int, count: Int)? {
            isShared(multiplications) ? (index, table.count) : nil
        }

        func allGather(
            blockLength: Int, give: (UnsafeMutablePointer<Float>) -> Void, take: (UnsafePointer<Float>) -> Void
        ) throws {
            let block = [Float](unsafeUninitializedCapacity: blockLength) { buffer, count in
                buffer.update(repeating: .nan)
                if let base = buffer.baseAddress { give(base) }
                count = blockLength
            }
            table.gather(block, of: index).withUnsafeBufferPointer { take($0.baseAddress!) }
        }
    }

    /// What each of `count` processes makes of `body`.
    private func onProcesses<Result: Sendable>(
        _ count: Int, sharing isShared: @escaping @Sendable (Int) -> Bool = { _ in true },
        _ body: @escaping @Sendable (any ProductSharing) throws -> Result
    ) throws -> [Result] {
        let table = Table(count: count)
        let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
        let threads = (0..<count).map { index in
            Thread {
                let result = Swift.Result { try body(Sharing(table: table, index: index, isShared: isShared)) }
                results.withLock { $0[index] = result }
            }
        }
        for thread in threads {
            thread.stackSize = 8 << 20
            thread.start()
        }
        while results.withLock({ $0.count }) < count { usleep(100) }
        return try results.withLock { results in try (0..<count).map { try results[$0]!.get() } }
    }

    private static func single(_ matrix: SquareMatrix<Double>) -> SquareMatrix<Float> {
        SquareMatrix(size: matrix.size, values: matrix.values.map { Float($0) })
    }

    @Test(
        "A product has the bits of one process, whatever its symmetry", arguments: [1, 40, 100, 330, 580], [2, 3, 7])
    func product(size: Int, processCount: Int) throws {
        let a = Self.single(randomMatrix(size, scale: 1, seed: 1))
        let b = Self.single(randomMatrix(size, scale: 1, seed: 2))
        let generator = Self.single(skew(randomMatrix(size, scale: 1, seed: 3)))
        typealias Matrix = SquareMatrix<Float>
        @Sendable func all<Team: ProductTeam>(_ team: Team) throws(Team.Failure) -> [[UInt32]] {
            var found: [Matrix] = []
            for transposing in [Matrix.TransposedFactor.neither, .left, .right] {
                found.append(try Matrix.product(a, b, transposing: transposing, alpha: 0.75, team: team))
            }
            found.append(try Matrix.product(a, a, transposing: .left, symmetry: .symmetric, team: team))
            let square = try Matrix.product(generator, generator, symmetry: .symmetric, team: team)
            found.append(try Matrix.product(generator, square, symmetry: .skew, team: team))
            var sum = square
            try sum.addProduct(square, square, alpha: -2, symmetry: .symmetric, team: team)
            try sum.addProduct(a, b, team: team)
            return (found + [square, sum]).map { $0.values.map(\.bitPattern) }
        }
        let expected = all(alone)
        for found in try onProcesses(processCount, { try all(SharedWorkers(three, sharing: $0)) }) {
            #expect(found == expected)
        }
    }

    @Test(
        "Steps end with the bits of one process", arguments: [ChannelMapKind.riemannian, .cayley, .exponential], [2, 5])
    func steps(kind: ChannelMapKind, processCount: Int) throws {
        let size = 200
        let gradients = (0..<3).map { Self.single(randomMatrix(size, scale: 1, seed: 10 + UInt64($0))) }
        @Sendable func steps(sharing: (any ProductSharing)?) throws -> [UInt32] {
            var trainer = try HeadTrainer(
                configuration: HeadConfiguration(channelMap: kind), channelCount: size, classCount: 3, seed: 1)
            for gradient in gradients {
                // Far enough that halving, squaring and polishing take place.
                try trainer.apply(
                    HeadGradient(
                        channelMap: Array(gradient.values.prefix(trainer.gradientLengths[0])),
                        classifier: Array(repeating: 0.1, count: 3 * size), lossSum: 1,
                        correctCount: 0, sampleCount: 1),
                    learningRate: 0.1, channelMapLearningRate: 0.1, team: alone, sharing: sharing)
            }
            return trainer.head.channelMap.map(\.bitPattern)
        }
        let expected = try steps(sharing: nil)
        // Some products are shared, others are not, as in a job.
        for least in [0, 1 << 20, 1 << 22] {
            for found in try onProcesses(processCount, sharing: { $0 >= least }, steps) { #expect(found == expected) }
        }
    }

    @Test("Double precision travels whole")
    func doublePrecision() throws {
        let a = randomMatrix(70, scale: 1, seed: 5)
        let expected = SquareMatrix.product(a, a, team: alone)
        for found in try onProcesses(
            3, { try SquareMatrix.product(a, a, team: SharedWorkers(alone, sharing: $0)) })
        { #expect(found == expected) }
    }

    @Test("What goes wrong between processes ends the step")
    func failure() throws {
        struct Broken: Error {}
        struct BrokenSharing: ProductSharing {
            func share(multiplications: Int, elementCount: Int) -> (index: Int, count: Int)? { (0, 2) }
            func allGather(
                blockLength: Int, give: (UnsafeMutablePointer<Float>) -> Void, take: (UnsafePointer<Float>) -> Void
            ) throws { throw Broken() }
        }
        for kind in [ChannelMapKind.riemannian, .cayley, .exponential] {
            var trainer = try HeadTrainer(
                configuration: HeadConfiguration(channelMap: kind), channelCount: 40, classCount: 2, seed: 1)
            let gradient = HeadGradient(
                channelMap: Array(
                    randomMatrix(40, scale: 1, seed: 1).values.prefix(trainer.gradientLengths[0]).map { Float($0) }),
                classifier: Array(repeating: 1, count: 80), lossSum: 1, correctCount: 0, sampleCount: 1)
            #expect(throws: Broken.self) {
                try trainer.apply(gradient, learningRate: 0.1, team: alone, sharing: BrokenSharing())
            }
            #expect(trainer.step == 0)
        }
    }
}
