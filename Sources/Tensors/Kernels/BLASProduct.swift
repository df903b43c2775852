import COpenBLAS
import VectorKernels

/// OpenBLAS works on the calling thread only: parallelism is over images, by `WorkerTeam`.
private let blasIsSingleThreaded: Void = {
    OpenBLASMemory.prepare()
    openblas_set_num_threads(1)
}()

/// C = activation(A * B + added) by OpenBLAS, B [depth, columnCount] with `bStride` floats from row to row.
func multiplyByBLAS(
    _ a: GatheredRows, _ b: UnsafePointer<Float>, stride bStride: Int, columnCount: Int, adding added: AddedRows,
    activation: ActivationFunction, into c: UnsafeMutablePointer<Float>, stride: Int, in workspace: Workspace
) {
    _ = blasIsSingleThreaded
    guard a.rowCount > 0, columnCount > 0 else { return }
    for row in 0..<a.rowCount {
        (c + row * stride).update(from: added.base + row * added.stride, count: columnCount)
    }
    let depth = a.segmentCount * a.segmentLength
    if depth > 0 {
        a.withContiguousRows(in: workspace) { a, aStride, rowCount in
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rowCount), blasint(columnCount), blasint(depth),
                1, a, blasint(aStride), b, blasint(bStride), 1, c, blasint(stride))
        }
    }
    switch activation {
    case .identity: break
    case .gelu: applyGELU(to: c, rowCount: a.rowCount, columnCount: columnCount, stride: stride)
    case .relu:
        for row in 0..<a.rowCount {
            for element in row * stride..<row * stride + columnCount { c[element] = c[element].rectified }
        }
    }
}

extension GatheredRows {
    /// The rows in one piece each and equally far apart, as a library wants them: where they are, if they are so, or copied.
    fileprivate func withContiguousRows(
        in workspace: Workspace, _ body: (_ rows: UnsafePointer<Float>, _ stride: Int, _ rowCount: Int) -> Void
    ) {
        let length = segmentCount * segmentLength
        let stride = rowCount > 1 ? rowOffsets[1] - rowOffsets[0] : length
        let areEquallyFarApart = (0..<rowCount).allSatisfy { rowOffsets[$0] == rowOffsets[0] + $0 * stride }
        if segmentCount == 1, stride >= length, areEquallyFarApart {
            return body(base + (rowOffsets[0] + segmentOffsets[0]), stride, rowCount)
        }
        let copy = workspace.buffer(rowCount * length)
        for row in 0..<rowCount {
            for segment in 0..<segmentCount {
                (copy.pointer + (row * length + segment * segmentLength)).update(
                    from: base + (rowOffsets[row] + segmentOffsets[segment]), count: segmentLength)
            }
        }
        withExtendedLifetime(copy) { body(UnsafePointer(copy.pointer), length, rowCount) }
    }
}
