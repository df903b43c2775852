/// Sixteen floats: one register of AVX-512, two of AVX2.
public typealias Vector = SIMD16<Float>

@inlinable @inline(__always)
public func load(_ pointer: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

@inlinable @inline(__always)
public func load(_ pointer: UnsafeMutablePointer<Float>) -> Vector { load(UnsafePointer(pointer)) }

@inlinable @inline(__always)
public func store(_ vector: Vector, to pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
}

/// The first `count` lanes from memory, the others zero.
@inlinable @inline(__always)
public func load(_ pointer: UnsafePointer<Float>, count: Int) -> Vector {
    var vector = Vector()
    var lane = 0
    while lane < count {
        vector[lane] = pointer[lane]
        lane &+= 1
    }
    return vector
}

/// The first `count` lanes to memory.
@inlinable @inline(__always)
public func store(_ vector: Vector, to pointer: UnsafeMutablePointer<Float>, count: Int) {
    var lane = 0
    while lane < count {
        pointer[lane] = vector[lane]
        lane &+= 1
    }
}

extension SIMD16<Float> {
    /// max(x, 0); NaN stays NaN, so that a broken input shows instead of turning into zeros.
    @inlinable @inline(__always)
    public var rectified: Self { replacing(with: 0, where: self .< 0) }

    /// |x|.
    @inlinable @inline(__always)
    public var magnitudes: Self {
        let bits = unsafeBitCast(self, to: SIMD16<UInt32>.self)
        return unsafeBitCast(bits & SIMD16<UInt32>(repeating: 0x7fff_ffff), to: Self.self)
    }

    /// Lanes 0 to 7 and 8 to 15.
    @inlinable @inline(__always)
    public var halves: (SIMD8<Float>, SIMD8<Float>) { unsafeBitCast(self, to: (SIMD8<Float>, SIMD8<Float>).self) }

    /// self - factor * other, rounded once.
    @inlinable @inline(__always)
    public func subtractingProduct(_ factor: Self, _ other: Self) -> Self { addingProduct(-factor, other) }
}

extension Float {
    /// max(x, 0); NaN stays NaN.
    @inlinable @inline(__always)
    public var rectified: Float { self < 0 ? 0 : self }
}
