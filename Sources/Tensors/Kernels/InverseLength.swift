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
