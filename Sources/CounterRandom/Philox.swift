/// The counter-based generator Philox4x32-10: ten rounds that turn a 128-bit counter and a 64-bit key into 128 random
/// bits, with no state in between.
///
/// A draw is a pure function of what it is for (seed, step, sample, channel, ...), so it depends on neither the order of
/// evaluation nor the number of threads or ranks.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3.
public enum Philox {
    /// The 128 bits at one counter, as four words.
    @inlinable
    public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var counter = counter
        var key = key
        for _ in 0..<10 {
            let product0 = UInt64(counter.x) &* 0xD251_1F53
            let product1 = UInt64(counter.z) &* 0xCD9E_8D57
            counter = SIMD4(
                UInt32(truncatingIfNeeded: product1 >> 32) ^ counter.y ^ key.x,
                UInt32(truncatingIfNeeded: product1),
                UInt32(truncatingIfNeeded: product0 >> 32) ^ counter.w ^ key.y,
                UInt32(truncatingIfNeeded: product0))
            key = key &+ SIMD2(0x9E37_79B9, 0xBB67_AE85)
        }
        return counter
    }
}
