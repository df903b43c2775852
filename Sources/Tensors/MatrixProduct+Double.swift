/// `multiply` in double precision, for tests and references: each element is one chain of fused multiply-adds.
package func multiply(
    rows: Int, columns: Int, depth: Int, alpha: Double = 1,
    _ a: UnsafePointer<Double>, stride aStride: Int, _ aOrientation: Orientation,
    _ b: UnsafePointer<Double>, stride bStride: Int, _ bOrientation: Orientation,
    beta: Double = 0, into c: UnsafeMutablePointer<Double>, stride cStride: Int,
    tile: (rows: Int, columns: Int) = (256, 256), upperOnly: Bool = false,
    team: WorkerTeam = WorkerTeam(workerCount: 1), finish: (Range<Int>, Range<Int>) -> Void = { _, _ in }
) {
    let grid = ProductGrid(
        rows: rows, columns: columns, depth: depth, aStride: aStride, aOrientation, bStride: bStride, bOrientation,
        cStride: cStride, tile: tile, upperOnly: upperOnly)
    let left = rowMajor(a, stride: aStride, aOrientation, rows: rows, columns: depth)
    let right = rowMajor(b, stride: bStride, bOrientation, rows: depth, columns: columns)
    left.withUnsafeBufferPointer { left in
        right.withUnsafeBufferPointer { right in
            nonisolated(unsafe) let (left, right, c) = (left, right, c)
            grid.forEachTile(on: team, scratchCount: 0) { tileRows, tileColumns, _ in
                for row in tileRows {
                    let target = c + row * cStride
                    var column = tileColumns.lowerBound
                    while column < tileColumns.upperBound {
                        if column + 32 <= tileColumns.upperBound {
                            var (s0, s1, s2, s3) = (
                                SIMD8<Double>(), SIMD8<Double>(), SIMD8<Double>(), SIMD8<Double>()
                            )
                            for k in 0..<depth {
                                let x = SIMD8(repeating: left[row * depth + k])
                                let y = UnsafeRawPointer(right.baseAddress! + (k * columns + column))
                                s0.addProduct(x, y.loadUnaligned(as: SIMD8<Double>.self))
                                s1.addProduct(x, y.loadUnaligned(fromByteOffset: 64, as: SIMD8<Double>.self))
                                s2.addProduct(x, y.loadUnaligned(fromByteOffset: 128, as: SIMD8<Double>.self))
                                s3.addProduct(x, y.loadUnaligned(fromByteOffset: 192, as: SIMD8<Double>.self))
                            }
                            for (index, sum) in [s0, s1, s2, s3].enumerated() {
                                for lane in 0..<8 {
                                    combine(sum[lane], alpha, with: target + (column + 8 * index + lane), beta)
                                }
                            }
                            column += 32
                        } else {
                            var sum = 0.0
                            for k in 0..<depth { sum.addProduct(left[row * depth + k], right[k * columns + column]) }
                            combine(sum, alpha, with: target + column, beta)
                            column += 1
                        }
                    }
                }
                finish(tileRows, tileColumns)
            }
        }
    }
}

private func combine(_ sum: Double, _ alpha: Double, with c: UnsafeMutablePointer<Double>, _ beta: Double) {
    c.pointee = beta == 0 ? alpha * sum : (beta * c.pointee).addingProduct(alpha, sum)
}

/// op(A) [rows, columns] without gaps.
private func rowMajor(
    _ matrix: UnsafePointer<Double>, stride: Int, _ orientation: Orientation, rows: Int, columns: Int
) -> [Double] {
    [Double](unsafeUninitializedCapacity: rows * columns) { result, count in
        for row in 0..<rows {
            for column in 0..<columns {
                result[row * columns + column] =
                    orientation == .asStored ? matrix[row * stride + column] : matrix[column * stride + row]
            }
        }
        count = rows * columns
    }
}
