public import Tensors

/// Several processes that hold the same matrices and make the same calls in the same order, so that they can share the products of
/// an update: each computes some of the columns and receives the others.
public protocol ProductSharing: Sendable {
    /// This process among those that share a product of `multiplications`, whose result has `elementCount` elements to be moved; nil
    /// if each is to compute all of it. All processes have the same answer but for the index.
    func share(multiplications: Int, elementCount: Int) -> (index: Int, count: Int)?

    /// Gives all processes a block of `blockLength` words of each.
    ///
    /// - Parameters:
    ///   - give: writes the block of this process.
    ///   - take: is given the blocks of all, one after the other.
    func allGather(
        blockLength: Int, give: (UnsafeMutablePointer<Float>) -> Void, take: (UnsafePointer<Float>) -> Void
    ) throws
}

/// Who computes the products of square matrices: the workers of one process (`WorkerTeam`), or of several (`SharedWorkers`).
///
/// An element is the same sum whoever computes it (`Tensors.multiply`), so a product has the same bits either way, and what is worth
/// sharing is a question of time alone.
package protocol ProductTeam: Sendable {
    /// What can go wrong between processes: `Never` within one.
    associatedtype Failure: Error

    /// The workers of this process.
    var workers: WorkerTeam { get }

    /// Nil if this process computes all of a product (`ProductSharing`).
    func share(multiplications: Int, elementCount: Int) -> (index: Int, count: Int)?

    func allGather(
        blockLength: Int, give: (UnsafeMutablePointer<Float>) -> Void, take: (UnsafePointer<Float>) -> Void
    ) throws(Failure)
}

/// One process, which shares nothing.
extension WorkerTeam: ProductTeam {
    package var workers: WorkerTeam { self }

    package func share(multiplications: Int, elementCount: Int) -> (index: Int, count: Int)? { nil }

    package func allGather(
        blockLength: Int, give: (UnsafeMutablePointer<Float>) -> Void, take: (UnsafePointer<Float>) -> Void
    ) throws(Never) {
        preconditionFailure("one process has nothing to gather")
    }
}

/// The workers of this process and of those it shares with, if any.
package struct SharedWorkers: ProductTeam {
    package let workers: WorkerTeam
    private let sharing: (any ProductSharing)?

    package init(_ workers: WorkerTeam, sharing: (any ProductSharing)?) {
        self.workers = workers
        self.sharing = sharing
    }

    package func share(multiplications: Int, elementCount: Int) -> (index: Int, count: Int)? {
        sharing?.share(multiplications: multiplications, elementCount: elementCount)
    }

    package func allGather(
        blockLength: Int, give: (UnsafeMutablePointer<Float>) -> Void, take: (UnsafePointer<Float>) -> Void
    ) throws(any Error) {
        try sharing!.allGather(blockLength: blockLength, give: give, take: take)
    }
}

/// The columns of a product that each process computes: the same amount of work for each, nearly.
struct ColumnShares {
    private let bounds: [Int]
    private let upperOnly: Bool

    /// - Parameters:
    ///   - tile: side of the tiles, of which those on the diagonal are computed whole.
    ///   - upperOnly: whether columns end at the diagonal.
    init(columnCount: Int, shareCount: Int, tile: Int, upperOnly: Bool) {
        self.upperOnly = upperOnly
        // Whole panels of the kernel, and where there are enough columns, as many as it computes at a time.
        let unit = columnCount >= 256 * shareCount ? 64 : 16
        // c columns cost c, or with the tiles on the diagonal (c^2 + c tile) / 2.
        let count = Double(columnCount)
        let half = Double(tile) / 2
        bounds = (0...shareCount).map { share in
            let part = Double(share) / Double(shareCount)
            let bound = upperOnly ? (half * half + part * count * (count + 2 * half)).squareRoot() - half : part * count
            return share == shareCount ? columnCount : min(columnCount, Int(bound / Double(unit) + 0.5) * unit)
        }
    }

    subscript(share: Int) -> Range<Int> { bounds[share]..<bounds[share + 1] }

    var indices: Range<Int> { 0..<bounds.count - 1 }

    /// Rows of a matrix of `rows` that a share has elements of.
    func rowCount(of share: Int, rows: Int) -> Int { upperOnly ? self[share].upperBound : rows }

    /// The columns of a share in one of its rows, and how many elements it has in the rows before.
    func row(_ row: Int, of share: Int) -> (first: Int, columns: Range<Int>) {
        let columns = self[share]
        guard upperOnly, row > columns.lowerBound else { return (row * columns.count, columns) }
        // Below its first row of the diagonal, each row has one element less than the last.
        let missing = row - columns.lowerBound
        return (row * columns.count - missing * (missing - 1) / 2, row..<columns.upperBound)
    }

    /// Elements of a share of a matrix of `rows`.
    func elementCount(of share: Int, rows: Int) -> Int { row(rowCount(of: share, rows: rows), of: share).first }
}
