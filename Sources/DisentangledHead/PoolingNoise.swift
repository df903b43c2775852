import CounterRandom

/// The noise of the Gumbel poolings: a pure function of (seed, step, sample, branch, channel, pixel).
///
/// One Philox block serves two pixels and both branches: its counter is (channel, sample, pixel / 2 with the purpose in
/// the top byte, step), its words are (positive, negative) for the even and then for the odd pixel. Its key is the seed.
package struct PoolingNoise: Sendable {
    package let seed: UInt64
    package let step: Int

    package init(seed: UInt64, step: Int) {
        self.seed = seed
        self.step = step
    }

    /// The words of eight consecutive channels: positive and negative branch of pixel 2 * `pixelPair`, then of the next.
    @inline(__always)
    package func words(sampleID: Int, firstChannel: Int, pixelPair: Int) -> (
        SIMD8<UInt32>, SIMD8<UInt32>, SIMD8<UInt32>, SIMD8<UInt32>
    ) {
        // Philox::block for eight counters at once. Words live in the low halves of 64-bit lanes, where the processor
        // has a widening multiplication.
        typealias Wide = SIMD8<UInt64>
        let low = Wide(repeating: 0xFFFF_FFFF)
        let half = Wide(repeating: 32)
        var c0 = Wide(repeating: UInt64(UInt32(truncatingIfNeeded: firstChannel))) &+ Wide(0, 1, 2, 3, 4, 5, 6, 7)
        var c1 = Wide(repeating: UInt64(UInt32(truncatingIfNeeded: sampleID)))
        var c2 = Wide(
            repeating: UInt64(
                UInt32(truncatingIfNeeded: pixelPair) & 0xFF_FFFF
                    | RandomStream.Purpose.poolingNoise.rawValue << 24))
        var c3 = Wide(repeating: UInt64(UInt32(truncatingIfNeeded: step)))
        var key0 = UInt32(truncatingIfNeeded: seed)
        var key1 = UInt32(truncatingIfNeeded: seed >> 32)
        for _ in 0..<10 {
            let product0 = (c0 & low) &* Wide(repeating: 0xD251_1F53)
            let product1 = (c2 & low) &* Wide(repeating: 0xCD9E_8D57)
            c0 = (product1 &>> half) ^ c1 ^ Wide(repeating: UInt64(key0))
            c1 = product1 & low
            c2 = (product0 &>> half) ^ c3 ^ Wide(repeating: UInt64(key1))
            c3 = product0 & low
            key0 &+= 0x9E37_79B9
            key1 &+= 0xBB67_AE85
        }
        return (
            SIMD8<UInt32>(truncatingIfNeeded: c0), SIMD8<UInt32>(truncatingIfNeeded: c1),
            SIMD8<UInt32>(truncatingIfNeeded: c2), SIMD8<UInt32>(truncatingIfNeeded: c3)
        )
    }
}
