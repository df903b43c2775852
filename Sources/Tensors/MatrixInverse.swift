/// Replaces a square row-major matrix by its inverse.
///
/// Gauss-Jordan elimination in place with partial pivoting, in double precision and a fixed order of operations (Higham,
/// "Accuracy and Stability of Numerical Algorithms", SIAM 2002, section 14.4). For small matrices: nothing is blocked or shared
/// out.
///
/// - Parameter stride: elements from row to row.
/// - Returns: false if a pivot is zero or not finite; the matrix is then as it was.
package func invert(size: Int, _ matrix: UnsafeMutablePointer<Float>, stride: Int) -> Bool {
    withInverse(of: matrix, size: size, stride: stride) { row, column, element in
        matrix[row &* stride &+ column] = Float(element)
    }
}

/// `invert` of a matrix in double precision.
package func invert(size: Int, _ matrix: UnsafeMutablePointer<Double>, stride: Int) -> Bool {
    withInverse(of: matrix, size: size, stride: stride) { row, column, element in
        matrix[row &* stride &+ column] = element
    }
}

/// Calls `store` for every element of the inverse.
@inline(__always)
private func withInverse<Scalar: BinaryFloatingPoint>(
    of matrix: UnsafeMutablePointer<Scalar>, size: Int, stride: Int,
    _ store: (_ row: Int, _ column: Int, _ element: Double) -> Void
) -> Bool {
    precondition(size >= 0 && stride >= size, "a matrix of size \(size) with rows \(stride) apart")
    let copyStride = (size + 7) / 8 * 8
    return withUnsafeTemporaryAllocation(byteCount: size * copyStride * 8, alignment: 64) { memory in
        let copy = memory.bindMemory(to: Double.self)
        copy.initialize(repeating: 0)
        for row in 0..<size {
            for column in 0..<size { copy[row &* copyStride &+ column] = Double(matrix[row &* stride &+ column]) }
        }
        guard size == 0 || eliminate(size: size, copy.baseAddress!, stride: copyStride) else { return false }
        for row in 0..<size {
            for column in 0..<size { store(row, column, copy[row &* copyStride &+ column]) }
        }
        return true
    }
}

/// Rows are whole vectors; what is behind the last column is zeros and stays so.
private func eliminate(size: Int, _ matrix: UnsafeMutablePointer<Double>, stride: Int) -> Bool {
    var pivots = [Int](repeating: 0, count: size)
    for step in 0..<size {
        let pivot = (step..<size).max { abs(matrix[$0 * stride + step]) < abs(matrix[$1 * stride + step]) }!
        pivots[step] = pivot
        let own = matrix + step * stride
        if pivot != step { swapRows(own, matrix + pivot * stride, count: stride) }
        guard own[step].isFinite, own[step] != 0 else { return false }
        let reciprocal = 1 / own[step]
        own[step] = 1
        for column in 0..<stride { own[column] *= reciprocal }
        for row in 0..<size where row != step {
            let target = matrix + row * stride
            let factor = -target[step]
            target[step] = 0
            add(own, times: factor, to: target, count: stride)
        }
    }
    // Rows that changed places are columns of the inverse that do.
    for step in Swift.stride(from: size - 1, through: 0, by: -1) where pivots[step] != step {
        for row in 0..<size {
            let own = matrix + row * stride
            (own[step], own[pivots[step]]) = (own[pivots[step]], own[step])
        }
    }
    return true
}

private func swapRows(_ a: UnsafeMutablePointer<Double>, _ b: UnsafeMutablePointer<Double>, count: Int) {
    for column in 0..<count { (a[column], b[column]) = (b[column], a[column]) }
}

/// y += factor * x, `count` being a multiple of 8.
@inline(__always)
private func add(
    _ x: UnsafePointer<Double>, times factor: Double, to y: UnsafeMutablePointer<Double>, count: Int
) {
    let factors = SIMD8(repeating: factor)
    var column = 0
    while column < count {
        let source = UnsafeRawPointer(x + column).loadUnaligned(as: SIMD8<Double>.self)
        let target = UnsafeMutableRawPointer(y + column)
        target.storeBytes(
            of: target.loadUnaligned(as: SIMD8<Double>.self).addingProduct(factors, source), as: SIMD8<Double>.self)
        column &+= 8
    }
}
