import Tensors

extension SquareMatrix {
    /// Whether every element is finite.
    package func isFinite(team: WorkerTeam) -> Bool { areFinite(values, team: team) }

    /// max|U^T U - I|: how far the columns are from being orthonormal. Half a matrix product.
    package func orthogonalityError<Team: ProductTeam>(team: Team) throws(Team.Failure) -> Scalar {
        try Self.product(self, self, transposing: .left, symmetry: .symmetric, team: team).distanceFromIdentity()
    }

    /// max|A - I|; NaN if any element is NaN.
    package func distanceFromIdentity() -> Scalar {
        var largest: Scalar = 0
        var poison: Scalar = 0
        values.withUnsafeBufferPointer { values in
            for row in 0..<size {
                var rowLargest: Scalar = 0
                let start = row &* size
                // The row before and after the diagonal, so that the loops vectorise.
                for range in [start..<start + row, start + row + 1..<start + size] {
                    for index in range {
                        let magnitude = abs(values[index])
                        rowLargest = magnitude > rowLargest ? magnitude : rowLargest
                        poison += values[index] - values[index]
                    }
                }
                let diagonal = values[start + row]
                largest = Scalar.maximum(largest, Scalar.maximum(rowLargest, abs(diagonal - 1)))
                poison += diagonal - diagonal
            }
        }
        return poison == 0 ? largest : .nan
    }

    /// One Newton-Schulz step towards the nearest orthogonal matrix: U (3 I - U^T U) / 2.
    ///
    /// An error e in U^T U becomes 3 e^2 / 4: from 1e-5 one step reaches rounding.
    /// Source: Higham, "Functions of Matrices", SIAM 2008, equation 8.20.
    mutating func polish<Team: ProductTeam>(gram: SquareMatrix, team: Team) throws(Team.Failure) {
        let correction = Self.combination(identity: 1.5, [(-0.5, gram)], team: team.workers)
        self = try Self.product(self, correction, team: team)
    }

    /// Polishes until max|U^T U - I| is at most `Scalar.polishThreshold`, three times at most.
    ///
    /// - Returns: the error that is left, as measured before the last polish if rounding keeps it above the threshold.
    @discardableResult
    mutating func polishIfNeeded<Team: ProductTeam>(team: Team) throws(Team.Failure) -> Scalar {
        var error: Scalar = .infinity
        for _ in 0..<3 {
            let gram = try Self.product(self, self, transposing: .left, symmetry: .symmetric, team: team)
            let newError = gram.distanceFromIdentity()
            // At the level of rounding another step changes nothing for the better.
            guard newError > Scalar.polishThreshold, newError < error / 2 else { return newError }
            error = newError
            try polish(gram: gram, team: team)
            // At most 3 D e^2 / 4 is left, and the rounding of the polish itself, which no other would take away.
            if Scalar(size) * newError * newError < Scalar.polishThreshold { return newError }
        }
        return error
    }

    /// An upper estimate of the spectral norm of a skew matrix S.
    ///
    /// From below by twelve steps of Lanczos's method, whose Krylov space has the largest singular value to a few hundredths; the
    /// estimate is raised by a twentieth and cut at bounds that hold for certain. The start is fixed, so that the result is a function
    /// of S alone. Source: Golub and Van Loan, "Matrix Computations", 4th edition, section 10.1.
    ///
    /// - Parameter threshold: a norm that is certain to be below need not be estimated; then one of the bounds.
    package func skewSpectralNorm(ifAbove threshold: Double, team: WorkerTeam) -> Double {
        let rowNorms = rowNorms(team: team)
        let frobenius = rowNorms.reduce(0) { $0 + $1.square }.squareRoot()
        let absolute = rowNorms.reduce(0) { Swift.max($0, $1.sum) }
        // Singular values of a skew matrix come in pairs: the Frobenius norm counts each twice.
        let bound = Swift.min(frobenius / 2.0.squareRoot(), absolute)
        guard bound > threshold else { return bound }

        // S v_j = beta_j v_(j+1) - beta_(j-1) v_(j-1): the projection of S is tridiagonal, skew, with these betas.
        var (previous, vector) = ([Double](repeating: 0, count: size), (0..<size).map(Self.lanczosStart))
        var beta = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        var betas: [Double] = []
        while betas.count < Swift.min(12, size - 1) {
            for index in vector.indices { vector[index] /= beta }
            let image = applied(to: vector.map { Scalar($0) }, team: team)
            let last = betas.last ?? 0
            for index in vector.indices { previous[index] = Double(image[index]) + last * previous[index] }
            swap(&previous, &vector)
            beta = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            // The space is exhausted when what is left is rounding.
            guard beta > bound * Double(Scalar.ulpOfOne) else { break }
            betas.append(beta)
        }
        // A start that S takes to nothing says nothing of it.
        guard !betas.isEmpty else { return bound }
        return Swift.min(bound, 1.05 * Self.largestEigenvalue(offDiagonal: betas))
    }

    /// Elements between 1 and 2 in no order.
    private static func lanczosStart(_ index: Int) -> Double { 1 + Double((index &* 40503) & 0xFFFF) / 65536 }

    /// Of the symmetric tridiagonal matrix with zeros on the diagonal, which has the magnitudes of the skew one's.
    private static func largestEigenvalue(offDiagonal betas: [Double]) -> Double {
        // Bisection: x is above all eigenvalues while the pivots of x I - T are positive (Sturm).
        var (low, high) = (0.0, 2 * (betas.max() ?? 0))
        for _ in 0..<40 {
            let middle = (low + high) / 2
            var pivot = middle
            var isAbove = pivot > 0
            for beta in betas where isAbove {
                pivot = middle - beta * beta / pivot
                isAbove = pivot > 0
            }
            if isAbove { high = middle } else { low = middle }
        }
        return high
    }

    /// The rows of a piece of a pass over all elements of a matrix: so many that waking a thread does not take longer than they do.
    static func rowsOfPass(size: Int) -> Int { Swift.max(1, 65536 / Swift.max(size, 1)) }

    /// Sum of squares and of magnitudes of each row. In short pieces: beside the diagonal of a map near I, the squares of the other
    /// elements would be lost one by one.
    private func rowNorms(team: WorkerTeam) -> [(square: Double, sum: Double)] {
        let size = size
        return Array(unsafeUninitializedCapacity: size) { result, count in
            nonisolated(unsafe) let result = result
            values.withUnsafeBufferPointer { values in
                nonisolated(unsafe) let values = values
                team.forEachRange(of: size, length: Self.rowsOfPass(size: size)) { _, rows in
                    for row in rows {
                        let start = values.baseAddress! + row * size
                        var (squares, magnitudes) = (0.0, 0.0)
                        for first in stride(from: 0, to: size, by: 128) {
                            var (square, sum) = (SIMD8<Scalar>.zero, SIMD8<Scalar>.zero)
                            forEachVector(start + first, count: min(128, size - first)) { vector in
                                square.addProduct(vector, vector)
                                sum += vector.replacing(with: -vector, where: Scalar.isLess(vector, SIMD8.zero))
                            }
                            squares += Double(square.sum())
                            magnitudes += Double(sum.sum())
                        }
                        result.initializeElement(at: row, to: (squares, magnitudes))
                    }
                }
            }
            count = size
        }
    }

    /// The matrix times a vector, row by row, each in the same order of addition.
    private func applied(to vector: [Scalar], team: WorkerTeam) -> [Scalar] {
        let size = size
        return Array(unsafeUninitializedCapacity: size) { result, count in
            nonisolated(unsafe) let result = result
            values.withUnsafeBufferPointer { values in
                nonisolated(unsafe) let values = values
                team.forEachRange(of: size, length: Self.rowsOfPass(size: size)) { _, rows in
                    vector.withUnsafeBufferPointer { vector in
                        for row in rows {
                            let sum = dotProduct(values.baseAddress! + row * size, vector.baseAddress!, count: size)
                            result.initializeElement(at: row, to: sum)
                        }
                    }
                }
            }
            count = size
        }
    }

    /// max over rows of | |u|^2 - 1 |: the diagonal of U U^T - I, a check that costs next to nothing.
    func rowNormError(team: WorkerTeam) -> Double {
        rowNorms(team: team).reduce(0) { Swift.max($0, abs($1.square - 1)) }
    }
}

/// Sum of products in a fixed order: four vectors of partial sums, then the rest one by one.
@inline(__always)
func dotProduct<Scalar: HeadScalar>(_ a: UnsafePointer<Scalar>, _ b: UnsafePointer<Scalar>, count: Int) -> Scalar {
    var sums = (SIMD8<Scalar>.zero, SIMD8<Scalar>.zero, SIMD8<Scalar>.zero, SIMD8<Scalar>.zero)
    var index = 0
    while index &+ 32 <= count {
        sums.0.addProduct(load8(a + index), load8(b + index))
        sums.1.addProduct(load8(a + (index &+ 8)), load8(b + (index &+ 8)))
        sums.2.addProduct(load8(a + (index &+ 16)), load8(b + (index &+ 16)))
        sums.3.addProduct(load8(a + (index &+ 24)), load8(b + (index &+ 24)))
        index &+= 32
    }
    var rest: Scalar = 0
    while index < count {
        rest += a[index] * b[index]
        index &+= 1
    }
    return ((sums.0 + sums.1) + (sums.2 + sums.3)).sum() + rest
}

/// Calls `body` for the elements eight at a time, the last filled up with zeros.
@inline(__always)
func forEachVector<Scalar: HeadScalar>(
    _ start: UnsafePointer<Scalar>, count: Int, _ body: (SIMD8<Scalar>) -> Void
) {
    var index = 0
    while index &+ 8 <= count {
        body(load8(start + index))
        index &+= 8
    }
    if index < count {
        var last = SIMD8<Scalar>.zero
        for lane in 0..<count &- index { last[lane] = start[index &+ lane] }
        body(last)
    }
}

@inline(__always)
func load8<Scalar: HeadScalar>(_ pointer: UnsafePointer<Scalar>) -> SIMD8<Scalar> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Scalar>.self)
}

@inline(__always)
func store8<Scalar: HeadScalar>(_ vector: SIMD8<Scalar>, to pointer: UnsafeMutablePointer<Scalar>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: SIMD8<Scalar>.self)
}

/// Whether every element is finite.
func areFinite<Scalar: HeadScalar>(_ values: [Scalar], team: WorkerTeam) -> Bool {
    let length = 1 << 16
    let flags = [Bool](unsafeUninitializedCapacity: (values.count + length - 1) / length) { flags, count in
        nonisolated(unsafe) let flags = flags
        values.withUnsafeBufferPointer { values in
            nonisolated(unsafe) let values = values
            team.forEachRange(of: values.count, length: length) { _, range in
                // x - x is 0 for a finite x and NaN otherwise.
                var poison = SIMD8<Scalar>.zero
                forEachVector(values.baseAddress! + range.lowerBound, count: range.count) { poison += $0 - $0 }
                flags.initializeElement(at: range.lowerBound / length, to: poison == SIMD8.zero)
            }
        }
        count = (values.count + length - 1) / length
    }
    return flags.allSatisfy { $0 }
}
