// The transforms of Winograd's F(4x4, 3x3): four by four outputs of a 3x3 convolution from six by six inputs, with 36 products
// instead of 144 (Lavin, Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308, section 4).
//
//     Y = A^T [ (G g G^T) * (B^T d B) ] A        * element by element, summed over the input channels
//
// The points are 0, +-3/4, +-3/2 and infinity: every constant of the transforms is exact, and the largest error is four to five times
// smaller than with the usual 0, +-1, +-2 (random data, 64 and 256 channels: 1.4e-6 and 2.2e-6 of the largest output against 4.8e-6
// and 1.1e-5).
//
// Channels are contiguous, so sixteen of them go through a transform together. Every output is the same chain of operations wherever
// its tile lies in a batch.

/// F(4, 3) in one dimension, at the points 0, +-a, +-b and infinity (Cook-Toom).
public enum Winograd {
    @inlinable @inline(__always) static var a: Float { 0.75 }
    @inlinable @inline(__always) static var b: Float { 1.5 }

    /// G [6, 3], in double precision: the rows (1, p, p^2) / prod (p - q) over the other points q, and (0, 0, 1).
    public static var weightTransform: [[Double]] {
        let points = [0, a, -a, b, -b].map(Double.init)
        return points.map { point in
            let factor = points.filter { $0 != point }.reduce(1) { $0 * (point - $1) }
            return [1 / factor, point / factor, point * point / factor]
        } + [[0, 0, 1]]
    }

    /// B^T d: the rows are the coefficients of x^0 to x^5 of prod (x - q) over the other points q; for infinity over all.
    @inlinable @inline(__always)
    static func input(
        _ d0: Vector, _ d1: Vector, _ d2: Vector, _ d3: Vector, _ d4: Vector, _ d5: Vector
    ) -> (Vector, Vector, Vector, Vector, Vector, Vector) {
        let (square, otherSquare) = (Vector(repeating: a * a), Vector(repeating: b * b))
        let (product, sum) = (Vector(repeating: a * a * b * b), Vector(repeating: a * a + b * b))
        let even = d4.subtractingProduct(otherSquare, d2)
        let odd = Vector(repeating: a) * d3.subtractingProduct(otherSquare, d1)
        let otherEven = d4.subtractingProduct(square, d2)
        let otherOdd = Vector(repeating: b) * d3.subtractingProduct(square, d1)
        return (
            d4.subtractingProduct(sum, d2).addingProduct(product, d0), even + odd, even - odd, otherEven + otherOdd,
            otherEven - otherOdd, d5.subtractingProduct(sum, d3).addingProduct(product, d1)
        )
    }

    /// A^T m: the rows are the powers 0 to 3 of the points; for infinity (0, 0, 0, 1).
    @inlinable @inline(__always)
    static func output(
        _ m0: Vector, _ m1: Vector, _ m2: Vector, _ m3: Vector, _ m4: Vector, _ m5: Vector
    ) -> (Vector, Vector, Vector, Vector) {
        let (sum, difference) = (m1 + m2, m1 - m2)
        let (otherSum, otherDifference) = (m3 + m4, m3 - m4)
        return (
            m0 + sum + otherSum,
            (Vector(repeating: a) * difference).addingProduct(Vector(repeating: b), otherDifference),
            (Vector(repeating: a * a) * sum).addingProduct(Vector(repeating: b * b), otherSum),
            m5.addingProduct(Vector(repeating: a * a * a), difference)
                .addingProduct(Vector(repeating: b * b * b), otherDifference)
        )
    }
}

/// Floats that the transforms below need to put numbers by.
public let winogradScratchCount = 36 * 16

/// B^T d B of one tile, all channels: at least 16.
///
/// - Parameters:
///   - tile: the first pixel of six by six, `rowStride` floats from row to row and `channelCount` from pixel to pixel.
///   - result: [36][...][channelCount], `positionStride` floats from one of the 36 to the next.
@inlinable @inline(__always)
public func transformWinogradInput(
    _ tile: UnsafePointer<Float>, rowStride: Int, channelCount: Int, into result: UnsafeMutablePointer<Float>,
    positionStride: Int, scratch: UnsafeMutablePointer<Float>
) {
    var next = 0
    while next < channelCount {
        // The last vector overlaps the one before it and computes the same numbers again.
        let channel = min(next, channelCount &- 16)
        var pixel = tile + channel
        var column = scratch
        for _ in 0..<6 {
            let t = Winograd.input(
                load(pixel), load(pixel + rowStride), load(pixel + 2 &* rowStride), load(pixel + 3 &* rowStride),
                load(pixel + 4 &* rowStride), load(pixel + 5 &* rowStride))
            store(t.0, to: column)
            store(t.1, to: column + 96)
            store(t.2, to: column + 192)
            store(t.3, to: column + 288)
            store(t.4, to: column + 384)
            store(t.5, to: column + 480)
            pixel += channelCount
            column += 16
        }
        var row = scratch
        var target = result + channel
        for _ in 0..<6 {
            let t = Winograd.input(
                load(row), load(row + 16), load(row + 32), load(row + 48), load(row + 64), load(row + 80))
            store(t.0, to: target)
            store(t.1, to: target + positionStride)
            store(t.2, to: target + 2 &* positionStride)
            store(t.3, to: target + 3 &* positionStride)
            store(t.4, to: target + 4 &* positionStride)
            store(t.5, to: target + 5 &* positionStride)
            row += 96
            target += 6 &* positionStride
        }
        next &+= 16
    }
}

/// A^T m A + bias + residual, and max(., 0) of it if `rectified`, of one tile, all channels: at least 16.
///
/// - Parameters:
///   - products: [36][...][channelCount], `positionStride` floats from one of the 36 to the next.
///   - rows, columns: how many of the four rows and columns are in the image; the others are not written.
///   - residual: what is added, where it lies as the result does; nil for nothing.
///   - result: the tile's first pixel, `rowStride` floats from row to row and `pixelStride` from pixel to pixel.
@inlinable @inline(__always)
public func transformWinogradOutput(
    _ products: UnsafePointer<Float>, positionStride: Int, channelCount: Int, bias: UnsafePointer<Float>,
    adding residual: UnsafePointer<Float>?, rectified: Bool, rows: Int, columns: Int,
    into result: UnsafeMutablePointer<Float>, rowStride: Int, pixelStride: Int, scratch: UnsafeMutablePointer<Float>
) {
    var next = 0
    while next < channelCount {
        // The last vector overlaps the one before it and computes the same numbers again.
        let channel = min(next, channelCount &- 16)
        var product = products + channel
        var column = scratch
        for _ in 0..<6 {
            let t = Winograd.output(
                load(product), load(product + 6 &* positionStride), load(product + 12 &* positionStride),
                load(product + 18 &* positionStride), load(product + 24 &* positionStride),
                load(product + 30 &* positionStride))
            store(t.0, to: column)
            store(t.1, to: column + 96)
            store(t.2, to: column + 192)
            store(t.3, to: column + 288)
            product += positionStride
            column += 16
        }
        let offset = load(bias + channel)
        for row in 0..<rows {
            let source = scratch + row &* 96
            let t = Winograd.output(
                load(source), load(source + 16), load(source + 32), load(source + 48), load(source + 64),
                load(source + 80))
            let start = row &* rowStride &+ channel
            @inline(__always)
            func put(_ value: Vector, _ column: Int) {
                guard column < columns else { return }
                let place = start &+ column &* pixelStride
                var sum = value + offset
                if let residual { sum += load(residual + place) }
                store(rectified ? sum.rectified : sum, to: result + place)
            }
            put(t.0, 0)
            put(t.1, 1)
            put(t.2, 2)
            put(t.3, 3)
        }
        next &+= 16
    }
}
