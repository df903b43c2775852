/// What multiplies matrices in the layers of a network; a property of a `Workspace`.
///
/// Results of the two differ in the last places. Products outside of layers, such as a head's, always go through `packed`.
public enum MatrixEngine: String, CaseIterable, Sendable {
    /// The kernel of this target: a fixed order of operations, the same bits on every processor and in every batch.
    case packed
    /// OpenBLAS, for comparisons: the kernels and their order depend on the processor, the shape and OPENBLAS_CORETYPE.
    case openBLAS = "openblas"
}

/// C = activation(A * B + added) by the workspace's engine; see the kernel of the same name.
func multiply(
    _ a: GatheredRows, _ b: PackedMatrix, adding added: AddedRows, activation: ActivationFunction,
    into c: UnsafeMutablePointer<Float>, stride: Int, in workspace: Workspace
) {
    switch workspace.engine {
    case .packed:
        multiply(
            a, b, columns: 0..<b.columnCount, adding: added, activation: activation, into: c, stride: stride)
    case .openBLAS:
        b.withRows { rows in
            multiplyByBLAS(
                a, rows, stride: b.columnCount, columnCount: b.columnCount, adding: added, activation: activation,
                into: c, stride: stride, in: workspace)
        }
    }
}

/// The same with B in panels that are not kept.
func multiply(
    _ a: GatheredRows, panels: UnsafePointer<Float>, depth: Int, columnCount: Int, adding added: AddedRows,
    activation: ActivationFunction, into c: UnsafeMutablePointer<Float>, stride: Int, in workspace: Workspace
) {
    switch workspace.engine {
    case .packed:
        multiply(
            a, panels: panels, depth: depth, columnCount: columnCount, adding: added, activation: activation, into: c,
            stride: stride)
    case .openBLAS:
        let width = PackedMatrix.panelWidth
        for column in Swift.stride(from: 0, to: columnCount, by: width) {
            multiplyByBLAS(
                a, panels + column * depth, stride: width, columnCount: min(width, columnCount - column),
                adding: AddedRows(base: added.base + column, stride: added.stride), activation: activation,
                into: c + column, stride: stride, in: workspace)
        }
    }
}
