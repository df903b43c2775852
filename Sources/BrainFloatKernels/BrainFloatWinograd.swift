import CBrainFloatShim

// The transforms of Winograd's F(2x2, 3x3) for products of brain floats: two by two outputs of a 3x3 convolution from four by four inputs,
// with 16 products instead of 36 (Lavin, Gray, arXiv 1509.09308, section 4.1).
//
// F(4x4, 3x3), which `VectorKernels` has for floats, is no good for brain floats: its transforms add numbers that cancel, and the result's
// error is seven times that of plain sums (1.5 % against 0.22 % of the root mean square; random data, 64 and 256 channels). That of
// F(2x2, 3x3) is 0.3 %: its transforms have no factors but 1 and 1/2.

private typealias Vector = SIMD16<Float>

@inline(__always)
private func load(_ pointer: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
}

/// B^T d.
@inline(__always)
private func transformed(_ d: (Vector, Vector, Vector, Vector)) -> (Vector, Vector, Vector, Vector) {
    (d.0 - d.2, d.1 + d.2, d.2 - d.1, d.1 - d.3)
}

/// A^T m.
@inline(__always)
private func output(_ m: (Vector, Vector, Vector, Vector)) -> (Vector, Vector) {
    (m.0 + m.1 + m.2, m.1 - m.2 - m.3)
}

/// B^T d B of sixteen channels of a tile, row by row.
@inline(__always)
private func transformed(
    _ pixel: UnsafePointer<Float>, _ rowStride: Int, _ pixelStride: Int
) -> (
    (Vector, Vector, Vector, Vector), (Vector, Vector, Vector, Vector), (Vector, Vector, Vector, Vector),
    (Vector, Vector, Vector, Vector)
) {
    @inline(__always)
    func column(_ index: Int) -> (Vector, Vector, Vector, Vector) {
        let top = pixel + index &* pixelStride
        return transformed(
            (load(top), load(top + rowStride), load(top + 2 &* rowStride), load(top + 3 &* rowStride)))
    }
    let (c0, c1, c2, c3) = (column(0), column(1), column(2), column(3))
    return (
        transformed((c0.0, c1.0, c2.0, c3.0)), transformed((c0.1, c1.1, c2.1, c3.1)),
        transformed((c0.2, c1.2, c2.2, c3.2)), transformed((c0.3, c1.3, c2.3, c3.3))
    )
}

/// B^T d B of one tile, all channels: a multiple of 16.
///
/// - Parameters:
///   - tile: the first pixel of four by four, `rowStride` floats from row to row and `channelCount` from pixel to pixel.
///   - result: [16][...][channelCount], `positionStride` numbers from one of the 16 to the next.
public func transformWinogradInput(
    _ tile: UnsafePointer<Float>, rowStride: Int, channelCount: Int, into result: UnsafeMutablePointer<UInt16>,
    positionStride: Int
) {
    var channel = 0
    while channel < channelCount {
        let rows = transformed(tile + channel, rowStride, channelCount)
        @inline(__always)
        func put(_ row: (Vector, Vector, Vector, Vector), _ first: Int) {
            let target = result + (channel &+ first &* positionStride)
            store(row.0, to: target)
            store(row.1, to: target + positionStride)
            store(row.2, to: target + 2 &* positionStride)
            store(row.3, to: target + 3 &* positionStride)
        }
        put(rows.0, 0)
        put(rows.1, 4)
        put(rows.2, 8)
        put(rows.3, 12)
        channel &+= 16
    }
}

@inline(__always)
private func store(_ floats: Vector, to target: UnsafeMutablePointer<UInt16>) {
    UnsafeMutableRawPointer(target).storeBytes(of: cbrainfloat_round_half(floats), as: SIMD16<UInt16>.self)
}

/// A^T m A + bias + residual, and max(., 0) of it if `rectified`, of one tile, all channels: a multiple of 16.
///
/// - Parameters:
///   - products: [16][...][channelCount], `positionStride` floats from one of the 16 to the next.
///   - rows, columns: how many of the two rows and columns are in the image; the others are not written.
///   - residual: what is added, where it lies as the result does; nil for nothing.
///   - result: the tile's first pixel, `rowStride` floats from row to row and `pixelStride` from pixel to pixel.
public func transformWinogradOutput(
    _ products: UnsafePointer<Float>, positionStride: Int, channelCount: Int, bias: UnsafePointer<Float>,
    adding residual: UnsafePointer<Float>?, rectified: Bool, rows: Int, columns: Int,
    into result: UnsafeMutablePointer<Float>, rowStride: Int, pixelStride: Int
) {
    var channel = 0
    while channel < channelCount {
        @inline(__always)
        func column(_ index: Int) -> (Vector, Vector) {
            let top = products + (channel &+ index &* positionStride)
            return output(
                (
                    load(top), load(top + 4 &* positionStride), load(top + 8 &* positionStride),
                    load(top + 12 &* positionStride)
                ))
        }
        let (c0, c1, c2, c3) = (column(0), column(1), column(2), column(3))
        let offset = load(bias + channel)
        @inline(__always)
        func put(_ value: Vector, _ row: Int, _ column: Int) {
            guard row < rows, column < columns else { return }
            let place = channel &+ row &* rowStride &+ column &* pixelStride
            var sum = value + offset
            if let residual { sum += load(residual + place) }
            if rectified { sum.replace(with: 0, where: sum .< 0) }
            UnsafeMutableRawPointer(result + place).storeBytes(of: sum, as: Vector.self)
        }
        let upper = output((c0.0, c1.0, c2.0, c3.0))
        let lower = output((c0.1, c1.1, c2.1, c3.1))
        put(upper.0, 0, 0)
        put(upper.1, 0, 1)
        put(lower.0, 1, 0)
        put(lower.1, 1, 1)
        channel &+= 16
    }
}
