import ElementaryFunctions

/// A sequence of random words named by a seed and up to two numbers that say what it is for.
///
/// Streams with different names are independent; the same name always gives the same sequence, on every machine.
///
///     var stream = RandomStream(seed: 7, purpose: .shuffle, epoch, shard)
///     let order = (0..<sampleCount).shuffled(using: &stream)
///
/// (The standard library does not promise that `shuffled(using:)` and `random(in:using:)` stay the same between Swift
/// versions; `shuffled(_:)`, `uniform()` and `below(_:)` of this type do.)
public struct RandomStream: RandomNumberGenerator, Sendable {
    /// What a stream is for. The raw values are part of every recorded result: never renumber them.
    public enum Purpose: UInt32, Sendable {
        case shuffle = 1
        case initialisation = 2
        case poolingNoise = 3
        case partDataset = 4
        case split = 5
        case augmentation = 6
        case test = 7
        case attribution = 8
    }

    private let key: SIMD2<UInt32>
    private var counter: SIMD4<UInt32>
    private var block = SIMD4<UInt32>.zero
    private var wordsLeft = 0

    /// The stream of `purpose` for the pair (`first`, `second`), which are reduced to 32 and 24 bits.
    public init(seed: UInt64, purpose: Purpose, _ first: Int = 0, _ second: Int = 0) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        counter = SIMD4(
            0, UInt32(truncatingIfNeeded: first),
            UInt32(truncatingIfNeeded: second) & 0xFF_FFFF | purpose.rawValue << 24,
            0x5EED)
    }

    public mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return low | UInt64(nextWord()) << 32
    }

    /// The next 32 bits.
    public mutating func nextWord() -> UInt32 {
        if wordsLeft == 0 {
            block = Philox.block(counter: counter, key: key)
            counter.x &+= 1
            wordsLeft = 4
        }
        wordsLeft -= 1
        return block[3 - wordsLeft]
    }

    /// A number in [0, 1), a multiple of 2^-53.
    public mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A number in [`range.lowerBound`, `range.upperBound`].
    public mutating func uniform(in range: ClosedRange<Double>) -> Double {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// A number from the normal distribution with mean 0 and variance 1 (Box and Muller's transform).
    public mutating func normal() -> Double {
        let radius = (-2 * logarithm(1 - uniform())).squareRoot()
        return radius * cosine(2 * Double.pi * uniform())
    }

    /// An integer in 0..<`bound`, without bias (Lemire's multiply-and-reject).
    public mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "an integer below \(bound) does not exist")
        let bound = UInt64(bound)
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
        }
        return Int(product.high)
    }

    /// The elements in random order (Fisher and Yates).
    public mutating func shuffled<Element>(_ elements: some Collection<Element>) -> [Element] {
        var result = Array(elements)
        guard result.count > 1 else { return result }
        for last in stride(from: result.count - 1, to: 0, by: -1) { result.swapAt(last, below(last + 1)) }
        return result
    }
}
