// A depthwise convolution of stride 1 with a margin of zeros: tiles of 7 neighbouring pixels by 16 channels, whose sums stay in
// registers while the taps pass by. 7 divides the widths of the usual feature maps (56, 28, 14, 7).
//
// Every element is one chain of fused multiply-adds in the order of the taps, then the bias, wherever in a tile it falls.
// The last tile of a row overlaps the one before it and computes the same numbers again.

/// The floats of the scratch memory that `convolveDepthwise` needs: a slice of the image with its margin, and a row of the result.
@inlinable @inline(__always)
public func depthwiseScratchCount(height: Int, width: Int, kernelSide: Int) -> Int {
    ((height &+ kernelSide &- 1) &* (width &+ kernelSide &- 1) &+ width) &* 16
}

/// All output pixels of an image in a slice of 16 channels, which is gathered first: in the image its pixels are so far apart, often by a
/// power of two, that the rows under the kernel would push each other out of the first cache.
///
/// - Parameters:
///   - x: the slice's first channel in the image [height, width, C].
///   - sliceCount: channels of the slice, 16 at most.
///   - weights: [kernel side, kernel side, 16].
///   - biases: [16].
///   - scratch: `depthwiseScratchCount` floats, of which the margin is and stays 0.
///   - y: the slice's first channel in the result [height, width, C].
@inlinable @inline(__always)
public func convolveDepthwise(
    _ x: UnsafePointer<Float>, channelCount: Int, sliceCount: Int, weights: UnsafePointer<Float>, kernelSide: Int,
    biases: UnsafePointer<Float>, scratch: UnsafeMutablePointer<Float>, into y: UnsafeMutablePointer<Float>,
    height: Int, width: Int
) {
    let isWhole = sliceCount == 16
    let rowStride = (width &+ kernelSide &- 1) &* 16
    let inner = scratch + (kernelSide / 2) &* (rowStride &+ 16)
    for row in 0..<height {
        let (source, target) = (x + row &* width &* channelCount, inner + row &* rowStride)
        for pixel in 0..<width {
            let (from, to) = (source + pixel &* channelCount, target + pixel &* 16)
            if isWhole {
                store(load(from), to: to)
            } else {
                for channel in 0..<sliceCount { to[channel] = from[channel] }
            }
        }
    }
    let bias = load(biases)
    let partialRow = scratch + (height &+ kernelSide &- 1) &* rowStride
    for row in 0..<height {
        let source = UnsafePointer(scratch) + row &* rowStride
        let target = isWhole ? y + row &* width &* channelCount : partialRow
        let stride = isWhole ? channelCount : 16
        var pixel = 0
        while pixel < width {
            if width < 7 {
                convolvePixel(
                    source + pixel &* 16, rowStride, weights, kernelSide, bias, target + pixel &* stride)
                pixel &+= 1
            } else {
                let first = min(pixel, width &- 7)
                convolveTile(
                    source + first &* 16, rowStride, weights, kernelSide, bias, target + first &* stride, stride)
                pixel &+= 7
            }
        }
        if !isWhole {
            for pixel in 0..<width {
                let (from, to) = (partialRow + pixel &* 16, y + (row &* width &+ pixel) &* channelCount)
                for channel in 0..<sliceCount { to[channel] = from[channel] }
            }
        }
    }
}

@inlinable @inline(__always)
func convolveTile(
    _ x: UnsafePointer<Float>, _ rowStride: Int, _ weights: UnsafePointer<Float>, _ kernelSide: Int,
    _ bias: Vector, _ y: UnsafeMutablePointer<Float>, _ stride: Int
) {
    var (s0, s1, s2, s3) = (Vector(), Vector(), Vector(), Vector())
    var (s4, s5, s6) = (Vector(), Vector(), Vector())
    var tap = weights
    for row in 0..<kernelSide {
        var p = x + row &* rowStride
        for _ in 0..<kernelSide {
            let weight = load(tap)
            s0.addProduct(load(p), weight)
            s1.addProduct(load(p + 16), weight)
            s2.addProduct(load(p + 32), weight)
            s3.addProduct(load(p + 48), weight)
            s4.addProduct(load(p + 64), weight)
            s5.addProduct(load(p + 80), weight)
            s6.addProduct(load(p + 96), weight)
            tap += 16
            p += 16
        }
    }
    store(s0 + bias, to: y)
    store(s1 + bias, to: y + stride)
    store(s2 + bias, to: y + 2 &* stride)
    store(s3 + bias, to: y + 3 &* stride)
    store(s4 + bias, to: y + 4 &* stride)
    store(s5 + bias, to: y + 5 &* stride)
    store(s6 + bias, to: y + 6 &* stride)
}

@inlinable @inline(__always)
func convolvePixel(
    _ x: UnsafePointer<Float>, _ rowStride: Int, _ weights: UnsafePointer<Float>, _ kernelSide: Int,
    _ bias: Vector, _ y: UnsafeMutablePointer<Float>
) {
    var sum = Vector()
    for row in 0..<kernelSide {
        for column in 0..<kernelSide {
            sum.addProduct(
                load(x + (row &* rowStride &+ column &* 16)), load(weights + (row &* kernelSide &+ column) &* 16))
        }
    }
    store(sum + bias, to: y)
}
