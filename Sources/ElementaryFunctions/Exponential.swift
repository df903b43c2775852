/// e^x, with an error below 0.8 units in the last place (below 1.3 where the result is subnormal).
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r = 1 + r + r^2 (1/2 + r/6 + ... + r^11/13!), whose first omitted term is below
/// 2^-57. 1 + r is kept in two parts, so that only the last addition rounds to the full.
public func exponential(_ x: Double) -> Double { exponential(high: x, low: 0) }

/// Replaces each x by e^x: the same bits as `exponential(_:)` gives, eight at a time.
public func exponentiate(_ values: inout [Double]) {
    values.withUnsafeMutableBufferPointer { values in
        guard let start = values.baseAddress else { return }
        var index = 0
        while index &+ 8 <= values.count {
            let place = UnsafeMutableRawPointer(start + index)
            let x = place.loadUnaligned(as: SIMD8<Double>.self)
            // Where 2^n is a normal number, and the result too, one factor is as exact as two.
            if all(x .> -700 .& x .< 700) {
                place.storeBytes(of: ordinaryExponential(x), as: SIMD8<Double>.self)
            } else {
                for lane in 0..<8 { start[index &+ lane] = exponential(x[lane]) }
            }
            index &+= 8
        }
        while index < values.count {
            start[index] = exponential(start[index])
            index &+= 1
        }
    }
}

/// e^x of numbers between -700 and 700: step by step as in `exponential(high:low:)`.
@inline(__always)
private func ordinaryExponential(_ x: SIMD8<Double>) -> SIMD8<Double> {
    typealias Lanes = SIMD8<Double>
    func constant(_ value: Double) -> Lanes { Lanes(repeating: value) }
    let shift = constant(0x1.8p52)
    let shifted = shift.addingProduct(x, constant(0x1.71547652b82fep0))
    let n = shifted - shift
    let first = x.addingProduct(-n, constant(Natural.logarithmOf2.high))
    let second = 0 - n * constant(Natural.logarithmOf2.low)
    let r = first + second
    let rest = (first - r) + second

    let r2 = r * r
    let r4 = r2 * r2
    let p0 = constant(1.0 / 2).addingProduct(r, constant(1.0 / 6))
    let p1 = constant(1.0 / 24).addingProduct(r, constant(1.0 / 120))
    let p2 = constant(1.0 / 720).addingProduct(r, constant(1.0 / 5040))
    let p3 = constant(1.0 / 40_320).addingProduct(r, constant(1.0 / 362_880))
    let p4 = constant(1.0 / 3_628_800).addingProduct(r, constant(1.0 / 39_916_800))
    let p5 = constant(1.0 / 479_001_600).addingProduct(r, constant(1.0 / 6_227_020_800))
    let q0 = p0.addingProduct(r2, p1)
    let q1 = p2.addingProduct(r2, p3)
    let q2 = p4.addingProduct(r2, p5)
    let tail = q0.addingProduct(r4, q1.addingProduct(r4, q2)) * r2

    let leading = 1 + r
    let power = leading + ((r - (leading - 1)) + (tail + rest))
    let exponent = unsafeBitCast(shifted, to: SIMD8<Int64>.self) &- unsafeBitCast(shift, to: SIMD8<Int64>.self)
    return power * unsafeBitCast((exponent &+ 1023) &<< 52, to: Lanes.self)
}

/// e^(high + low), `low` being a rounding error of `high`.
func exponential(high: Double, low: Double) -> Double {
    // Beyond these the result is 0 or infinite; in between, n below stays small enough for its exponent.
    if high > 709.8 { return .infinity }
    if high < -745.2 { return 0 }
    guard !high.isNaN else { return high }

    // Adding 1.5 * 2^52 rounds to the nearest integer and leaves it in the low bits of the sum.
    let shift = 0x1.8p52
    let shifted = shift.addingProduct(high, 0x1.71547652b82fep0)
    let n = shifted - shift
    let exponent = Int64(bitPattern: shifted.bitPattern &- shift.bitPattern)
    // The first difference is exact: it is a multiple of 2^-54 below 1/2.
    let first = high.addingProduct(-n, Natural.logarithmOf2.high)
    let second = low - n * Natural.logarithmOf2.low
    let r = first + second
    let rest = (first - r) + second

    let r2 = r * r
    let r4 = r2 * r2
    let p0 = (1.0 / 2).addingProduct(r, 1.0 / 6)
    let p1 = (1.0 / 24).addingProduct(r, 1.0 / 120)
    let p2 = (1.0 / 720).addingProduct(r, 1.0 / 5040)
    let p3 = (1.0 / 40_320).addingProduct(r, 1.0 / 362_880)
    let p4 = (1.0 / 3_628_800).addingProduct(r, 1.0 / 39_916_800)
    let p5 = (1.0 / 479_001_600).addingProduct(r, 1.0 / 6_227_020_800)
    let q0 = p0.addingProduct(r2, p1)
    let q1 = p2.addingProduct(r2, p3)
    let q2 = p4.addingProduct(r2, p5)
    let tail = q0.addingProduct(r4, q1.addingProduct(r4, q2)) * r2

    let leading = 1 + r
    let power = leading + ((r - (leading - 1)) + (tail + rest))
    // Two factors, since 2^n itself may be beyond the exponents there are.
    let half = exponent >> 1
    return power * powerOf2(half) * powerOf2(exponent - half)
}

/// 2^`exponent`, a normal number.
private func powerOf2(_ exponent: Int64) -> Double {
    Double(bitPattern: UInt64(bitPattern: exponent + 1023) << 52)
}
