/// Layer normalisation of rows of `count` floats, one after the other; y may be x. Three passes over a row that stays in the first cache:
/// mean, variance about the mean (not the mean of squares, which cancels), result.
@inlinable @inline(__always)
public func normaliseRows(
    _ x: UnsafePointer<Float>, rowCount: Int, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>,
    epsilon: Float, count: Int, into y: UnsafeMutablePointer<Float>
) {
    for row in 0..<rowCount {
        let (x, y) = (x + row &* count, y + row &* count)
        let mean = sum(of: x, count: count, about: 0, power: 1) / Float(count)
        let variance = sum(of: x, count: count, about: mean, power: 2) / Float(count)
        let scale = 1 / (variance + epsilon).squareRoot()
        let (means, scales) = (Vector(repeating: mean), Vector(repeating: scale))
        var i = 0
        while i &+ 16 <= count {
            store(load(bias + i).addingProduct((load(x + i) - means) * scales, load(weight + i)), to: y + i)
            i &+= 16
        }
        while i < count {
            y[i] = bias[i].addingProduct((x[i] - mean) * scale, weight[i])
            i &+= 1
        }
    }
}

/// The sum of x - centre, or of its square.
///
/// Four partial sums of eight lanes each, and what is left over: additions do not wait for each other, and rounding errors grow 32 times
/// more slowly than in a single chain.
@inlinable @inline(__always)
func sum(of x: UnsafePointer<Float>, count: Int, about centre: Float, power: Int) -> Float {
    let centres = Vector(repeating: centre)
    var (s, t) = (Vector(), Vector())
    var i = 0
    while i &+ 32 <= count {
        if power == 1 {
            s += load(x + i)
            t += load(x + i + 16)
        } else {
            let (d, e) = (load(x + i) - centres, load(x + i + 16) - centres)
            s.addProduct(d, d)
            t.addProduct(e, e)
        }
        i &+= 32
    }
    let (first, s1) = s.halves
    var s0 = first
    let (s2, s3) = t.halves
    while i &+ 8 <= count {
        let eight = UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Float>.self)
        if power == 1 {
            s0 += eight
        } else {
            let d = eight - SIMD8(repeating: centre)
            s0.addProduct(d, d)
        }
        i &+= 8
    }
    var rest: Float = 0
    while i < count {
        if power == 1 {
            rest += x[i]
        } else {
            rest.addProduct(x[i] - centre, x[i] - centre)
        }
        i &+= 1
    }
    let lanes = (s0 + s1) + (s2 + s3)
    return ((((((lanes[0] + lanes[1]) + lanes[2]) + lanes[3]) + lanes[4]) + lanes[5]) + lanes[6]) + lanes[7] + rest
}
