/// The natural logarithm, with an error below 0.51 units in the last place. Of zero it is minus infinity, of negative
/// numbers not a number.
public func logarithm(_ x: Double) -> Double {
    guard let parts = LogarithmParts(of: x) else { return specialLogarithm(x) }
    // The exponent's multiple of the first part is exact.
    let whole = DoublePair.sum(parts.exponent * Natural.shortLogarithmOf2.high, parts.logarithm.high)
    let rest = whole.low + (parts.logarithm.low + parts.exponent * Natural.shortLogarithmOf2.low)
    return whole.high + rest
}

/// The logarithm to base 2, with an error below 0.51 units in the last place; exact for powers of 2.
public func binaryLogarithm(_ x: Double) -> Double {
    guard let parts = LogarithmParts(of: x) else { return specialLogarithm(x) }
    let fraction = parts.logarithm * Natural.inverseLogarithmOf2
    let whole = DoublePair.sum(parts.exponent, fraction.high)
    return whole.high + (whole.low + fraction.low)
}

/// ln x with a relative error below 2^-62, for positive finite x; nil otherwise.
func pairLogarithm(_ x: Double) -> DoublePair? {
    guard let parts = LogarithmParts(of: x) else { return nil }
    let whole = DoublePair.sum(parts.exponent * Natural.shortLogarithmOf2.high, parts.logarithm.high)
    return .sum(whole.high, whole.low + (parts.logarithm.low + parts.exponent * Natural.shortLogarithmOf2.low))
}

private func specialLogarithm(_ x: Double) -> Double {
    x == 0 ? -.infinity : x == .infinity ? x : .nan
}

/// x = 2^exponent m with m in [sqrt(1/2), sqrt(2)), and ln m in two parts.
private struct LogarithmParts {
    let exponent: Double
    let logarithm: DoublePair

    /// Nil if `x` is not positive and finite.
    ///
    /// ln m = 2 artanh s = 2 s (1 + z/3 + z^2/5 + ...), s = (m - 1) / (m + 1), z = s^2 < 0.0295; the first omitted term is
    /// below 2^-80. What matters beyond the last place, s and z/3, is computed in two parts.
    init?(of x: Double) {
        guard x > 0, x < .infinity else { return nil }
        let isSubnormal = x < .leastNormalMagnitude
        let bits = Int64(bitPattern: (isSubnormal ? x * 0x1p54 : x).bitPattern)
        // Offsetting by the bits of sqrt(1/2) puts the cut between binades there.
        let binade = (bits &- 0x3FE6_A09E_667F_3BCD) >> 52
        let m = Double(bitPattern: UInt64(bitPattern: bits &- binade << 52))
        exponent = Double(isSubnormal ? binade - 54 : binade)

        let f = m - 1
        let s = DoublePair.quotient(f, .sum(m, 1))
        let z = s * s
        let z1 = z.high
        // 1/5 + z/7 + ... + z^13/31
        var sum = 1.0 / 31
        sum = (1.0 / 29).addingProduct(sum, z1)
        sum = (1.0 / 27).addingProduct(sum, z1)
        sum = (1.0 / 25).addingProduct(sum, z1)
        sum = (1.0 / 23).addingProduct(sum, z1)
        sum = (1.0 / 21).addingProduct(sum, z1)
        sum = (1.0 / 19).addingProduct(sum, z1)
        sum = (1.0 / 17).addingProduct(sum, z1)
        sum = (1.0 / 15).addingProduct(sum, z1)
        sum = (1.0 / 13).addingProduct(sum, z1)
        sum = (1.0 / 11).addingProduct(sum, z1)
        sum = (1.0 / 9).addingProduct(sum, z1)
        sum = (1.0 / 7).addingProduct(sum, z1)
        sum = (1.0 / 5).addingProduct(sum, z1)
        let third = z * DoublePair(high: 1.0 / 3, low: 0x1.5555555555555p-56)
        let series = DoublePair.ordered(third.high, third.low + sum * (z1 * z1))
        let double = DoublePair(high: 2 * s.high, low: 2 * s.low)
        let correction = double * series
        let whole = DoublePair.ordered(double.high, correction.high)
        logarithm = .ordered(whole.high, whole.low + (double.low + correction.low))
    }
}
