import Tensors

/// Matrices that are told by the numbers above their diagonal, row by row: D (D - 1) / 2 of them.
extension SquareMatrix {
    /// Numbers above the diagonal of a matrix of `size`.
    package static func triangleCount(size: Int) -> Int { size * (size - 1) / 2 }

    /// Side of the blocks that are transposed in the first-level cache, and from one of their rows to the next: no power of two, so
    /// that a column's numbers are not all looked for in the same place of the cache.
    private static var block: (length: Int, stride: Int) { (32, 33) }

    /// What is added to a column to find its number in `row`.
    private static func triangleOffset(ofRow row: Int, size: Int) -> Int { row * (2 * size - row - 1) / 2 - row - 1 }

    /// Calls `body` for every block on and above the diagonal, with room for what is across it: `block.stride` numbers for each of
    /// its columns. The blocks of some rows are one worker's.
    private static func forEachBlock(
        size: Int, team: WorkerTeam,
        _ body: @Sendable (_ rows: Range<Int>, _ columns: Range<Int>, _ across: UnsafeMutablePointer<Scalar>) -> Void
    ) {
        let (length, stride) = block
        team.forEachRange(of: size, length: length) { _, rows in
            withUnsafeTemporaryAllocation(of: Scalar.self, capacity: length * stride) { across in
                for first in Swift.stride(from: rows.lowerBound, to: size, by: length) {
                    body(rows, first..<min(first + length, size), across.baseAddress!)
                }
            }
        }
    }

    /// The numbers above the diagonal of (A - A^T) / 2.
    package func skewTriangle(team: WorkerTeam) -> [Scalar] {
        let size = size
        let stride = Self.block.stride
        let count = Self.triangleCount(size: size)
        return [Scalar](unsafeUninitializedCapacity: count) { triangle, initialised in
            values.withUnsafeBufferPointer { values in
                guard let triangleStart = triangle.baseAddress, let start = values.baseAddress else { return }
                nonisolated(unsafe) let (result, source) = (triangleStart, start)
                Self.forEachBlock(size: size, team: team) { rows, columns, across in
                    for (place, column) in columns.enumerated() {
                        (across + place &* stride).update(
                            from: source + (column &* size &+ rows.lowerBound), count: rows.count)
                    }
                    for row in rows {
                        let target = result + Self.triangleOffset(ofRow: row, size: size)
                        let (own, other) = (source + row &* size, across + (row &- rows.lowerBound))
                        for column in max(columns.lowerBound, row + 1)..<columns.upperBound {
                            target[column] = 0.5 * (own[column] - other[(column &- columns.lowerBound) &* stride])
                        }
                    }
                }
            }
            initialised = count
        }
    }

    /// The matrix with `scale` times the numbers of a triangle above its diagonal; with the same below it, or these times -1.
    package init(triangle: [Scalar], size: Int, symmetry: Symmetry, scale: Scalar = 1, team: WorkerTeam) {
        precondition(symmetry != .none, "a matrix without symmetry has numbers of its own below the diagonal")
        precondition(
            triangle.count == Self.triangleCount(size: size),
            "\(triangle.count) numbers are not those above the diagonal of a matrix of size \(size)")
        let sign: Scalar = symmetry == .skew ? -1 : 1
        let stride = Self.block.stride
        self.init(size: size) { result in
            triangle.withUnsafeBufferPointer { triangle in
                nonisolated(unsafe) let result = result
                guard let start = triangle.baseAddress else { return result.update(repeating: 0, count: size * size) }
                nonisolated(unsafe) let source = start
                Self.forEachBlock(size: size, team: team) { rows, columns, across in
                    for row in rows {
                        let own = source + Self.triangleOffset(ofRow: row, size: size)
                        let (target, other) = (result + row &* size, across + (row &- rows.lowerBound))
                        for column in max(columns.lowerBound, row + 1)..<columns.upperBound {
                            let value = scale * own[column]
                            target[column] = value
                            other[(column &- columns.lowerBound) &* stride] = sign * value
                        }
                    }
                    for (place, column) in columns.enumerated() {
                        // In a block on the diagonal, row `column` has its own numbers from its diagonal on.
                        let count = min(rows.count, column &- rows.lowerBound)
                        let target = result + (column &* size &+ rows.lowerBound)
                        target.update(from: across + place &* stride, count: count)
                        if columns == rows { target[count] = 0 }
                    }
                }
            }
        }
    }

    /// The numbers above the diagonal, if those below say the same or, of a skew matrix, are these times -1; nil otherwise.
    package func triangle(_ symmetry: Symmetry) -> [Scalar]? {
        let sign: Scalar = symmetry == .skew ? -1 : 1
        var result: [Scalar] = []
        result.reserveCapacity(Self.triangleCount(size: size))
        for row in 0..<size {
            guard symmetry != .skew || values[row * size + row] == 0 else { return nil }
            for column in row + 1..<size {
                let value = values[row * size + column]
                guard values[column * size + row] == sign * value else { return nil }
                result.append(value)
            }
        }
        return result
    }
}
