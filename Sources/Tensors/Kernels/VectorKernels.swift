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
    while i + 8 <= count {
        store(activation(load(x + i) + load(y + i)), to: x + i)
        i += 8
    }
    while i < count {
        x[i] = activation(SIMD8(repeating: x[i] + y[i]))[0]
        i += 1
    }
}

/// x[i] = max(x[i], y[i]); NaN in either wins.
@inline(__always)
func takeMaximum(_ y: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, count: Int) {
    var i = 0
    while i + 8 <= count {
        let old = load(x + i)
        let new = load(y + i)
        store(old.replacing(with: new, where: (new .> old) .| (new .!= new)), to: x + i)
        i += 8
    }
    while i < count {
        if y[i] > x[i] || y[i].isNaN { x[i] = y[i] }
        i += 1
    }
}
