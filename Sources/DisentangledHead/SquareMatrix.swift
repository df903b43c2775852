import Tensors

/// A square row-major matrix whose products are shared out over a team.
///
/// An element of a product is a sum in a fixed order, whatever the tiles and the team (`Tensors.multiply`), so a product has the
/// same bits everywhere, also where several processes share it (`ProductTeam`).
/// Most matrices here are powers of a skew matrix, hence symmetric or skew themselves: then only the tiles on and above the
/// diagonal are computed and the rest is mirrored, at half the cost.
package struct SquareMatrix<Scalar: HeadScalar>: Sendable, Equatable {
    package let size: Int
    package var values: [Scalar]

    package init(size: Int, values: [Scalar]) {
        precondition(values.count == size * size, "a matrix of size \(size) cannot hold \(values.count) values")
        self.size = size
        self.values = values
    }

    package init(identity size: Int) {
        self.init(size: size, values: Array(repeating: 0, count: size * size))
        for index in 0..<size { values[index * size + index] = 1 }
    }

    /// Leaves the elements to `fill`, which must write all of them.
    init(size: Int, filledBy fill: (UnsafeMutablePointer<Scalar>) -> Void) {
        self.size = size
        values = Array(unsafeUninitializedCapacity: size * size) { buffer, count in
            if let base = buffer.baseAddress { fill(base) }
            count = size * size
        }
    }

    /// Elements that are still to be written.
    private init(uninitialised size: Int) {
        self.init(size: size) { _ in }
    }

    /// Which factor of a product enters transposed.
    package enum TransposedFactor: Sendable {
        case neither
        case left
        case right
    }

    package enum Symmetry: Sendable {
        case none
        case symmetric
        case skew
    }

    /// Side of the tiles a product is cut into: large enough to hide fetching the operands, and enough tiles for a team.
    static func tileLength(size: Int) -> Int { size >= 512 ? 256 : 128 }

    /// alpha * op(A) * op(B), which the caller knows to have `symmetry`.
    package static func product<Team: ProductTeam>(
        _ a: SquareMatrix, _ b: SquareMatrix, transposing: TransposedFactor = .neither, alpha: Scalar = 1,
        symmetry: Symmetry = .none, team: Team
    ) throws(Team.Failure) -> SquareMatrix {
        var result = SquareMatrix(uninitialised: a.size)
        try result.multiplyAdd(
            a, b, transposing: transposing, alpha: alpha, beta: 0, symmetry: symmetry, team: team)
        return result
    }

    /// Adds alpha * op(A) * op(B); with a `symmetry`, which the matrix has to have as well, one triangle is computed.
    package mutating func addProduct<Team: ProductTeam>(
        _ a: SquareMatrix, _ b: SquareMatrix, transposing: TransposedFactor = .neither, alpha: Scalar = 1,
        symmetry: Symmetry = .none, team: Team
    ) throws(Team.Failure) {
        precondition(a.size == size, "a product of size \(a.size) cannot be added to a matrix of size \(size)")
        try multiplyAdd(a, b, transposing: transposing, alpha: alpha, beta: 1, symmetry: symmetry, team: team)
    }

    private mutating func multiplyAdd<Team: ProductTeam>(
        _ a: SquareMatrix, _ b: SquareMatrix, transposing: TransposedFactor, alpha: Scalar,
        beta: Scalar, symmetry: Symmetry, team: Team
    ) throws(Team.Failure) {
        let size = size
        precondition(b.size == size, "matrices of size \(size) and \(b.size) have no product")
        guard size > 0 else { return }
        let tile = Self.tileLength(size: size)
        try values.withUnsafeMutableBufferPointer { result throws(Team.Failure) in
            let result = result.baseAddress!
            try a.values.withUnsafeBufferPointer { a throws(Team.Failure) in
                try b.values.withUnsafeBufferPointer { b throws(Team.Failure) in
                    try sharedProduct(
                        rows: size, columns: size, depth: size, alpha: alpha, a.baseAddress!, stride: size,
                        transposing == .left ? .transposed : .asStored, b.baseAddress!, stride: size,
                        transposing == .right ? .transposed : .asStored, beta: beta, into: result, stride: size,
                        tile: tile, upperOnly: symmetry != .none, team: team
                    ) { rows, columns in
                        if symmetry != .none {
                            Self.mirror(result, size: size, rows, columns, sign: symmetry == .symmetric ? 1 : -1)
                        }
                    }
                }
            }
        }
    }

    /// Writes the transposed tile (`rows`, `columns`), times `sign`, to the other side of the diagonal.
    private static func mirror(
        _ matrix: UnsafeMutablePointer<Scalar>, size: Int, _ rows: Range<Int>, _ columns: Range<Int>, sign: Scalar
    ) {
        let block = 32
        for firstRow in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
            let blockRows = firstRow..<min(firstRow + block, rows.upperBound)
            for firstColumn in stride(from: columns.lowerBound, to: columns.upperBound, by: block) {
                for column in firstColumn..<min(firstColumn + block, columns.upperBound) {
                    let target = matrix + column &* size
                    for row in blockRows where row < column { target[row] = sign * matrix[row &* size &+ column] }
                }
            }
        }
        if sign < 0 { for index in rows.clamped(to: columns) { matrix[index * size + index] = 0 } }
    }

    /// scale * (A + sign * A^T): twice the symmetric (sign 1) or skew (sign -1) part, scaled.
    package func combinedWithTranspose(sign: Scalar, scale: Scalar, team: WorkerTeam) -> SquareMatrix {
        let size = size
        let block = 64
        return SquareMatrix(size: size) { result in
            values.withUnsafeBufferPointer { buffer in
                nonisolated(unsafe) let source = buffer.baseAddress!
                nonisolated(unsafe) let result = result
                team.forEachRange(of: size, length: block) { _, rows in
                    for first in stride(from: 0, to: size, by: block) {
                        let columns = first..<min(first + block, size)
                        for row in rows {
                            let target = result + row &* size
                            let own = source + row &* size
                            for column in columns {
                                target[column] = scale * (own[column] + sign * source[column &* size &+ row])
                            }
                        }
                    }
                }
            }
        }
    }

    /// How often a matrix of the given norm is halved until its norm is within `limit`: 30 times at most.
    static func halvingCount(norm: Double, limit: Double) -> Int {
        var count = 0
        while norm > limit * Double(1 << count), count < 30 { count += 1 }
        return count
    }

    /// The matrix, of the given norm, halved until its norm is within `limit`, and how often that is.
    func halved(norm: Double, limit: Double, team: WorkerTeam) -> (matrix: SquareMatrix, count: Int) {
        let count = Self.halvingCount(norm: norm, limit: limit)
        guard count > 0 else { return (self, 0) }
        return (Self.combination(identity: 0, [(1 / Scalar(1 << count), self)], team: team), count)
    }

    /// Adds a multiple of I.
    mutating func shiftDiagonal(by multiple: Scalar) {
        for index in 0..<size { values[index * size + index] += multiple }
    }

    /// The linear combination of matrices plus `identity` times I.
    package static func combination(
        identity: Scalar, _ terms: [(coefficient: Scalar, matrix: SquareMatrix)], team: WorkerTeam
    ) -> SquareMatrix {
        let size = terms[0].matrix.size
        precondition(terms.allSatisfy { $0.matrix.size == size }, "a combination of matrices of different sizes")
        return SquareMatrix(size: size) { result in
            nonisolated(unsafe) let result = result
            team.forEachRange(of: size, length: rowsOfPass(size: size)) { _, rows in
                let range = rows.lowerBound * size..<rows.upperBound * size
                for (index, term) in terms.enumerated() {
                    let coefficient = term.coefficient
                    term.matrix.values.withUnsafeBufferPointer { source in
                        let source = source.baseAddress!
                        if index == 0 {
                            for element in range { result[element] = coefficient * source[element] }
                        } else {
                            for element in range { result[element] += coefficient * source[element] }
                        }
                    }
                }
                for row in rows { result[row * size + row] += identity }
            }
        }
    }
}

/// C = alpha * op(A) * op(B) + beta * C, in tiles that are shared out over the team.
///
/// With `upperOnly` the tiles below the diagonal are left alone. `finish` is called for each tile by the worker that
/// computed it; it may write what no other tile reads or writes.
func tiledProduct<Scalar: HeadScalar>(
    rows: Int, columns: Int, depth: Int, alpha: Scalar,
    _ a: UnsafePointer<Scalar>, stride aStride: Int, _ aOrientation: Orientation,
    _ b: UnsafePointer<Scalar>, stride bStride: Int, _ bOrientation: Orientation,
    beta: Scalar, into c: UnsafeMutablePointer<Scalar>, stride cStride: Int,
    tile: (rows: Int, columns: Int), upperOnly: Bool = false, team: WorkerTeam,
    finish: (Range<Int>, Range<Int>) -> Void = { _, _ in }
) {
    Scalar.product(
        rows: rows, columns: columns, depth: depth, alpha: alpha, a, stride: aStride, aOrientation,
        b, stride: bStride, bOrientation, beta: beta, into: c, stride: cStride, tile: tile, upperOnly: upperOnly,
        team: team, finish: finish)
}

/// `tiledProduct` by all processes of the team that share it: each computes a share of the columns, and gives it to the others.
///
/// With `upperOnly`, columns end at the diagonal, also on their way. `finish` is called for every tile on each process.
///
/// - Parameter tile: side of the tiles, smaller where a team of many workers needs more of them.
func sharedProduct<Scalar: HeadScalar, Team: ProductTeam>(
    rows: Int, columns: Int, depth: Int, alpha: Scalar,
    _ a: UnsafePointer<Scalar>, stride aStride: Int, _ aOrientation: Orientation,
    _ b: UnsafePointer<Scalar>, stride bStride: Int, _ bOrientation: Orientation,
    beta: Scalar, into c: UnsafeMutablePointer<Scalar>, stride cStride: Int,
    tile: Int, upperOnly: Bool = false, team: Team,
    finish: (Range<Int>, Range<Int>) -> Void = { _, _ in }
) throws(Team.Failure) {
    let workers = team.workers
    func compute(
        _ rows: Range<Int>, _ columns: Range<Int>, upperOnly: Bool,
        finish: (Range<Int>, Range<Int>) -> Void = { _, _ in }
    ) {
        var side = tile
        while side > 64, rows.count * columns.count < 4 * workers.workerCount * side * side { side /= 2 }
        tiledProduct(
            rows: rows.count, columns: columns.count, depth: depth, alpha: alpha,
            a + rows.lowerBound * (aOrientation == .asStored ? aStride : 1), stride: aStride, aOrientation,
            b + columns.lowerBound * (bOrientation == .asStored ? 1 : bStride), stride: bStride, bOrientation,
            beta: beta, into: c + (rows.lowerBound * cStride + columns.lowerBound), stride: cStride,
            tile: (side, side), upperOnly: upperOnly, team: workers, finish: finish)
    }

    let elementCount = rows * columns / (upperOnly ? 2 : 1)
    guard let share = team.share(multiplications: elementCount * depth, elementCount: elementCount) else {
        return compute(0..<rows, 0..<columns, upperOnly: upperOnly, finish: finish)
    }
    let shares = ColumnShares(columnCount: columns, shareCount: share.count, tile: tile, upperOnly: upperOnly)
    let own = shares[share.index]
    if !own.isEmpty {
        compute(0..<(upperOnly ? own.lowerBound : rows), own, upperOnly: false)
        if upperOnly { compute(own, own, upperOnly: true) }
    }

    let elementSize = MemoryLayout<Scalar>.stride
    let blockLength = shares.indices.map { shares.elementCount(of: $0, rows: rows) }.max()! * Scalar.wordCount
    nonisolated(unsafe) let c = c
    try team.allGather(blockLength: blockLength) { block in
        nonisolated(unsafe) let block = UnsafeMutableRawPointer(block)
        workers.forEachRange(of: shares.rowCount(of: share.index, rows: rows), length: 64) { _, range in
            for row in range {
                let (first, columns) = shares.row(row, of: share.index)
                (block + first &* elementSize).copyMemory(
                    from: c + (row &* cStride &+ columns.lowerBound), byteCount: columns.count &* elementSize)
            }
        }
    } take: { blocks in
        for other in shares.indices where other != share.index {
            nonisolated(unsafe) let block = UnsafeRawPointer(blocks + other * blockLength)
            workers.forEachRange(of: shares.rowCount(of: other, rows: rows), length: 64) { _, range in
                for row in range {
                    let (first, columns) = shares.row(row, of: other)
                    UnsafeMutableRawPointer(c + (row &* cStride &+ columns.lowerBound))
                        .copyMemory(from: block + first &* elementSize, byteCount: columns.count &* elementSize)
                }
            }
        }
    }
    withoutActuallyEscaping(finish) { finish in
        nonisolated(unsafe) let finish = finish
        workers.forEachRange(of: columns, length: tile) { _, columns in
            for row in stride(from: 0, to: upperOnly ? columns.upperBound : rows, by: tile) {
                finish(row..<min(row + tile, rows), columns)
            }
        }
    }
}
