import Dispatch

/// The scalar products of all pairs of columns of a matrix, without BLAS.
///
/// The matrix is packed into panels of 8 columns, so that four columns of one panel times the eight of another are 32 sums
/// in registers. Sums run over 32 rows in Float and over these pieces in Double: for an orthogonal matrix of any size the
/// error stays below 5e-7, and it depends on neither the number of threads nor their order.
enum ColumnProducts {
    private static let panelWidth = 8
    private static let pieceRows = 32

    /// max|M^T M - I| of a square matrix [side, side] of finite numbers.
    static func orthogonalityError(of matrix: [Float], side: Int) -> Double {
        fold(matrix, rows: side, columns: side, initial: 0.0) { worst, first, second, product in
            worst = max(worst, abs(product - (first == second ? 1 : 0)))
        }.reduce(0, max)
    }

    /// Calls `visit` with the product of each pair of columns first <= second, with a result for each panel of first
    /// columns, in order; panels are worked on at the same time.
    static func fold<Result: Sendable>(
        _ matrix: [Float], rows: Int, columns: Int, initial: Result,
        _ visit: @Sendable (_ result: inout Result, _ first: Int, _ second: Int, _ product: Double) -> Void
    ) -> [Result] {
        precondition(matrix.count == rows * columns, "\(matrix.count) elements for [\(rows), \(columns)]")
        let panelCount = (columns + panelWidth - 1) / panelWidth
        let panels = packed(matrix, rows: rows, columns: columns, panelCount: panelCount)
        var results = [Result](repeating: initial, count: panelCount)
        panels.withUnsafeBufferPointer { panels in
            results.withUnsafeMutableBufferPointer { results in
                guard let panelBase = panels.baseAddress, let resultBase = results.baseAddress else { return }
                // Each panel is read by all and each result written by one.
                nonisolated(unsafe) let panels = panelBase
                nonisolated(unsafe) let results = resultBase
                DispatchQueue.concurrentPerform(iterations: panelCount) { firstPanel in
                    for secondPanel in firstPanel..<panelCount {
                        for half in 0..<2 {
                            tile(
                                panels + firstPanel * rows * panelWidth + 4 * half,
                                panels + secondPanel * rows * panelWidth, rows: rows
                            ) { row, column, product in
                                let first = firstPanel * panelWidth + 4 * half + row
                                let second = secondPanel * panelWidth + column
                                if first <= second, second < columns {
                                    visit(&results[firstPanel], first, second, product)
                                }
                            }
                        }
                    }
                }
            }
        }
        return results
    }

    /// [panel, row, column in panel], with zeros beyond the last column.
    private static func packed(_ matrix: [Float], rows: Int, columns: Int, panelCount: Int) -> [Float] {
        var panels = [Float](repeating: 0, count: panelCount * rows * panelWidth)
        matrix.withUnsafeBufferPointer { matrix in
            panels.withUnsafeMutableBufferPointer { panels in
                for panel in 0..<panelCount {
                    let start = panel * panelWidth
                    let width = min(panelWidth, columns - start)
                    for row in 0..<rows {
                        for column in 0..<width {
                            panels[(panel * rows + row) * panelWidth + column] = matrix[row * columns + start + column]
                        }
                    }
                }
            }
        }
        return panels
    }

    /// The products of 4 columns from `first` with 8 from `second`, both with a stride of 8.
    @inline(__always)
    private static func tile(
        _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, rows: Int,
        _ visit: (_ row: Int, _ column: Int, _ product: Double) -> Void
    ) {
        var sums = (
            SIMD8<Double>.zero, SIMD8<Double>.zero, SIMD8<Double>.zero, SIMD8<Double>.zero
        )
        var start = 0
        while start < rows {
            let end = min(start + pieceRows, rows)
            var (low0, low1, low2, low3) = (SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero)
            var (high0, high1, high2, high3) = (low0, low0, low0, low0)
            for row in start..<end {
                let left = first + row * panelWidth
                let right = UnsafeRawPointer(second + row * panelWidth)
                let low = right.loadUnaligned(as: SIMD4<Float>.self)
                let high = right.loadUnaligned(fromByteOffset: 16, as: SIMD4<Float>.self)
                // Not `addingProduct`: without the processor's instruction that is a library call for each element.
                let (left0, left1) = (SIMD4(repeating: left[0]), SIMD4(repeating: left[1]))
                low0 += left0 * low
                high0 += left0 * high
                low1 += left1 * low
                high1 += left1 * high
                let (left2, left3) = (SIMD4(repeating: left[2]), SIMD4(repeating: left[3]))
                low2 += left2 * low
                high2 += left2 * high
                low3 += left3 * low
                high3 += left3 * high
            }
            sums.0 += widened(low0, high0)
            sums.1 += widened(low1, high1)
            sums.2 += widened(low2, high2)
            sums.3 += widened(low3, high3)
            start = end
        }
        for column in 0..<panelWidth {
            visit(0, column, sums.0[column])
            visit(1, column, sums.1[column])
            visit(2, column, sums.2[column])
            visit(3, column, sums.3[column])
        }
    }

    @inline(__always)
    private static func widened(_ low: SIMD4<Float>, _ high: SIMD4<Float>) -> SIMD8<Double> {
        SIMD8<Double>(SIMD8<Float>(lowHalf: low, highHalf: high))
    }
}
