import ElementaryFunctions
import Tensors

/// A Chebyshev series f(Z) = a_0 + a_1 T_1(Z) + ... of a symmetric matrix Z with eigenvalues in -1...1, in blocks of m terms.
///
/// As T_(jm+i) = 2 T_i T_jm - T_(jm-i), the series is the sum over j of q_j(Z) T_j(W) with W = T_m(Z) and the q_j sums of
/// T_0, ..., T_(m-1), which Clenshaw's recurrence adds up in a product a block: b_j = q_j + 2 W b_(j+1) - b_(j+2).
/// No number in it is larger than the function by more than a small factor, so it is as exact as its products.
///
/// Source: Paterson and Stockmeyer, "On the number of nonscalar multiplications necessary to evaluate polynomials", SIAM J. Comput. 2(1),
/// 1973, section 2, with T_i in place of powers.
struct ChebyshevBlocks {
    /// Of T_0, ..., T_(m-1) in each q_j.
    let factors: [[Double]]

    init(_ coefficients: [Double], blockLength m: Int) {
        var a = coefficients
        let blockCount = (a.count + m - 1) / m
        a += Array(repeating: 0, count: blockCount * m - a.count)
        var factors = Array(repeating: Array(repeating: 0.0, count: m), count: blockCount)
        for block in stride(from: blockCount - 1, through: 0, by: -1) {
            let start = block * m
            factors[block][0] = a[start]
            for index in 1..<m {
                factors[block][index] = block == 0 ? a[index] : 2 * a[start + index]
                if block > 0 { a[start - index] -= a[start + index] }
            }
        }
        self.factors = factors
    }

    /// The first `count` coefficients of the series of `function`, a function of the angle phi whose cosine is the variable.
    static func coefficients(count: Int, of function: (Double) -> Double) -> [Double] {
        // Sums over the zeros of T_64: exact up to coefficients from the 128th less the one asked for on, far below rounding.
        let nodeCount = 64
        let angles = (0..<nodeCount).map { (Double($0) + 0.5) * Double.pi / Double(nodeCount) }
        let values = angles.map(function)
        return (0..<count).map { order in
            let sum = zip(angles, values).reduce(0) { $0 + $1.1 * cosine(Double(order) * $1.0) }
            return sum * (order == 0 ? 1 : 2) / Double(nodeCount)
        }
    }
}

/// c I + M. The multiples of I are kept out of the products, where their rounding would drown what small eigenvalues add.
private struct ShiftedMatrix<Scalar: HeadScalar> {
    var multiple: Double
    var rest: SquareMatrix<Scalar>
}

extension SquareMatrix {
    /// exp(S) - I of a skew matrix whose eigenvalues are i theta with |theta| <= x, the `norm`.
    ///
    /// Z = -I - 2 S^2 / x^2 has the eigenvalues 2 (theta / x)^2 - 1, cos phi for theta = x cos(phi / 2), and cosh(S) - I and
    /// sinh(S) / S, of which S has cos theta - 1 and sin theta / theta, are series in T_k(Z) = (-1)^k I + R_k, of which R_k is computed.
    static func chebyshevRotation<Team: ProductTeam>(
        _ matrix: SquareMatrix, norm: Double, powerCount: Int, blockCount: Int, team: Team
    ) throws(Team.Failure) -> SquareMatrix {
        let workers = team.workers
        typealias Term = (coefficient: Scalar, matrix: SquareMatrix)
        func sign(_ order: Int) -> Double { order.isMultiple(of: 2) ? 1 : -1 }
        // R_1, ..., R_m; T_(i+j) = 2 T_i T_j - T_(j-i) makes R_(i+j) = 2 R_i R_j + 2 (-1)^i R_j + 2 (-1)^j R_i - R_(j-i).
        var rests = [
            try product(matrix, matrix, alpha: Scalar(-2 / (norm * norm)), symmetry: .symmetric, team: team)
        ]
        while rests.count < powerCount {
            let (i, j) = ((rests.count + 1) / 2, (rests.count + 2) / 2)
            let (left, right) = (rests[i - 1], rests[j - 1])
            let terms: [Term] =
                i == j
                ? [(Scalar(4 * sign(i)), left)]
                : [(Scalar(2 * sign(i)), right), (Scalar(2 * sign(j)), left), (Scalar(-1), rests[0])]
            var next = combination(identity: 0, terms, team: workers)
            try next.addProduct(left, right, alpha: 2, symmetry: .symmetric, team: team)
            rests.append(next)
        }

        func sum(_ function: (Double) -> Double) throws(Team.Failure) -> ShiftedMatrix<Scalar> {
            let blocks = ChebyshevBlocks(
                ChebyshevBlocks.coefficients(count: powerCount * blockCount, of: function), blockLength: powerCount)
            func multiple(_ block: Int) -> Double {
                blocks.factors[block].enumerated().reduce(0) { $0 + sign($1.offset) * $1.element }
            }
            func terms(_ block: Int) -> [Term] {
                zip(blocks.factors[block].dropFirst(), rests).map { (Scalar($0), $1) }
            }
            // b_(j+2) and b_(j+1); W = (-1)^m I + R_m.
            var following: ShiftedMatrix<Scalar>?
            var current = ShiftedMatrix(
                multiple: multiple(blockCount - 1),
                rest: combination(identity: 0, terms(blockCount - 1), team: workers))
            for block in stride(from: blockCount - 2, through: 0, by: -1) {
                let factor = block == 0 ? 1.0 : 2
                var all = terms(block)
                all.append((Scalar(factor * sign(powerCount)), current.rest))
                all.append((Scalar(factor * current.multiple), rests.last!))
                if let following { all.append((Scalar(-1), following.rest)) }
                var next = ShiftedMatrix(
                    multiple: multiple(block) + factor * sign(powerCount) * current.multiple
                        - (following?.multiple ?? 0),
                    rest: combination(identity: 0, all, team: workers))
                try next.rest.addProduct(
                    rests.last!, current.rest, alpha: Scalar(factor), symmetry: .symmetric, team: team)
                (following, current) = (current, next)
            }
            return current
        }
        // At Z = -I, where S is 0, these are 0 and 1.
        let even = try sum { cosine(norm * cosine($0 / 2)) - 1 }
        let ofOdd = try sum { phi in
            let theta = norm * cosine(phi / 2)
            return sine(theta) / theta
        }
        let odd = try product(matrix, ofOdd.rest, symmetry: .skew, team: team)
        return combination(
            identity: Scalar(even.multiple), [(1, even.rest), (Scalar(ofOdd.multiple), matrix), (1, odd)],
            team: workers)
    }
}
