// Element-wise loops over contiguous floats: eight at a time, then the rest one by one. Vectors and the rest do the same
// arithmetic, so a result does not depend on where in the array an element is.

extension SIMD8<Float> {
    /// max(x, 0); NaN stays NaN, so that a broken input shows instead of turning into zeros.
    @inline(__always)
    var rectified: Self { replacing(with: 0, where: self .< 0) }
}

extension Float {
    @inline(__always)
    var rectified: Float { self < 0 ? 0 : self }
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

extension ActivationFunction {
    @inline(__always)
    func callAsFunction(_ x: SIMD8<Float>) -> SIMD8<Float> {
        switch self {
        case .identity: x
        case .relu: x.rectified
        case .gelu: x.gelu
        }
    }
}

/// x[i] = activation(x[i] + y[i]).
func add(
    _ y: UnsafePointer<Float>, to x: UnsafeMutablePointer<Float>, count: Int, activation: ActivationFunction
) {
    var i = 0
    while i &+ 8 <= count {
        store(activation(load(x + i) + load(y + i)), to: x + i)
        i &+= 8
    }
    while i < count {
        x[i] = activation(SIMD8(repeating: x[i] + y[i]))[0]
        i &+= 1
    }
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

/// x[i] = max(x[i], y[i]); NaN in either wins.
@inline(__always)
func takeMaximum(_ y: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, count: Int) {
    var i = 0
    while i &+ 8 <= count {
        let old = load(x + i)
        let new = load(y + i)
        store(old.replacing(with: new, where: (new .> old) .| (new .!= new)), to: x + i)
        i &+= 8
    }
    while i < count {
        if y[i] > x[i] || y[i].isNaN { x[i] = y[i] }
        i &+= 1
    }
}

/// y[i] = max(scale[i] * x[i] + shift[i], 0).
func rectifiedAffine(
    _ x: UnsafePointer<Float>, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, count: Int
) {
    var i = 0
    while i &+ 8 <= count {
        store(load(shift + i).addingProduct(load(x + i), load(scale + i)).rectified, to: y + i)
        i &+= 8
    }
    while i < count {
        y[i] = shift[i].addingProduct(x[i], scale[i]).rectified
        i &+= 1
    }
}

/// y[i] = the mean of max(scale[i] * p[i] + shift[i], 0) over the four pixels p at x, `right` and `below` floats from it,
/// and at both.
func averageOfRectified(
    _ x: UnsafePointer<Float>, right: Int, below: Int, scale: UnsafePointer<Float>, shift: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>, count: Int
) {
    let (x1, x2, x3) = (x + right, x + below, x + right + below)
    var i = 0
    while i &+ 8 <= count {
        let (a, b) = (load(scale + i), load(shift + i))
        let upper = b.addingProduct(load(x + i), a).rectified + b.addingProduct(load(x1 + i), a).rectified
        let lower = b.addingProduct(load(x2 + i), a).rectified + b.addingProduct(load(x3 + i), a).rectified
        store((upper + lower) * 0.25, to: y + i)
        i &+= 8
    }
    while i < count {
        let (a, b) = (scale[i], shift[i])
        let upper = b.addingProduct(x[i], a).rectified + b.addingProduct(x1[i], a).rectified
        let lower = b.addingProduct(x2[i], a).rectified + b.addingProduct(x3[i], a).rectified
        y[i] = (upper + lower) * 0.25
        i &+= 1
    }
}
