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

    /// x * Phi(x), Phi being the standard normal distribution function, with an error below 3e-7 |x|; for x above -5 the
    /// relative error is below 1e-6.
    ///
    /// With a = |x| and t = 1 / (1 + a / 4), Phi(-a) = e^(-a^2 / 2) t P(t). P has degree 9 and was fitted so that the
    /// largest relative error over all a is least (3.4e-8; the rest is rounding). The tail is computed, not subtracted
    /// from 1, so that it keeps its relative accuracy.
    @inlinable @inline(__always)
    public var gelu: Self {
        let a = magnitudes
        let t = Self(repeating: 1) / Self(repeating: 1).addingProduct(a, Self(repeating: 0.25))
        var p = Self(repeating: 0.019_782_032)
        p = Self(repeating: -0.080_877_407).addingProduct(p, t)
        p = Self(repeating: 0.095_597_242).addingProduct(p, t)
        p = Self(repeating: -0.031_717_655).addingProduct(p, t)
        p = Self(repeating: 0.063_699_17).addingProduct(p, t)
        p = Self(repeating: 0.058_975_136).addingProduct(p, t)
        p = Self(repeating: 0.081_603_11).addingProduct(p, t)
        p = Self(repeating: 0.093_466_355).addingProduct(p, t)
        p = Self(repeating: 0.099_736_433).addingProduct(p, t)
        p = Self(repeating: 0.099_735_566).addingProduct(p, t)
        let tail = p * t * (a * a * Self(repeating: -0.5)).exponential
        return self * (Self(repeating: 1) - tail).replacing(with: tail, where: self .< 0)
    }
}
