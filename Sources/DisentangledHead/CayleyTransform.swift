import Tensors

/// U = (I + S)^-1 (I - S) of a skew matrix S, with its gradient. U = 2 V - I where V = (I + S)^-1.
///
/// Every rotation without the eigenvalue -1 is one; I is S = 0.
package struct CayleyTransform<Scalar: HeadScalar>: Sendable {
    package typealias Matrix = SquareMatrix<Scalar>

    /// U.
    package let value: Matrix
    /// V = (I + S)^-1.
    private let inverse: Matrix

    /// Nil if I + S is singular in this precision, which rounding alone cannot cause.
    package init?<Team: ProductTeam>(of matrix: Matrix, team: Team) throws(Team.Failure) {
        var inverse = Matrix.combination(identity: 1, [(1, matrix)], team: team.workers)
        guard try inverse.invertAccretive(team: team) else { return nil }
        self.inverse = inverse
        value = Matrix.combination(identity: -1, [(2, inverse)], team: team.workers)
    }

    /// The gradient of the loss with respect to S: -2 V^T G V^T; only its skew part has a meaning.
    package func gradient<Team: ProductTeam>(_ gradient: Matrix, team: Team) throws(Team.Failure) -> Matrix {
        let left = try Matrix.product(inverse, gradient, transposing: .left, team: team)
        return try Matrix.product(left, inverse, transposing: .right, alpha: -2, team: team)
    }
}

extension SquareMatrix {
    /// Replaces I + S, or any matrix whose symmetric part is at least I, by its inverse.
    ///
    /// By blocks: with M = [[A, B], [C, D]], X = A^-1 and Z = (D - C X B)^-1, the inverse is
    /// [[X + X B Z C X, -X B Z], [-Z C X, Z]]. The symmetric parts of A and of the Schur complement are again at least I, so no
    /// pivoting is needed between blocks, and nearly all the work is matrix products that the team shares. Blocks and products
    /// are the same whatever the team, so the inverse has the same bits everywhere.
    ///
    /// - Returns: false if a diagonal block is singular.
    package mutating func invertAccretive<Team: ProductTeam>(team: Team) throws(Team.Failure) -> Bool {
        let size = size
        return try values.withUnsafeMutableBufferPointer { buffer throws(Team.Failure) in
            guard let base = buffer.baseAddress else { return true }
            return try Self.invertBlock(base, size: size, stride: size, team: team)
        }
    }

    private static func invertBlock<Team: ProductTeam>(
        _ matrix: UnsafeMutablePointer<Scalar>, size: Int, stride: Int, team: Team
    ) throws(Team.Failure) -> Bool {
        // Smaller blocks would be no faster as products.
        guard size > 64 else { return Scalar.inverse(size: size, matrix, stride: stride) }
        let half = (size / 2 + 31) / 32 * 32
        let rest = size - half
        let (a, b) = (matrix, matrix + half)
        let (c, d) = (matrix + half * stride, matrix + (half * stride + half))
        let upper = UnsafeMutablePointer<Scalar>.allocate(capacity: half * rest)
        let lower = UnsafeMutablePointer<Scalar>.allocate(capacity: half * rest)
        defer {
            upper.deallocate()
            lower.deallocate()
        }
        func multiply(
            _ rows: Int, _ columns: Int, _ depth: Int, alpha: Scalar, _ left: UnsafePointer<Scalar>, _ leftStride: Int,
            _ right: UnsafePointer<Scalar>, _ rightStride: Int, beta: Scalar, _ result: UnsafeMutablePointer<Scalar>,
            _ resultStride: Int
        ) throws(Team.Failure) {
            let tile = size >= 1024 ? 256 : 128
            try sharedProduct(
                rows: rows, columns: columns, depth: depth, alpha: alpha, left, stride: leftStride, .asStored,
                right, stride: rightStride, .asStored, beta: beta, into: result, stride: resultStride,
                tile: tile, team: team)
        }
        guard try invertBlock(a, size: half, stride: stride, team: team) else { return false }
        try multiply(half, rest, half, alpha: 1, a, stride, b, stride, beta: 0, upper, rest)  // X B
        try multiply(rest, half, half, alpha: 1, c, stride, a, stride, beta: 0, lower, half)  // C X
        try multiply(rest, rest, half, alpha: -1, c, stride, upper, rest, beta: 1, d, stride)  // D - C X B
        guard try invertBlock(d, size: rest, stride: stride, team: team) else { return false }
        try multiply(half, rest, rest, alpha: -1, upper, rest, d, stride, beta: 0, b, stride)  // -X B Z
        try multiply(rest, half, rest, alpha: -1, d, stride, lower, half, beta: 0, c, stride)  // -Z C X
        try multiply(half, half, rest, alpha: -1, upper, rest, c, stride, beta: 1, a, stride)  // X + X B Z C X
        return true
    }
}
