/// `base` to the power of `exponent`, with an error below 0.8 units in the last place (below 1.3 where the result is
/// subnormal).
///
/// e^(exponent ln base), the logarithm and the product in two parts. Special cases are those of IEEE 754: anything to the
/// power of 0, and 1 to any power, is 1; a negative base has a power for whole exponents only.
public func power(_ base: Double, _ exponent: Double) -> Double {
    if exponent == 0 || base == 1 { return 1 }
    guard !base.isNaN, !exponent.isNaN else { return .nan }
    let isWhole = exponent.rounded(.towardZero) == exponent
    // Above 2^53 every number is even.
    let isOdd = isWhole && abs(exponent) < 0x1p53 && Int64(exponent) & 1 == 1
    let magnitude = powerOfMagnitude(abs(base), exponent)
    guard base.sign == .minus else { return magnitude }
    guard base == 0 || base == -.infinity || isWhole else { return .nan }
    return isOdd ? -magnitude : magnitude
}

private func powerOfMagnitude(_ base: Double, _ exponent: Double) -> Double {
    if base == 1 { return 1 }
    guard let logarithm = pairLogarithm(base) else { return (base == 0) == (exponent < 0) ? .infinity : 0 }
    let product = logarithm.high * exponent
    // Far beyond what has a power, where the product's second part would be lost.
    guard abs(product) < 1000 else { return product > 0 ? .infinity : 0 }
    let exact = DoublePair.product(logarithm.high, exponent)
    return exponential(high: exact.high, low: exact.low + logarithm.low * exponent)
}
