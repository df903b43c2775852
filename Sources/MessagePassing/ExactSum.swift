/// Adds single-precision arrays exactly, so that neither the order nor the grouping of the summands can change a bit.
///
/// The summands ("leaves", one per logical shard) are rounded to integers under a common power-of-two scale and added as
/// 64-bit integers. With M the largest magnitude in any leaf, 2^e <= M < 2^(e+1), and at most 2^b leaves, the scale is
/// 2^(62 - b - (e+1)). Rounding is per leaf, never of a partial sum.
///
/// No sum can overflow: a scaled element is below 2^(62-b) in magnitude, and so at most 2^(62-b) after rounding; the sum
/// of any of at most 2^b of them is at most 2^62, and Int64 ends at 2^63.
///
/// An element keeps at least 62 - b bits below M, more than the 24 of its own significand for all elements above
/// M * 2^(b-38), and the error of the sum is below one rounding of Float.
///
///     var bits = leaves.map(ExactSum.largestMagnitudeBits).max() ?? 0        // then a maximum over the ranks
///     let sum = try ExactSum(largestMagnitudeBits: bits, leafCount: leafCount)
///     for leaf in leaves { sum.add(leaf, range, to: &integers) }              // then a sum over the ranks
///     sum.floats(integers, range, into: &result)
///
/// `ExactReduction` does all of this over a communicator.
public struct ExactSum: Equatable, Sendable {
    /// The largest number of leaves.
    public static let maximumLeafCount = 1 << 12

    /// Exponent of the power of two by which leaves are multiplied: from -78 to 210, so the power itself and everything
    /// that is multiplied by it are normal numbers of type Double.
    public let scaleExponent: Int

    /// - Parameters:
    ///   - largestMagnitudeBits: the largest `largestMagnitudeBits(_:)` of all leaves on all ranks.
    ///   - leafCount: number of leaves on all ranks together, at most `maximumLeafCount`.
    /// - Throws: `ExactSumError.notFinite` if a leaf holds a NaN or an infinity.
    public init(largestMagnitudeBits: UInt32, leafCount: Int) throws {
        precondition(
            (1...Self.maximumLeafCount).contains(leafCount),
            "\(leafCount) leaves are not from 1 to \(Self.maximumLeafCount)")
        let largest = Float(bitPattern: largestMagnitudeBits)
        guard largest.isFinite else { throw ExactSumError.notFinite }
        // Float.leastNonzeroMagnitude stands in for an all-zero sum; any scale does then.
        let exponent = Int(max(largest, .leastNonzeroMagnitude).exponent)
        let leafBits = Int.bitWidth - (leafCount - 1).leadingZeroBitCount
        scaleExponent = 62 - leafBits - (exponent + 1)
    }

    /// Whether a sum can be beyond the range of Float: 2^b leaves below 2^(e+1) can if b + e + 1 > 127.
    var mayExceedFloat: Bool { 62 - scaleExponent > 127 }

    /// The bits of the largest |x| in `leaf`.
    ///
    /// As integers, the bits of non-negative floats order as the numbers do, with infinity and then NaN above all: a bad
    /// element cannot be lost in a maximum, as it can in one over floats.
    public static func largestMagnitudeBits(_ leaf: some Sequence<Float>) -> UInt32 {
        leaf.reduce(0) { max($0, $1.bitPattern & 0x7FFF_FFFF) }
    }

    /// The bits of the largest |x| among `range` of `leaf`.
    public static func largestMagnitudeBits(_ leaf: [Float], _ range: Range<Int>) -> UInt32 {
        leaf.withUnsafeBufferPointer { leaf in
            var largest: UInt32 = 0
            for index in range { largest = max(largest, leaf[index].bitPattern & 0x7FFF_FFFF) }
            return largest
        }
    }

    /// Adds `range` of `leaf`, scaled and rounded, to the same range of `integers`.
    public func add(
        _ leaf: UnsafeBufferPointer<Float>, _ range: Range<Int>, to integers: UnsafeMutableBufferPointer<Int64>
    ) {
        guard !range.isEmpty else { return }
        precondition(
            range.lowerBound >= 0 && range.upperBound <= min(leaf.count, integers.count), "\(range) is outside")
        let (leaf, integers) = (leaf.baseAddress! + range.lowerBound, integers.baseAddress! + range.lowerBound)
        let scale = power(scaleExponent)
        let highScale = power(scaleExponent - 32)
        for index in 0..<range.count {
            integers[index] &+= Self.rounded(Double(leaf[index]), scale, highScale)
        }
    }

    /// Sets elements 0..<`count` of `integers` to those of `leaf`, scaled and rounded, plus what they hold if `adding`.
    func quantise(
        _ leaf: UnsafePointer<Float>, count: Int, into integers: UnsafeMutablePointer<Int64>, adding: Bool
    ) {
        let scale = power(scaleExponent)
        let highScale = power(scaleExponent - 32)
        if adding {
            for index in 0..<count { integers[index] &+= Self.rounded(Double(leaf[index]), scale, highScale) }
        } else {
            for index in 0..<count { integers[index] = Self.rounded(Double(leaf[index]), scale, highScale) }
        }
    }

    /// The floats nearest to `range` of the integer sum.
    public func floats(
        _ integers: UnsafeBufferPointer<Int64>, _ range: Range<Int>, into result: UnsafeMutableBufferPointer<Float>
    ) {
        guard !range.isEmpty else { return }
        precondition(
            range.lowerBound >= 0 && range.upperBound <= min(integers.count, result.count), "\(range) is outside")
        floats(
            integers.baseAddress! + range.lowerBound, count: range.count, into: result.baseAddress! + range.lowerBound)
    }

    func floats(_ integers: UnsafePointer<Int64>, count: Int, into result: UnsafeMutablePointer<Float>) {
        let inverse = power(-scaleExponent)
        for index in 0..<count { result[index] = Float(Self.double(integers[index]) * inverse) }
    }

    private func power(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }

    // The two conversions between Double and Int64 are written out because AVX2 has no instruction for either (Swift
    // would go element by element). Both rest on a Double of magnitude 2^52 ... 2^53 having its integer value in the low
    // bits of its significand.

    /// The integer nearest to x * scale, ties to even, for |x| * scale <= 2^62 and highScale = scale * 2^-32.
    ///
    /// In two parts, high * 2^32 + low: high is x * scale * 2^-32 rounded, |high| <= 2^30, and low = x * scale - high *
    /// 2^32 is exact, because it is a multiple of the last bit of x * scale and |low| <= 2^31. As high * 2^32 is even, a tie
    /// of low is a tie of the whole, and goes to the same side.
    @inline(__always)
    private static func rounded(_ x: Double, _ scale: Double, _ highScale: Double) -> Int64 {
        // Adding 1.5 * 2^52 rounds to an integer, which then stands, in two's complement, in the low bits.
        let magic = 0x1.8p52
        let magicBits = Int64(bitPattern: magic.bitPattern)
        let shiftedHigh = x * highScale + magic
        let high = shiftedHigh - magic
        let shiftedLow = (x * scale - high * 0x1p32) + magic
        return (Int64(bitPattern: shiftedHigh.bitPattern) &- magicBits) &<< 32
            &+ (Int64(bitPattern: shiftedLow.bitPattern) &- magicBits)
    }

    /// Double(integer): the upper and the lower half are put under the exponents 2^84 and 2^52, and added with one rounding.
    @inline(__always)
    private static func double(_ integer: Int64) -> Double {
        let biased = UInt64(bitPattern: integer) ^ 0x8000_0000_0000_0000
        let high = Double(bitPattern: biased &>> 32 | 0x4530_0000_0000_0000)
        let low = Double(bitPattern: biased & 0xFFFF_FFFF | 0x4330_0000_0000_0000)
        return (high - (0x1p84 + 0x1p63 + 0x1p52)) + low
    }
}

public enum ExactSumError: Error, Equatable, CustomStringConvertible {
    case notFinite

    public var description: String { "A summand holds a NaN or an infinity, so there is no exact sum." }
}
