/// The transpose of a matrix B [N, K], ready to be multiplied with rows: C = A B^T, of which every row has the same bits
/// whatever the other rows are and however many there are.
///
/// OpenBLAS does not promise that, not even for products of one shape: some of its kernels (Haswell, Zen) sum the last rows of
/// a product in another order. So what must not depend on a batch is computed with the kernel of the layers.
package struct RowFactor: Sendable {
    private let panels: PackedMatrix

    /// Packs `matrix` [`columnCount`, `depth`], its rows being the columns of the product.
    package init(transposing matrix: UnsafePointer<Float>, columnCount: Int, depth: Int, team: WorkerTeam) {
        panels = PackedMatrix(transposing: matrix, columnCount: columnCount, depth: depth, team: team)
    }

    /// The columns that a product may begin with: multiples of this.
    package static var columnStep: Int { PackedMatrix.panelWidth }

    /// C [rows, columns.count] = A B^T of some of the columns. `c` has `stride` floats from row to row; A has K.
    package func multiply(
        rows: Int, _ a: UnsafePointer<Float>, columns: Range<Int>, into c: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let width = PackedMatrix.panelWidth
        precondition(
            columns.lowerBound.isMultiple(of: width) && columns.upperBound <= panels.columnCount,
            "products begin with a whole panel and end with the columns")
        guard rows > 0 else { return }
        let depth = panels.depth
        let pieceLength = Linear.pieceLength(rowCount: rows, width: depth)
        let biasCount = (columns.count + width - 1) / width * 2
        withUnsafeTemporaryAllocation(of: SIMD8<Float>.self, capacity: biasCount) { bias in
            bias.initialize(repeating: .zero)
            let bias = UnsafePointer(bias.baseAddress!)
            panels.withPanels { panels in
                GatheredRows.forEachPiece(of: a, rowCount: rows, rowLength: depth, pieceLength: pieceLength) {
                    piece, first in
                    Tensors.multiply(
                        piece, panels: panels + columns.lowerBound / width * 2 * depth, depth: depth,
                        columnCount: columns.count, bias: bias, activation: .identity, into: c + first * stride,
                        stride: stride)
                }
            }
        }
    }
}
