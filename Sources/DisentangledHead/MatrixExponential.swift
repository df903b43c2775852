import Tensors

/// exp(S) of a skew matrix S, with the exact reverse mode through the same evaluation.
///
/// The Taylor polynomial of degree 12 in four products, of which two are of commuting powers of S, hence symmetric or skew
/// and half as dear; larger S are halved s times and the result squared s times. S is normal, so s follows from its
/// spectral norm, which for a random matrix is far below the 1-norm that general-purpose codes use.
///
/// Source: Bader, Blanes, Casas, "Computing the matrix exponential with an optimized Taylor polynomial approximation",
/// Mathematics 7(12), 2019, section 3.1 and table 2.
package struct MatrixExponential<Scalar: HeadScalar>: Sendable {
    package typealias Matrix = SquareMatrix<Scalar>

    /// exp(S).
    package let value: Matrix
    /// The s of scaling and squaring.
    package let squaringCount: Int

    /// S / 2^s, its square, and the intermediates of the evaluation.
    private let scaled, square, third, sixth, factor: Matrix
    /// exp(S / 2^s), exp(S / 2^(s-1)), ..., all but the last.
    private let roots: [Matrix]

    /// The coefficients of I, S, S^2 and S^3 in the four combinations. Expanded, they give 1/k! for k = 0...12.
    private static var coefficients: [[Double]] {
        [
            [9.0198e-16, 0.46932117595418237389, -0.20099424927047284052, -0.04623946134063071740],
            [5.31597895759871264183, 1.19926790417132231573, 0.01179296240992997031, 0.01108844528519167989],
            [0.18188869982170434744, 0.05502798439925399070, 0.09351590770535414968, 0.00610700528898058230],
            [-2.0861320e-13, -0.13181061013830184015, -0.02027855540589259079, -0.00675951846863086359],
        ]
    }

    /// - Parameter matrix: a skew matrix; the other triangle of a matrix that is not is ignored in part.
    package init<Team: ProductTeam>(of matrix: Matrix, team: Team) throws(Team.Failure) {
        let workers = team.workers
        let limit = Scalar.exponentialLimit
        let norm = matrix.skewSpectralNorm(ifAbove: limit, team: workers)
        let (scaled, squaringCount) = matrix.halved(norm: norm, limit: limit, team: workers)
        self.squaringCount = squaringCount
        let square = try Matrix.product(scaled, scaled, symmetry: .symmetric, team: team)
        let cube = try Matrix.product(scaled, square, symmetry: .skew, team: team)
        // exp = B0 + F A6 with F = B1 + A6, A6 = B2 + B3 B3. The multiples of I are kept out of the products, where their rounding
        // would drown the rest: with A6 = a I + A and F = f I + E, F A6 = f a I + f A + a E + E A, and f a is 1.
        let b = Self.coefficients
        let (a, f) = (b[2][0], b[1][0] + b[2][0])
        func powers(_ i: Int, plus factor: Double = 0, times j: Int = 0) -> [(coefficient: Scalar, matrix: Matrix)] {
            zip(1..., [scaled, square, cube]).map { (Scalar(b[i][$0] + factor * b[j][$0]), $1) }
        }
        let third = Matrix.combination(identity: Scalar(b[3][0]), powers(3), team: workers)
        var sixth = Matrix.combination(identity: 0, powers(2), team: workers)
        try sixth.addProduct(third, third, team: team)
        var factor = Matrix.combination(identity: 0, powers(1) + [(1, sixth)], team: workers)
        // f A + a E = (f + a) A + a B1 without its multiple of I.
        var result = Matrix.combination(
            identity: 1, powers(0, plus: a, times: 1) + [(Scalar(f + a), sixth)], team: workers)
        try result.addProduct(factor, sixth, team: team)
        // The gradient wants them whole.
        sixth.shiftDiagonal(by: Scalar(a))
        factor.shiftDiagonal(by: Scalar(f))

        var roots: [Matrix] = []
        for _ in 0..<squaringCount {
            roots.append(result)
            result = try Matrix.product(result, result, team: team)
        }
        (self.scaled, self.square, self.third, self.sixth, self.factor) = (scaled, square, third, sixth, factor)
        self.roots = roots
        value = result
    }

    /// The gradient of the loss with respect to S, given that with respect to exp(S); only its skew part has a meaning.
    ///
    /// A power of S can only move within the symmetric or the skew matrices, so its own gradient is projected there, which
    /// saves one of the eight products of plain reverse mode. Two more for each squaring.
    package func gradient<Team: ProductTeam>(_ gradient: Matrix, team: Team) throws(Team.Failure) -> Matrix {
        let workers = team.workers
        var gradient = gradient
        for root in roots.reversed() {
            var next = try Matrix.product(gradient, root, transposing: .right, team: team)
            try next.addProduct(root, gradient, transposing: .left, team: team)
            gradient = next
        }

        let b = Self.coefficients
        let ofFactor = try Matrix.product(gradient, sixth, transposing: .right, team: team)
        var ofSixth = ofFactor
        try ofSixth.addProduct(factor, gradient, transposing: .left, team: team)
        var ofThird = try Matrix.product(ofSixth, third, transposing: .right, team: team)
        try ofThird.addProduct(third, ofSixth, transposing: .left, team: team)

        func gathered(_ power: Int) -> Matrix {
            Matrix.combination(
                identity: 0,
                zip(b, [gradient, ofFactor, ofSixth, ofThird]).map { (Scalar($0[power]), $1) },
                team: workers)
        }
        // S^3 = S S^2, then S^2 = S S, with S^T = -S.
        let ofCube = gathered(3).combinedWithTranspose(sign: -1, scale: 0.5, team: workers)
        var ofSquare = gathered(2)
        try ofSquare.addProduct(scaled, ofCube, alpha: -1, team: team)
        ofSquare = ofSquare.combinedWithTranspose(sign: 1, scale: 0.5, team: workers)
        var ofScaled = gathered(1)
        try ofScaled.addProduct(ofCube, square, team: team)
        // -(K S + S K) for symmetric K is twice the skew part of -K S, and only the skew part of the result counts.
        try ofScaled.addProduct(ofSquare, scaled, alpha: -2, team: team)
        guard squaringCount > 0 else { return ofScaled }
        return Matrix.combination(
            identity: 0, [(Scalar(1) / Scalar(1 << squaringCount), ofScaled)], team: workers)
    }
}
