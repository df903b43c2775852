import ElementaryFunctions
import Tensors

/// How exp(S) - I of a skew matrix S is evaluated.
///
/// With X = S^2, which is symmetric, the even part cosh(S) - I is symmetric and the odd part sinh(S) = S g(X) skew. Everything on the
/// way is a function of S and commutes with it, so every product is symmetric or skew, and one triangle of it is enough: half a
/// product each.
enum SkewSeries {
    /// The Taylor series, which also small S have to relative precision: X, X^2, ..., X^m are computed, and as many powers enter as
    /// `termCount` says: m, or 2 m, the second half as X^m times a sum of the first.
    case taylor(powerCount: Int, termCount: Int)

    /// The Chebyshev series on the interval that the spectrum of S lies in, for which far fewer terms do where S is large
    /// (`SkewChebyshev`).
    case chebyshev(powerCount: Int, blockCount: Int)

    /// Rising in what they cost.
    static let all: [SkewSeries] = [
        .taylor(powerCount: 1, termCount: 1), .taylor(powerCount: 2, termCount: 2),
        .taylor(powerCount: 3, termCount: 3),
        .taylor(powerCount: 4, termCount: 4), .taylor(powerCount: 3, termCount: 6),
        .chebyshev(powerCount: 3, blockCount: 2), .chebyshev(powerCount: 4, blockCount: 2),
        .chebyshev(powerCount: 5, blockCount: 2), .chebyshev(powerCount: 4, blockCount: 3),
        .chebyshev(powerCount: 5, blockCount: 3), .chebyshev(powerCount: 5, blockCount: 4),
    ]

    /// Products of full matrices that it takes.
    var productCount: Double {
        switch self {
        case .taylor(let powerCount, let termCount):
            Double(powerCount + 1 + (termCount > powerCount ? 2 : 0)) / 2
        case .chebyshev(let powerCount, let blockCount):
            Double(powerCount + 2 * (blockCount - 1) + 1) / 2
        }
    }

    /// The spectral norm x up to which the first term that is left out stays below `remainder`: x^n / n!, or of a Chebyshev series
    /// 2 J_n(x) < 2 (x / 2)^n / n!.
    func limit(remainder: Double) -> Double {
        func root(_ n: Int, _ factor: Double) -> Double {
            power((1...n).reduce(remainder / factor) { $0 * Double($1) }, 1 / Double(n))
        }
        switch self {
        case .taylor(_, let termCount):
            return root(2 * termCount + 2, 1)
        case .chebyshev(let powerCount, let blockCount):
            return 2 * root(2 * powerCount * blockCount, 2)
        }
    }
}

extension SquareMatrix {
    /// exp(S) - I of a skew matrix to rounding, by the cheapest series that reaches it (`SkewSeries`); the largest S are halved s times.
    ///
    /// Without the I, whose rounding would be as large as what a small S adds: E of S / 2 becomes 2 E + E^2 of S.
    package static func rotationBeyondIdentity<Team: ProductTeam>(
        _ matrix: SquareMatrix, team: Team
    ) throws(Team.Failure) -> SquareMatrix {
        // What is left out stretches U alike step after step, where rounding does so at random: it has to be smaller than that.
        let remainder = Double(Scalar.ulpOfOne) / 32
        let norm = matrix.skewSpectralNorm(
            ifAbove: SkewSeries.all[0].limit(remainder: remainder), team: team.workers)
        func cost(_ series: SkewSeries) -> Double {
            series.productCount + Double(halvingCount(norm: norm, limit: series.limit(remainder: remainder)))
        }
        let series = SkewSeries.all.min { cost($0) < cost($1) }!
        let (scaled, squaringCount) = matrix.halved(
            norm: norm, limit: series.limit(remainder: remainder), team: team.workers)
        var result: SquareMatrix
        switch series {
        case .taylor(let powerCount, let termCount):
            result = try taylorRotation(scaled, powerCount: powerCount, termCount: termCount, team: team)
        case .chebyshev(let powerCount, let blockCount):
            result = try chebyshevRotation(
                scaled, norm: norm / Double(1 << squaringCount), powerCount: powerCount, blockCount: blockCount,
                team: team)
        }
        for _ in 0..<squaringCount {
            var squared = combination(identity: 0, [(2, result)], team: team.workers)
            try squared.addProduct(result, result, team: team)
            result = squared
        }
        return result
    }

    /// With X (I/2! + X/4! + ...) and S + S X (I/3! + X/5! + ...), both cut after the same power of X.
    private static func taylorRotation<Team: ProductTeam>(
        _ matrix: SquareMatrix, powerCount: Int, termCount: Int, team: Team
    ) throws(Team.Failure) -> SquareMatrix {
        let workers = team.workers
        var powers = [try product(matrix, matrix, symmetry: .symmetric, team: team)]
        while powers.count < powerCount {
            powers.append(try product(powers[0], powers.last!, symmetry: .symmetric, team: team))
        }
        let reciprocals = (1...2 * termCount + 1).reduce(into: [1.0]) { $0.append($0.last! / Double($1)) }
        /// X^k / (2 k + shift)! for all k from 1 on.
        func terms(shift: Int) throws(Team.Failure) -> [(coefficient: Scalar, matrix: SquareMatrix)] {
            let first = zip(1..., powers).map { (coefficient: Scalar(reciprocals[2 * $0 + shift]), matrix: $1) }
            guard termCount > powers.count else { return first }
            let rest = zip((powers.count + 1)..., powers).map { (Scalar(reciprocals[2 * $0 + shift]), $1) }
            var sum = combination(identity: 0, first, team: workers)
            try sum.addProduct(
                powers.last!, combination(identity: 0, rest, team: workers), symmetry: .symmetric, team: team)
            return [(1, sum)]
        }
        let ofOdd = combination(identity: 0, try terms(shift: 1), team: workers)
        let odd = try product(matrix, ofOdd, symmetry: .skew, team: team)
        return combination(identity: 0, [(1, matrix), (1, odd)] + (try terms(shift: 0)), team: workers)
    }
}
