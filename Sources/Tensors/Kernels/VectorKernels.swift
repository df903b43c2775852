// Element-wise loops over contiguous floats: eight at a time, then the rest one by one. Vectors and the rest do the same
// arithmetic, so a result does not depend on where in the array an element is.

extension SIMD8<Float> {
    /// max(x, 0); NaN stays NaN, so that a broken input shows instead of turning into zeros.
    @inline(__always)
    var rectified: Self { replacing(with: 0, where: self .< 0) }
}

@inline(__always)
func load(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
}

@inline(__always)
func load(_ pointer: UnsafeMutablePointer<Float>) -> SIMD8<Float> { load(UnsafePointer(pointer)) }

@inline(__always)
func store(_ vector: SIMD8<Float>, to pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: SIMD8<Float>.self)
}

/// x[i] = activation(x[i] + y[i]).
func add(
    _ y: UnsafePointer<Float>, to x: UnsafeMutablePointer<Float>, count: Int, activation: ActivationFunction
) {
    add(y, to: x, count: count, rectified: activation == .relu)
    if activation == .gelu { applyGELU(to: x, rowCount: 1, columnCount: count, stride: count) }
}

/// y[i] = xFactor * x[i] + yFactor * y[i]; with `yFactor` 0, y is not read.
func combine(
    _ x: UnsafePointer<Float>, factor xFactor: Float, with y: UnsafeMutablePointer<Float>, factor yFactor: Float,
    count: Int
) {
    let (xFactors, yFactors) = (SIMD8(repeating: xFactor), SIMD8(repeating: yFactor))
    let isReplaced = yFactor == 0
    var i = 0
    while i &+ 8 <= count {
        let product = load(x + i) * xFactors
        store(isReplaced ? product : (load(y + i) * yFactors).addingProduct(load(x + i), xFactors), to: y + i)
        i &+= 8
    }
    while i < count {
        y[i] = isReplaced ? x[i] * xFactor : (y[i] * yFactor).addingProduct(x[i], xFactor)
        i &+= 1
    }
}
