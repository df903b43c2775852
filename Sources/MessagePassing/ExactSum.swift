/// Adds single-precision arrays exactly, so that neither the order nor the grouping of the summands can change a bit.
///
/// The summands ("leaves", one per logical shard) are rounded to integers under a common power-of-two scale and added as
/// 64-bit integers. With M the largest magnitude in any leaf, 2^e <= M < 2^(e+1), and at most 2^b leaves, the scale is
/// 2^(62 - b - (e+1)): a scaled element is below 2^(62-b), the sum of 2^b of them below 2^62, and so no sum can overflow.
/// Rounding is per leaf, never of a partial sum. An element keeps at least 62 - b bits below M, more than the 24 of its
/// own significand for all elements above M * 2^(b-38), and the error of the sum is below one rounding of Float.
///
///     var bits = leaves.map(ExactSum.largestMagnitudeBits).max() ?? 0        // then a maximum over the ranks
///     let sum = try ExactSum(largestMagnitudeBits: bits, leafCount: leafCount)
///     for leaf in leaves { sum.add(leaf, range, to: &integers) }              // then a sum over the ranks
///     sum.floats(integers, range, into: &result)
public struct ExactSum: Equatable, Sendable {
    /// The largest number of leaves.
    public static let maximumLeafCount = 1 << 12

    /// Exponent of the power of two by which leaves are multiplied.
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
            var lanes = SIMD8<UInt32>.zero
            var index = range.lowerBound
            while index + 8 <= range.upperBound {
                var word = SIMD8<UInt32>()
                for lane in 0..<8 { word[lane] = leaf[index + lane].bitPattern & 0x7FFF_FFFF }
                lanes = pointwiseMax(lanes, word)
                index += 8
            }
            return max(lanes.max(), largestMagnitudeBits(leaf[index..<range.upperBound]))
        }
    }

    /// Adds `range` of `leaf`, scaled and rounded, to the same range of `integers`.
    public func add(
        _ leaf: UnsafeBufferPointer<Float>, _ range: Range<Int>, to integers: UnsafeMutableBufferPointer<Int64>
    ) {
        // Two factors, because 2^scaleExponent alone can exceed Double's range for leaves of subnormal numbers.
        let (first, second) = factors
        for index in range {
            integers[index] += Int64((Double(leaf[index]) * first * second).rounded(.toNearestOrEven))
        }
    }

    /// The floats nearest to `range` of the integer sum.
    public func floats(
        _ integers: UnsafeBufferPointer<Int64>, _ range: Range<Int>, into result: UnsafeMutableBufferPointer<Float>
    ) {
        let (first, second) = factors
        for index in range {
            result[index] = Float(Double(integers[index]) / first / second)
        }
    }

    /// Two powers of two whose product is 2^scaleExponent.
    private var factors: (Double, Double) {
        let half = scaleExponent / 2
        return (
            Double(sign: .plus, exponent: half, significand: 1),
            Double(sign: .plus, exponent: scaleExponent - half, significand: 1)
        )
    }
}

public enum ExactSumError: Error, Equatable, CustomStringConvertible {
    case notFinite

    public var description: String { "A summand holds a NaN or an infinity, so there is no exact sum." }
}
