/// Layers whose products are of brain floats.
extension Linear {
    /// The same as `apply`.
    func applyRounded(
        to input: UnsafePointer<Float>, rowCount: Int, normalisedBy normalisation: LayerNormalisation?,
        adding residual: UnsafePointer<Float>?, into output: UnsafeMutablePointer<Float>, in workspace: Workspace
    ) {
        // What is made goes past the second cache; what it is made of, at half the size, stays there.
        let pieceLength = Self.pieceLength(rowCount: rowCount, width: (inputCount + 1) / 2)
        let isAddedLater = normalisation != nil
        GatheredRows.forEachPiece(
            of: input, rowCount: rowCount, rowLength: inputCount, pieceLength: pieceLength
        ) { rows, first in
            let piece = output + first * outputCount
            let added = residual.map { ResidualRows(base: $0 + first * outputCount, stride: outputCount) }
            multiplyRounded(
                rows, weights, bias: biases, residual: isAddedLater ? nil : added,
                activation: isAddedLater && residual != nil ? .identity : activation,
                into: .floats(piece, stride: outputCount), in: workspace)
            guard let normalisation else { return }
            normalisation.normalise(piece, rowCount: rows.rowCount, into: piece)
            guard let added else { return }
            add(added.base, to: piece, count: rows.rowCount * outputCount, activation: activation)
        }
    }

    /// The layer on rows of floats that are few enough to be computed together.
    func applyRounded(
        to input: UnsafePointer<Float>, rowCount: Int, into target: ProductTarget, in workspace: Workspace
    ) {
        GatheredRows.forEachPiece(of: input, rowCount: rowCount, rowLength: inputCount, pieceLength: rowCount) {
            rows, _ in
            multiplyRounded(rows, weights, bias: biases, activation: activation, into: target, in: workspace)
        }
    }

    /// The layer on rows that have been rounded, `stride` numbers apart: whole pairs.
    func apply(
        toRounded input: UnsafePointer<UInt16>, rowCount: Int, stride: Int, adding residual: UnsafePointer<Float>?,
        into output: UnsafeMutablePointer<Float>
    ) {
        let matrix = weights.brainFloats
        BrainFloatRows.withMatrix(input, rowCount: rowCount, stride: stride, pairCount: matrix.pairCount) { rows in
            matrix.withPanels {
                multiply(
                    rows, panels: $0, columnCount: outputCount, bias: biases,
                    residual: residual.map { ResidualRows(base: $0, stride: outputCount) }, activation: activation,
                    into: .floats(output, stride: outputCount))
            }
        }
    }
}
