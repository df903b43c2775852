import COpenBLAS

/// Whether a matrix enters a product as it is stored or transposed.
public enum Orientation: Sendable {
    case asStored
    case transposed

    var blas: CBLAS_TRANSPOSE { self == .asStored ? CblasNoTrans : CblasTrans }
}

/// OpenBLAS works on the calling thread only: parallelism is over images and row blocks, by `WorkerTeam`.
/// Every entry to BLAS or LAPACK evaluates this first.
let blasIsSingleThreaded: Void = {
    OpenBLASMemory.prepare()
    openblas_set_num_threads(1)
}()

/// C = alpha * op(A) * op(B) + beta * C for row-major matrices, in single precision.
///
/// op(A) is [`rows`, `depth`], op(B) is [`depth`, `columns`], C is [`rows`, `columns`]; each stride is the distance, in
/// elements, between rows as stored. With `beta` 0, C need not be initialised.
package func multiply(
    rows: Int, columns: Int, depth: Int,
    alpha: Float = 1,
    _ a: UnsafePointer<Float>, stride aStride: Int, _ aOrientation: Orientation = .asStored,
    _ b: UnsafePointer<Float>, stride bStride: Int, _ bOrientation: Orientation = .asStored,
    beta: Float = 0,
    into c: UnsafeMutablePointer<Float>, stride cStride: Int
) {
    _ = blasIsSingleThreaded
    cblas_sgemm(
        CblasRowMajor, aOrientation.blas, bOrientation.blas, blasint(rows), blasint(columns), blasint(depth),
        alpha, a, blasint(aStride), b, blasint(bStride), beta, c, blasint(cStride))
}

/// `multiply` in double precision.
package func multiply(
    rows: Int, columns: Int, depth: Int,
    alpha: Double = 1,
    _ a: UnsafePointer<Double>, stride aStride: Int, _ aOrientation: Orientation = .asStored,
    _ b: UnsafePointer<Double>, stride bStride: Int, _ bOrientation: Orientation = .asStored,
    beta: Double = 0,
    into c: UnsafeMutablePointer<Double>, stride cStride: Int
) {
    _ = blasIsSingleThreaded
    cblas_dgemm(
        CblasRowMajor, aOrientation.blas, bOrientation.blas, blasint(rows), blasint(columns), blasint(depth),
        alpha, a, blasint(aStride), b, blasint(bStride), beta, c, blasint(cStride))
}
