/// Turns a row of scores into weights: x[i] = e^(y[i] - max(y)), y = factor * x + bias + mask.
///
/// The weights are not yet divided by their sum: that is cheaper done to the shorter row that they are going to weigh.
/// - Parameters:
///   - x: room for `paddedCount` floats, a multiple of 16; those from `count` on are ignored and become zeros.
///   - bias, mask: `paddedCount` readable floats, or nil.
/// - Returns: eight partial sums of the weights, not numbers if a score is none.
@inlinable @inline(__always)
public func exponentiateScores(
    _ x: UnsafeMutablePointer<Float>, factor: Float, bias: UnsafePointer<Float>?, mask: UnsafePointer<Float>?,
    count: Int, paddedCount: Int
) -> SIMD8<Float> {
    var i = count
    while i < paddedCount {
        x[i] = -.infinity
        i &+= 1
    }
    let factors = Vector(repeating: factor)
    var greatest = Vector(repeating: -.infinity)
    i = 0
    while i < paddedCount {
        var y = load(x + i) * factors
        if let bias { y += load(bias + i) }
        if let mask { y += load(mask + i) }
        store(y, to: x + i)
        greatest.replace(with: y, where: y .> greatest)
        i &+= 16
    }
    let shift = Vector(repeating: greatest.greatestLane)
    var sum = SIMD8<Float>()
    i = 0
    while i < paddedCount {
        let weight = (load(x + i) - shift).exponential
        store(weight, to: x + i)
        let (low, high) = weight.halves
        sum += low
        sum += high
        i &+= 16
    }
    return sum
}

extension SIMD16<Float> {
    /// The largest lane of numbers. (The standard library's `max` is not always inlined, and then it is shared by modules that are
    /// compiled for different processors.)
    @inlinable @inline(__always)
    var greatestLane: Float {
        let (low, high) = halves
        let eight = low.replacing(with: high, where: high .> low)
        let (four, others) = unsafeBitCast(eight, to: (SIMD4<Float>, SIMD4<Float>).self)
        let greatest = four.replacing(with: others, where: others .> four)
        let (x, y) = (
            greatest[0] > greatest[1] ? greatest[0] : greatest[1], greatest[2] > greatest[3] ? greatest[2] : greatest[3]
        )
        return x > y ? x : y
    }
}
