import MessagePassing
import Testing

/// The exact sum of `leaves`, taken in the given order.
private func exactSum(_ leaves: [[Float]], order: [Int]? = nil) throws -> [Float] {
    let count = leaves[0].count
    let bits = leaves.map { ExactSum.largestMagnitudeBits($0, 0..<count) }.max()!
    let sum = try ExactSum(largestMagnitudeBits: bits, leafCount: leaves.count)
    var integers = [Int64](repeating: 0, count: count)
    for index in order ?? Array(leaves.indices) {
        leaves[index].withUnsafeBufferPointer { leaf in
            integers.withUnsafeMutableBufferPointer { sum.add(leaf, 0..<count, to: $0) }
        }
    }
    var result = [Float](repeating: 0, count: count)
    integers.withUnsafeBufferPointer { integers in
        result.withUnsafeMutableBufferPointer { sum.floats(integers, 0..<count, into: $0) }
    }
    return result
}

@Suite struct ExactSumTests {
    /// Leaves of very different magnitudes, for which float sums depend on the order.
    private let leaves: [[Float]] = (0..<12).map { leaf in
        (0..<1001).map { index in
            let x = Float((leaf * 7919 + index * 104_729) % 2003 - 1001)
            return x * Float(sign: .plus, exponent: -(leaf * 3 + index % 11), significand: 1)
        }
    }

    @Test func theOrderOfTheLeavesDoesNotMatter() throws {
        let reference = try exactSum(leaves)
        for shift in 1..<12 {
            let order = (0..<12).map { ($0 * 5 + shift) % 12 }
            #expect(try exactSum(leaves, order: order) == reference)
        }
    }

    @Test func theErrorIsThatOfOneRounding() throws {
        let sums = try exactSum(leaves)
        for index in sums.indices {
            let exact = leaves.reduce(0.0) { $0 + Double($1[index]) }
            let magnitude = leaves.map { abs(Double($0[index])) }.max()!
            #expect(abs(Double(sums[index]) - exact) <= abs(exact) * 0x1p-24 + magnitude * 0x1p-40)
        }
    }

    @Test func aSumOfTheLargestFloatsDoesNotOverflowTheIntegers() throws {
        let leaf = [Float](repeating: .greatestFiniteMagnitude, count: 3)
        #expect(try exactSum([leaf, leaf.map { -$0 }, leaf]) == leaf)
        let half = leaf.map { $0 / 4096 }
        let sum = try exactSum(Array(repeating: half, count: ExactSum.maximumLeafCount))
        #expect(sum == leaf)
    }

    @Test func subnormalAndZeroLeavesAreExact() throws {
        let tiny = Float.leastNonzeroMagnitude
        #expect(try exactSum([[tiny, 0, -tiny], [tiny, 0, -tiny]]) == [2 * tiny, 0, -2 * tiny])
        #expect(try exactSum([[0, 0], [0, 0]]) == [0, 0])
    }

    @Test(arguments: [Float.nan, -Float.nan, Float.infinity, -Float.infinity])
    func aBadElementIsReportedWhereverItStands(bad: Float) {
        for position in [0, 7, 8, 16] {
            var leaf = [Float](repeating: 1, count: 17)
            leaf[position] = bad
            #expect(throws: ExactSumError.notFinite) { try exactSum([leaf]) }
        }
    }

    @Test func everyElementIsRoundedToTheNearestIntegerTiesToEven() throws {
        // A scale of 1.
        let sum = try ExactSum(largestMagnitudeBits: (0x1p60 as Float).bitPattern, leafCount: 2)
        #expect(sum.scaleExponent == 0)
        var values: [Float] = [0, 0.5, -0.5, 1.5, -1.5, 2.5, 0x1p60, -0x1p60, 0x1p31, 0x1p32, 0x1.8p31, 0x1.000002p31]
        for exponent in 0...60 {
            for mantissa in 0..<64 {
                let value = Float(sign: .plus, exponent: exponent, significand: 1 + Float(mantissa) * 0x1p-23)
                values += [value, -value, value / 2, value.nextDown, Float(mantissa) * 0.25]
            }
        }
        var integers = [Int64](repeating: 0, count: values.count)
        values.withUnsafeBufferPointer { values in
            integers.withUnsafeMutableBufferPointer { sum.add(values, 0..<values.count, to: $0) }
        }
        for (value, integer) in zip(values, integers) {
            #expect(integer == Int64(Double(value).rounded(.toNearestOrEven)), "\(value)")
        }
    }

    @Test func integersBecomeTheNearestDoubleAndThenFloat() throws {
        let sum = try ExactSum(largestMagnitudeBits: (0x1p60 as Float).bitPattern, leafCount: 2)
        var integers: [Int64] = [0, 1, -1, 1 << 62, -1 << 62, 1 << 32, -1 << 32, (1 << 32) - 1, (1 << 53) + 1]
        for exponent in 0..<62 { integers += [(1 << exponent) + 12345, -(1 << exponent) - 3, (3 << exponent) >> 1] }
        var floats = [Float](repeating: 0, count: integers.count)
        integers.withUnsafeBufferPointer { integers in
            floats.withUnsafeMutableBufferPointer { sum.floats(integers, 0..<integers.count, into: $0) }
        }
        #expect(floats == integers.map { Float(Double($0)) })
    }

    @Test func aSingleProcessIsItsOwnSum() {
        let process = SingleProcess()
        var sums: [Int64] = [1, -2, 3]
        var maxima: [UInt32] = [4, 5]
        process.sum(&sums)
        process.maximum(&maxima)
        #expect(sums == [1, -2, 3] && maxima == [4, 5])
        #expect(process.rank == 0 && process.size == 1)
    }
}
