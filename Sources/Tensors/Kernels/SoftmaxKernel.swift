/// Turns a row of scores into weights: x[i] = e^(y[i] - max(y)), y = factor * x + bias + mask.
///
/// The weights are not yet divided by their sum: that is cheaper done to the shorter row that they are going to weigh.
/// - Parameters:
///   - x: room for `paddedCount` floats, a multiple of 8; those from `count` on are ignored and overwritten.
///   - bias, mask: `paddedCount` readable floats, or nil.
/// - Returns: the sum of the weights, not a number if any score is.
func exponentiateScores(
    _ x: UnsafeMutablePointer<Float>, factor: Float, bias: UnsafePointer<Float>?, mask: UnsafePointer<Float>?,
    count: Int, paddedCount: Int
) -> Float {
    (x + count).update(repeating: -.infinity, count: paddedCount &- count)
    let factors = SIMD8<Float>(repeating: factor)
    var greatest = SIMD8<Float>(repeating: -.infinity)
    var i = 0
    while i < paddedCount {
        var y = load(x + i) * factors
        if let bias { y += load(bias + i) }
        if let mask { y += load(mask + i) }
        store(y, to: x + i)
        greatest.replace(with: y, where: y .> greatest)
        i &+= 8
    }
    let shift = SIMD8<Float>(repeating: greatest.max())
    var sum = SIMD8<Float>()
    i = 0
    while i < paddedCount {
        let weight = (load(x + i) - shift).exponential
        store(weight, to: x + i)
        sum += weight
        i &+= 8
    }
    return sum.sum()
}

/// 1 / the Euclidean length of x, lengths below 1e-12 counting as that.
func inverseLength(_ x: UnsafePointer<Float>, count: Int) -> Float {
    var squares = SIMD8<Float>()
    var i = 0
    while i &+ 8 <= count {
        squares.addProduct(load(x + i), load(x + i))
        i &+= 8
    }
    var rest: Float = 0
    while i < count {
        rest.addProduct(x[i], x[i])
        i &+= 1
    }
    let length = (squares.sum() + rest).squareRoot()
    return 1 / (length < 1e-12 ? 1e-12 : length)
}
