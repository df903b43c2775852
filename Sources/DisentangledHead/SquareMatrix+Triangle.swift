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

    /// The numbers above the diagonal of (A - A^T) / 2.
    package func skewTriangle(team: WorkerTeam) -> [Scalar] {
        let size = size
        let (length, stride) = Self.block
        let count = Self.triangleCount(size: size)
        return [Scalar](unsafeUninitializedCapacity: count) { triangle, initialised in
            values.withUnsafeBufferPointer { values in
                guard let triangleStart = triangle.baseAddress, let start = values.baseAddress else { return }
                nonisolated(unsafe) let (result, source) = (triangleStart, start)
                team.forEachRange(of: size, length: length) { _, rows in
                    withUnsafeTemporaryAllocation(of: Scalar.self, capacity: length * stride) { below in
                        let below = below.baseAddress!
                        for first in Swift.stride(from: rows.lowerBound, to: size, by: length) {
                            let columns = first..<min(first + length, size)
                            for column in columns {
                                (below + (column &- first) &* stride).update(
                                    from: source + (column &* size &+ rows.lowerBound), count: rows.count)
                            }
                            for row in rows {
                                let target = result + Self.triangleOffset(ofRow: row, size: size)
                                let (own, across) = (source + row &* size, below + (row &- rows.lowerBound))
                                for column in max(first, row + 1)..<columns.upperBound {
                                    target[column] = 0.5 * (own[column] - across[(column &- first) &* stride])
                                }
                            }
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
        let (length, stride) = Self.block
        self.init(size: size) { result in
            triangle.withUnsafeBufferPointer { triangle in
                nonisolated(unsafe) let result = result
                guard let start = triangle.baseAddress else { return result.update(repeating: 0, count: size * size) }
                nonisolated(unsafe) let source = start
                team.forEachRange(of: size, length: length) { _, rows in
                    withUnsafeTemporaryAllocation(of: Scalar.self, capacity: length * stride) { below in
                        let below = below.baseAddress!
                        for first in Swift.stride(from: rows.lowerBound, to: size, by: length) {
                            let columns = first..<min(first + length, size)
                            for row in rows {
                                let own = source + Self.triangleOffset(ofRow: row, size: size)
                                let (target, across) = (result + row &* size, below + (row &- rows.lowerBound))
                                for column in max(first, row + 1)..<columns.upperBound {
                                    let value = scale * own[column]
                                    target[column] = value
                                    across[(column &- first) &* stride] = sign * value
                                }
                            }
                            for column in columns {
                                // In a block on the diagonal, row `column` has its own numbers from its diagonal on.
                                let count = min(rows.count, column &- rows.lowerBound)
                                let target = result + (column &* size &+ rows.lowerBound)
                                target.update(from: below + (column &- first) &* stride, count: count)
                                if first == rows.lowerBound { target[count] = 0 }
                            }
                        }
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
