import ElementaryFunctions
import Tensors

/// How much of its series exp(S) - I of a skew matrix S is made of.
///
/// With X = S^2, which is symmetric, the even part cosh(S) - I = X (I/2! + X/4! + ...) is symmetric too and the odd part
/// sinh(S) = S + S X (I/3! + X/5! + ...) skew. All of them commute, so every product on the way is symmetric or skew, and one triangle
/// of it is enough: half a product each. Both parts are cut after the same power of X.
struct SkewSeries {
    /// m: X, X^2, ..., X^m are computed.
    let powerCount: Int
    /// The powers of X that enter: m, or 2 m, the second half as X^m times a sum of the first.
    let termCount: Int

    /// Rising in what they cost: 1, 1.5, 2, 2.5 and 3 products of full matrices.
    static let all = [
        SkewSeries(powerCount: 1, termCount: 1), SkewSeries(powerCount: 2, termCount: 2),
        SkewSeries(powerCount: 3, termCount: 3), SkewSeries(powerCount: 4, termCount: 4),
        SkewSeries(powerCount: 3, termCount: 6),
    ]

    /// The spectral norm x up to which x^n / n!, the first term that is left out, stays below `remainder`.
    func limit(remainder: Double) -> Double {
        let next = 2 * termCount + 2
        return power(remainder * (1...next).reduce(1) { $0 * Double($1) }, 1 / Double(next))
    }
}

extension SquareMatrix {
    /// exp(S) - I of a skew matrix to rounding, by the cheapest series that reaches it (`SkewSeries`); larger S are halved s times.
    ///
    /// Without the I, whose rounding would be as large as what a small S adds: E of S / 2 becomes 2 E + E^2 of S.
    package static func rotationBeyondIdentity<Team: ProductTeam>(
        _ matrix: SquareMatrix, team: Team
    ) throws(Team.Failure) -> SquareMatrix {
        // What is left out stretches U alike step after step, where rounding does so at random: it has to be smaller than that.
        let limits = SkewSeries.all.map { $0.limit(remainder: Double(Scalar.ulpOfOne) / 32) }
        let norm = matrix.skewSpectralNorm(ifAbove: limits[0], team: team.workers)
        let series = zip(SkewSeries.all, limits).first { norm <= $1 }?.0 ?? SkewSeries.all.last!
        let (scaled, squaringCount) = matrix.halved(norm: norm, limit: limits.last!, team: team.workers)
        var result = try rotationBeyondIdentity(scaled, by: series, team: team)
        for _ in 0..<squaringCount {
            var squared = combination(identity: 0, [(2, result)], team: team.workers)
            try squared.addProduct(result, result, team: team)
            result = squared
        }
        return result
    }

    private static func rotationBeyondIdentity<Team: ProductTeam>(
        _ matrix: SquareMatrix, by series: SkewSeries, team: Team
    ) throws(Team.Failure) -> SquareMatrix {
        let workers = team.workers
        var powers = [try product(matrix, matrix, symmetry: .symmetric, team: team)]
        while powers.count < series.powerCount {
            powers.append(try product(powers[0], powers.last!, symmetry: .symmetric, team: team))
        }
        let reciprocals = (1...2 * series.termCount + 1).reduce(into: [1.0]) { $0.append($0.last! / Double($1)) }
        /// X^k / (2 k + shift)! for all k from 1 on.
        func terms(shift: Int) throws(Team.Failure) -> [(coefficient: Scalar, matrix: SquareMatrix)] {
            let first = zip(1..., powers).map { (coefficient: Scalar(reciprocals[2 * $0 + shift]), matrix: $1) }
            guard series.termCount > powers.count else { return first }
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
