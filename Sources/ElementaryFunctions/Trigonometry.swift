/// The sine of x, in radians, with an error below 0.8 units in the last place.
///
/// |x| is at most `largestAngle`; of an infinite x it is not a number.
public func sine(_ x: Double) -> Double {
    guard let angle = ReducedAngle(x) else { return .nan }
    return angle.sine.value
}

/// The cosine of x, in radians, with an error below 0.8 units in the last place; see `sine`.
public func cosine(_ x: Double) -> Double {
    guard let angle = ReducedAngle(x) else { return .nan }
    return angle.cosine.value
}

/// The tangent of x, in radians, with an error below 1 unit in the last place; see `sine`.
public func tangent(_ x: Double) -> Double {
    guard let angle = ReducedAngle(x) else { return .nan }
    let (sine, cosine) = (angle.sine, angle.cosine)
    let quotient = DoublePair.quotient(sine.high, cosine)
    return quotient.high + (quotient.low + sine.low / cosine.high)
}

/// The largest angle, in radians, whose sine, cosine and tangent there are: 2^20.
public let largestAngle = 0x1p20

/// x = quadrant pi / 2 + r with |r| <= pi / 4, r in two parts.
struct ReducedAngle {
    let quadrant: Int64
    let r: DoublePair

    /// Nil if x is not finite.
    init?(_ x: Double) {
        guard abs(x) <= largestAngle else {
            precondition(!x.isFinite, "an angle of \(x) radians is beyond \(largestAngle)")
            return nil
        }
        let shift = 0x1.8p52
        let shifted = shift.addingProduct(x, 0x1.45f306dc9c883p-1)
        let n = shifted - shift
        quadrant = Int64(bitPattern: shifted.bitPattern &- shift.bitPattern) & 3
        // pi / 2 in three parts (Cody and Waite). The first difference is exact: a multiple of 2^-53 below 1.
        let first = x.addingProduct(-n, 0x1.921fb54442d18p0)
        let second = DoublePair.product(n, 0x1.1a62633145c07p-54)
        let difference = DoublePair.sum(first, -second.high)
        r = .ordered(difference.high, difference.low - (second.low + n * -0x1.f1976b7ed8fbcp-110))
    }

    var sine: DoublePair {
        let part = quadrant & 1 == 0 ? sineOfRest : cosineOfRest
        return quadrant < 2 ? part : -part
    }

    var cosine: DoublePair {
        let part = quadrant & 1 == 0 ? cosineOfRest : sineOfRest
        return quadrant == 0 || quadrant == 3 ? part : -part
    }

    /// r - r^3/3! + ... + r^17/17!; the first omitted term is below 2^-62 of r.
    private var sineOfRest: DoublePair {
        let z = r.high * r.high
        var sum = 1.0 / 355_687_428_096_000
        sum = (-1.0 / 1_307_674_368_000).addingProduct(sum, z)
        sum = (1.0 / 6_227_020_800).addingProduct(sum, z)
        sum = (-1.0 / 39_916_800).addingProduct(sum, z)
        sum = (1.0 / 362_880).addingProduct(sum, z)
        sum = (-1.0 / 5040).addingProduct(sum, z)
        sum = (1.0 / 120).addingProduct(sum, z)
        sum = (-1.0 / 6).addingProduct(sum, z)
        let cosine = 1 - 0.5 * z
        return .ordered(r.high, (r.high * z) * sum + r.low * cosine)
    }

    /// 1 - r^2/2! + ... + r^16/16!; the first omitted term is below 2^-58.
    private var cosineOfRest: DoublePair {
        let z = r.high * r.high
        var sum = 1.0 / 20_922_789_888_000
        sum = (-1.0 / 87_178_291_200).addingProduct(sum, z)
        sum = (1.0 / 479_001_600).addingProduct(sum, z)
        sum = (-1.0 / 3_628_800).addingProduct(sum, z)
        sum = (1.0 / 40_320).addingProduct(sum, z)
        sum = (-1.0 / 720).addingProduct(sum, z)
        sum = (1.0 / 24).addingProduct(sum, z)
        // r^2 / 2 is the only term whose rounding would show.
        let square = DoublePair.product(r.high, r.high)
        let leading = DoublePair.ordered(1, -0.5 * square.high)
        let rest = leading.low - 0.5 * square.low - r.high * r.low
        return .ordered(leading.high, (z * z) * sum + rest)
    }
}

extension DoublePair {
    fileprivate static prefix func - (pair: DoublePair) -> DoublePair {
        DoublePair(high: -pair.high, low: -pair.low)
    }

    fileprivate var value: Double { high + low }
}
