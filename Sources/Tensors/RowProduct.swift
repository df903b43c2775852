/// The transpose of a matrix B [N, K], ready to be multiplied with rows: C = A B^T, of which every row has the same bits
/// whatever the other rows are and however many there are.
///
/// One chain of fused multiply-adds an element, as in the layers. Rows with many zeros take less time (`SparseRows`) and get the same bits.
package struct RowFactor: Sendable {
    private let panels: PackedMatrix

    /// Packs `matrix` [`columnCount`, `depth`], its rows being the columns of the product.
    package init(transposing matrix: UnsafePointer<Float>, columnCount: Int, depth: Int, team: WorkerTeam) {
        panels = PackedMatrix(
            packing: matrix, stride: depth, .transposed, depth: depth, columnCount: columnCount, checked: true,
            team: team)
    }

    /// The columns that a product may begin with: multiples of this.
    package static var columnStep: Int { PackedMatrix.panelWidth }

    /// C [rows, columns.count] = A B^T of some of the columns. `c` has `stride` floats from row to row; A has K.
    package func multiply(
        rows: Int, _ a: UnsafePointer<Float>, columns: Range<Int>, into c: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let width = Self.columnStep
        precondition(
            columns.lowerBound >= 0 && columns.lowerBound.isMultiple(of: width)
                && columns.upperBound <= panels.columnCount,
            "columns \(columns) of \(panels.columnCount), in panels of \(width)")
        precondition(rows >= 0 && stride >= columns.count, "\(rows) rows of \(columns.count), \(stride) apart")
        guard rows > 0 else { return }
        let depth = panels.depth
        let pieceLength = Linear.pieceLength(rowCount: rows, width: depth)
        let paddedCount = (columns.count + width - 1) / width * width
        withUnsafeTemporaryAllocation(of: Float.self, capacity: paddedCount) { zeros in
            zeros.initialize(repeating: 0)
            let zeros = AddedRows(repeating: UnsafePointer(zeros.baseAddress!))
            GatheredRows.forEachPiece(of: a, rowCount: rows, rowLength: depth, pieceLength: pieceLength) {
                piece, first in
                Tensors.multiply(
                    piece, panels, columns: columns, adding: zeros, activation: .identity, into: c + first * stride,
                    stride: stride)
            }
        }
    }
    /// Whether a product with these rows takes only what is not zero in them.
    package func leavesOutZeros(ofRows rows: Int, _ a: UnsafePointer<Float>) -> Bool {
        var leavesOut = false
        GatheredRows.forEachPiece(of: a, rowCount: rows & ~1, rowLength: panels.depth, pieceLength: rows) { piece, _ in
            let columnCount = SparseRows.columnCount(of: panels.columnCount)
            leavesOut = panels.isFinite && SparseRows(piece, columnCount: columnCount) != nil
        }
        return leavesOut
    }
}
