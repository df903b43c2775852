import CBrainFloatShim

// Floats to brain floats, rounded to the nearest, to even ones in the middle. What is smaller than the smallest normal float becomes zero;
// not a number stays one.

private typealias Vector = SIMD16<Float>

@inline(__always)
private func load(_ pointer: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

/// `count` floats that follow each other.
@inline(__always)
private func round(_ source: UnsafePointer<Float>, count: Int, into target: UnsafeMutablePointer<UInt16>) {
    var i = 0
    while i &+ 32 <= count {
        UnsafeMutableRawPointer(target + i).storeBytes(
            of: cbrainfloat_round(load(source + i), load(source + i + 16)), as: SIMD32<UInt16>.self)
        i &+= 32
    }
    while i < count {
        cbrainfloat_round_part(source + i, min(16, count &- i), target + i)
        i &+= 16
    }
}

/// Rows that lie in pieces, one after the other and filled up with zeros to `stride` numbers.
///
/// - Parameter segmentOffsets: of the `segmentCount` pieces of `segmentLength` floats that each row is made of, from its own offset.
public func roundRows(
    _ source: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int>, rowCount: Int,
    segmentOffsets: UnsafePointer<Int>, segmentCount: Int, segmentLength: Int,
    into target: UnsafeMutablePointer<UInt16>, stride: Int
) {
    var row = 0
    while row < rowCount {
        let start = source + rowOffsets[row]
        var next = target + row &* stride
        var segment = 0
        while segment < segmentCount {
            round(start + segmentOffsets[segment], count: segmentLength, into: next)
            next += segmentLength
            segment &+= 1
        }
        let end = target + (row &+ 1) &* stride
        while next < end {
            next.pointee = 0
            next += 1
        }
        row &+= 1
    }
}

/// A matrix whose rows are `sourceStride` floats apart, to one whose rows are `stride` numbers apart. What lies between rows stays.
public func roundMatrix(
    _ source: UnsafePointer<Float>, stride sourceStride: Int, rowCount: Int, columnCount: Int,
    into target: UnsafeMutablePointer<UInt16>, stride: Int
) {
    var row = 0
    while row < rowCount {
        round(source + row &* sourceStride, count: columnCount, into: target + row &* stride)
        row &+= 1
    }
}

/// Two rows of a panel: sixteen pairs of what is in `first` and `second`, at most `count` of them, the others zeros. `second` nil is a row
/// of zeros.
@inline(__always)
private func interleave(
    _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>?, count: Int,
    into target: UnsafeMutablePointer<UInt32>
) {
    let low = cbrainfloat_round_first(first, min(16, count))
    let high = second.map { cbrainfloat_round_first($0, min(16, count)) } ?? SIMD16()
    UnsafeMutableRawPointer(target).storeBytes(of: cbrainfloat_interleave(low, high), as: SIMD16<UInt32>.self)
}

/// A matrix [rows, columns], its row r at `rowOffsets[r]`, in panels of 16 columns: [columns / 16][rows / 2][16][2], filled up with zeros.
public func packRows(
    _ source: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int>, rowCount: Int, columnCount: Int,
    into panels: UnsafeMutablePointer<UInt16>
) {
    let pairCount = (rowCount &+ 1) / 2
    var column = 0
    while column < columnCount {
        var target = UnsafeMutableRawPointer(panels + column &* 2 &* pairCount).assumingMemoryBound(to: UInt32.self)
        let count = min(16, columnCount &- column)
        var row = 0
        while row < rowCount {
            interleave(
                source + rowOffsets[row] + column,
                row &+ 1 < rowCount ? source + rowOffsets[row &+ 1] + column : nil, count: count, into: target)
            target += 16
            row &+= 2
        }
        column &+= 16
    }
}

/// A row of `length` floats times `factor` as a column of a panel: pair k at 16 * k of `column`.
public func packColumn(
    _ source: UnsafePointer<Float>, length: Int, factor: Float, into column: UnsafeMutablePointer<UInt32>
) {
    var pair = 0
    var left = length
    var next = source
    while left > 0 {
        var floats = Vector()
        if left >= 16 {
            floats = load(next)
        } else {
            for lane in 0..<left { floats[lane] = next[lane] }
        }
        let numbers = unsafeBitCast(cbrainfloat_round_half(floats * factor), to: SIMD8<UInt32>.self)
        let count = min(8, (left &+ 1) / 2)
        for lane in 0..<count { column[(pair &+ lane) &* 16] = numbers[lane] }
        pair &+= 8
        next += 16
        left &-= 16
    }
}

/// Whether the processor adds the products of a pair one after the other, the second first, each rounded once, as Intel documents the
/// instruction: 2^24 + 1 * 1 + 1 * 1 is 2^24 then, and 2^24 + 2 if they are added to each other first; and 1 + 2^-24 - 1, in this
/// order, is 0 and not 2^-24.
public func addsPairsInOrder() -> Bool {
    func sum(_ start: Float, _ second: Float, _ first: Float) -> Float {
        let pair = UInt32(second.bitPattern & 0xffff_0000) | UInt32(first.bitPattern >> 16)
        let ones: UInt32 = 0x3f80_3f80
        return cbrainfloat_add_products(
            Vector(repeating: start), SIMD16(repeating: pair), SIMD16(repeating: ones))[0]
    }
    let tiny = Float(sign: .plus, exponent: -24, significand: 1)
    return sum(0x1p24, 1, 1) == 0x1p24 && sum(1, tiny, -1) == 0 && sum(1, -1, tiny) == tiny
}
