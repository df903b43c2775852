import COpenBLAS

/// Replaces a square row-major matrix by its inverse (LU factorisation with partial pivoting), in single precision.
///
/// `stride` is the distance between rows. LAPACK reads the matrix as its transpose, and the inverse of the transpose is
/// the transpose of the inverse: no copy is needed.
/// - Returns: false if the matrix is singular; its contents are then undefined.
package func invert(size: Int, _ matrix: UnsafeMutablePointer<Float>, stride: Int) -> Bool {
    guard size > 0 else { return true }
    _ = blasIsSingleThreaded
    var size = blasint(size)
    var stride = blasint(stride)
    var info: blasint = 0
    var pivots = [blasint](repeating: 0, count: Int(size))
    sgetrf_(&size, &size, matrix, &stride, &pivots, &info)
    guard info == 0 else { return false }
    var workLength = size * 64
    var work = [Float](repeating: 0, count: Int(workLength))
    sgetri_(&size, matrix, &stride, &pivots, &work, &workLength, &info)
    return info == 0
}

/// `invert` in double precision.
package func invert(size: Int, _ matrix: UnsafeMutablePointer<Double>, stride: Int) -> Bool {
    guard size > 0 else { return true }
    _ = blasIsSingleThreaded
    var size = blasint(size)
    var stride = blasint(stride)
    var info: blasint = 0
    var pivots = [blasint](repeating: 0, count: Int(size))
    dgetrf_(&size, &size, matrix, &stride, &pivots, &info)
    guard info == 0 else { return false }
    var workLength = size * 64
    var work = [Double](repeating: 0, count: Int(workLength))
    dgetri_(&size, matrix, &stride, &pivots, &work, &workLength, &info)
    return info == 0
}
