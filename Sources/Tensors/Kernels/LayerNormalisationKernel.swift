/// One row of a layer normalisation. Three passes over a row that stays in the L1 cache: mean, variance about the mean
/// (not the mean of squares, which cancels), result.
@inline(__always)
func normaliseRow(
    _ x: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ bias: UnsafePointer<Float>, _ epsilon: Float,
    count: Int, into y: UnsafeMutablePointer<Float>
) {
    let mean = sum(x, count: count) / Float(count)
    let variance = squaredDistance(x, from: mean, count: count) / Float(count)
    let scale = 1 / (variance + epsilon).squareRoot()
    let means = SIMD8<Float>(repeating: mean)
    let scales = SIMD8<Float>(repeating: scale)
    var i = 0
    while i &+ 8 <= count {
        store(load(bias + i).addingProduct((load(x + i) - means) * scales, load(weight + i)), to: y + i)
        i &+= 8
    }
    while i < count {
        y[i] = bias[i].addingProduct((x[i] - mean) * scale, weight[i])
        i &+= 1
    }
}

// Four partial sums of eight lanes each: additions do not wait for each other, and rounding errors grow 32 times more
// slowly than in a single chain.

/// The sum of x.
@inline(__always)
private func sum(_ x: UnsafePointer<Float>, count: Int) -> Float {
    var (s0, s1, s2, s3) = (SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>())
    var i = 0
    while i &+ 32 <= count {
        s0 += load(x + i)
        s1 += load(x + i + 8)
        s2 += load(x + i + 16)
        s3 += load(x + i + 24)
        i &+= 32
    }
    while i &+ 8 <= count {
        s0 += load(x + i)
        i &+= 8
    }
    var rest: Float = 0
    while i < count {
        rest += x[i]
        i &+= 1
    }
    return ((s0 + s1) + (s2 + s3)).sum() + rest
}

/// The sum of (x - centre)^2.
@inline(__always)
private func squaredDistance(_ x: UnsafePointer<Float>, from centre: Float, count: Int) -> Float {
    let centres = SIMD8<Float>(repeating: centre)
    var (s0, s1, s2, s3) = (SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>())
    var i = 0
    while i &+ 32 <= count {
        let (d0, d1) = (load(x + i) - centres, load(x + i + 8) - centres)
        let (d2, d3) = (load(x + i + 16) - centres, load(x + i + 24) - centres)
        s0.addProduct(d0, d0)
        s1.addProduct(d1, d1)
        s2.addProduct(d2, d2)
        s3.addProduct(d3, d3)
        i &+= 32
    }
    while i &+ 8 <= count {
        let d = load(x + i) - centres
        s0.addProduct(d, d)
        i &+= 8
    }
    var rest: Float = 0
    while i < count {
        rest.addProduct(x[i] - centre, x[i] - centre)
        i &+= 1
    }
    return ((s0 + s1) + (s2 + s3)).sum() + rest
}
