// The exponential and GELU, sixteen lanes at a time: a few fused multiply-adds instead of a library call per element.
//
// Both are plain arithmetic in a fixed order, so a lane's result depends on its own input only. What is not a number
// stays so: every comparison below is false for it, and every product has it as a factor.

extension SIMD16<Float> {
    /// e^x for x that are not positive, with a relative error below 2e-7; 0 below -87.3.
    ///
    /// x = n ln 2 + r with |r| <= ln 2 / 2; e^r is a polynomial (Moshier's `expf`) and 2^n an exponent.
    @inlinable @inline(__always)
    public var exponential: Self {
        // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits of the sum.
        let shift = Self(repeating: 12_582_912)
        let shifted = shift.addingProduct(self, Self(repeating: 1.442_695_04))
        let n = shifted - shift
        // ln 2 in two parts, of which the first has so few bits that its products with n are exact.
        let r = self.addingProduct(n, Self(repeating: -0.693_359_375)).addingProduct(n, Self(repeating: 2.121_944_4e-4))
        var p = Self(repeating: 1.987_569_15e-4)
        p = Self(repeating: 1.398_199_950_7e-3).addingProduct(p, r)
        p = Self(repeating: 8.333_451_907_3e-3).addingProduct(p, r)
        p = Self(repeating: 4.166_579_589_4e-2).addingProduct(p, r)
        p = Self(repeating: 1.666_666_545_9e-1).addingProduct(p, r)
        p = Self(repeating: 5.000_000_120_1e-1).addingProduct(p, r)
        p = r.addingProduct(p, r * r) + Self(repeating: 1)
        let integers = unsafeBitCast(shifted, to: SIMD16<Int32>.self)
        let power = unsafeBitCast((integers &<< 23) &+ SIMD16<Int32>(repeating: 0x3f80_0000), to: Self.self)
        return (p * power).replacing(with: 0, where: self .< -87.3)
    }

    /// x * Phi(x), Phi being the standard normal distribution function, with an error below 3e-7 |x|; x above 5.2 and 0 below -5.2.
    ///
    /// Phi(x) = 1/2 + x P(v) with v = 2 (x / 5.2)^2 - 1 from -1 to 1. P has degree 13 and was fitted so that the largest error is
    /// least (9e-8; the rest is rounding) and that Phi is exactly 1 and 0 at both ends, where it stays from there on. In powers of v
    /// its terms are small; in powers of x^2 they would cancel. Added up in pairs, because one long chain would wait for itself.
    @inlinable @inline(__always)
    public var gelu: Self {
        let end = Self(repeating: 5.2)
        let x = replacing(with: end, where: self .> end).replacing(with: -end, where: self .< -end)
        let v = Self(repeating: -1).addingProduct(x * x, Self(repeating: 0.073_964_498_9))
        let v2 = v * v
        let v4 = v2 * v2
        let low = v.linear(0.135_949_999, -0.067_743_517_5).addingProduct(
            v.linear(0.050_024_595_1, -0.039_934_374_4), v2)
        let middle = v.linear(0.031_988_538_8, -0.024_684_416_1).addingProduct(
            v.linear(0.017_963_515_6, -0.012_648_106_6), v2)
        let high = v.linear(0.008_537_597_95, -0.004_537_878_56).addingProduct(
            v.linear(0.001_825_133_34, -0.001_431_873_77), v2)
        let highest = high.addingProduct(v.linear(0.001_258_443_34, -0.000_413_807_487), v4)
        let p = low.addingProduct(middle, v4).addingProduct(highest, v4 * v4)
        return self * (x * p + Self(repeating: 0.5))
    }

    /// a + b x.
    @inlinable @inline(__always)
    func linear(_ a: Float, _ b: Float) -> Self { Self(repeating: a).addingProduct(Self(repeating: b), self) }
}
