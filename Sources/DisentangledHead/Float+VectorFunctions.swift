// Exponential and logarithm of eight Floats at once, for the pooling noise: libm's scalar versions would cost more than
// the head's matrix product. Conversions between integers and floats go through the bits of 1.5 * 2^23, because the
// standard library's vector conversions are evaluated lane by lane.

extension Float {
    private typealias Lanes = SIMD8<Float>
    private typealias IntegerLanes = SIMD8<Int32>

    /// Adding it rounds a small number to the nearest integer and leaves that integer in the low bits.
    private static let integerAnchor: Float = 12_582_912
    private static let integerAnchorBits: Int32 = 0x4B40_0000

    /// e^x for -87 <= x <= 0 with a relative error below 2e-7; smaller x give e^-87 = 1.6e-38.
    ///
    /// x = n ln 2 + r with |r| <= ln(2) / 2, the two parts of ln 2 subtracted one after the other (Cody and Waite), then
    /// the minimax polynomial of the Cephes library's expf.
    @inline(__always)
    package static func exponential(_ x: SIMD8<Float>) -> SIMD8<Float> {
        let x = x.replacing(with: Lanes(repeating: -87), where: x .< Lanes(repeating: -87))
        let anchored = Lanes(repeating: integerAnchor).addingProduct(x, Lanes(repeating: 1.442_695_04))
        let multiple = anchored - Lanes(repeating: integerAnchor)
        var rest = x.addingProduct(multiple, Lanes(repeating: -0.693_359_375))
        rest = rest.addingProduct(multiple, Lanes(repeating: 2.121_944_4e-4))
        var sum = Lanes(repeating: 1.987_569_15e-4)
        sum = Lanes(repeating: 1.398_199_95e-3).addingProduct(sum, rest)
        sum = Lanes(repeating: 8.333_451_9e-3).addingProduct(sum, rest)
        sum = Lanes(repeating: 4.166_579_6e-2).addingProduct(sum, rest)
        sum = Lanes(repeating: 1.666_666_55e-1).addingProduct(sum, rest)
        sum = Lanes(repeating: 5.000_000_1e-1).addingProduct(sum, rest)
        sum = (rest + Lanes(repeating: 1)).addingProduct(sum, rest * rest)
        let exponent = unsafeBitCast(anchored, to: IntegerLanes.self) &- IntegerLanes(repeating: integerAnchorBits)
        return unsafeBitCast(
            unsafeBitCast(sum, to: IntegerLanes.self) &+ (exponent &<< IntegerLanes(repeating: 23)), to: Lanes.self)
    }

    /// ln x for positive normal x with a relative error below 3e-7.
    ///
    /// x = 2^n m with m in [sqrt(1/2), sqrt(2)), then the minimax polynomial of the Cephes library's logf in m - 1, which
    /// is exact: so the result keeps its relative accuracy near x = 1.
    @inline(__always)
    package static func logarithm(_ x: SIMD8<Float>) -> SIMD8<Float> {
        let bits = unsafeBitCast(x, to: IntegerLanes.self)
        // Offsetting by the bits of sqrt(1/2) puts the cut between binades there.
        let offset = bits &- IntegerLanes(repeating: 0x3F35_04F3)
        let exponentBits = offset &>> IntegerLanes(repeating: 23)
        let exponent =
            unsafeBitCast(exponentBits &+ IntegerLanes(repeating: integerAnchorBits), to: Lanes.self)
            - Lanes(repeating: integerAnchor)
        let mantissa = unsafeBitCast(bits &- (exponentBits &<< IntegerLanes(repeating: 23)), to: Lanes.self)
        let t = mantissa - Lanes(repeating: 1)
        var sum = Lanes(repeating: 7.037_683_6e-2)
        sum = Lanes(repeating: -1.151_461_03e-1).addingProduct(sum, t)
        sum = Lanes(repeating: 1.167_699_87e-1).addingProduct(sum, t)
        sum = Lanes(repeating: -1.242_014_08e-1).addingProduct(sum, t)
        sum = Lanes(repeating: 1.424_932_28e-1).addingProduct(sum, t)
        sum = Lanes(repeating: -1.666_805_77e-1).addingProduct(sum, t)
        sum = Lanes(repeating: 2.000_071_48e-1).addingProduct(sum, t)
        sum = Lanes(repeating: -2.499_999_4e-1).addingProduct(sum, t)
        sum = Lanes(repeating: 3.333_333_1e-1).addingProduct(sum, t)
        let square = t * t
        var result = (sum * t) * square
        result = result.addingProduct(exponent, Lanes(repeating: -2.121_944_4e-4))
        result = result.addingProduct(Lanes(repeating: -0.5), square)
        return (t + result).addingProduct(exponent, Lanes(repeating: 0.693_359_375))
    }

    @inline(__always)
    package static func wholeNumbers(_ x: SIMD8<Float>) -> SIMD8<Int32> {
        // From 2^23 to 2^24 a float's low bits are its whole number.
        unsafeBitCast(x + SIMD8(repeating: 0x1p23), to: SIMD8<Int32>.self) & SIMD8(repeating: 0x7F_FFFF)
    }

    @inline(__always)
    package static func openUniform(_ words: SIMD8<UInt32>) -> SIMD8<Float> {
        // 23 bits of mantissa under the exponent of 1: a number in [1, 2). One bit more would round up to 1.
        let bits = (words &>> SIMD8(repeating: 9)) | SIMD8(repeating: 0x3F80_0000)
        return unsafeBitCast(bits, to: Lanes.self) - Lanes(repeating: 1 - 0x1p-24)
    }
}
