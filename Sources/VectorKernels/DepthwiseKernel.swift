// A depthwise convolution of stride 1 on an image with its margin: tiles of 7 neighbouring pixels by 16 channels, whose sums
// stay in registers while the taps pass by. 7 divides the widths of the usual feature maps (56, 28, 14, 7).
//
// Every element is one chain of fused multiply-adds in the order of the taps, then the bias, wherever in a tile it falls.
// The last tile of a row and of the channels overlaps the one before it and computes the same numbers again.

/// All output pixels of an image, sixteen channels at a time: these of the rows under the kernel stay in the first cache, which those of
/// all channels would not.
///
/// - Parameters:
///   - x: the image with its margin, [rows, pixels, C].
///   - rowStride: floats between rows of `x`.
///   - weights: [kernel side, kernel side, C].
///   - y: [height, width, C].
@inlinable @inline(__always)
public func convolveDepthwise(
    _ x: UnsafePointer<Float>, rowStride: Int, weights: UnsafePointer<Float>, kernelSide: Int,
    biases: UnsafePointer<Float>, channelCount: Int, into y: UnsafeMutablePointer<Float>, height: Int, width: Int
) {
    if channelCount < 16 {
        for pixel in 0..<height &* width {
            let (row, column) = (pixel / width, pixel % width)
            for channel in 0..<channelCount {
                y[pixel &* channelCount &+ channel] = convolveElement(
                    x + (row &* rowStride &+ column &* channelCount &+ channel), rowStride, weights + channel,
                    kernelSide, biases[channel], channelCount)
            }
        }
        return
    }
    var next = 0
    while next < channelCount {
        let channel = min(next, channelCount &- 16)
        let bias = load(biases + channel)
        for row in 0..<height {
            let (source, target) = (
                x + (row &* rowStride &+ channel), y + (row &* width &* channelCount &+ channel)
            )
            var pixel = 0
            while pixel < width {
                if width < 7 {
                    let offset = pixel &* channelCount
                    convolvePixel(
                        source + offset, rowStride, weights + channel, kernelSide, bias, channelCount, target + offset)
                    pixel &+= 1
                } else {
                    let offset = min(pixel, width &- 7) &* channelCount
                    convolveTile(
                        source + offset, rowStride, weights + channel, kernelSide, bias, channelCount, target + offset)
                    pixel &+= 7
                }
            }
        }
        next &+= 16
    }
}

@inlinable @inline(__always)
func convolveTile(
    _ x: UnsafePointer<Float>, _ rowStride: Int, _ weights: UnsafePointer<Float>, _ kernelSide: Int,
    _ bias: Vector, _ channelCount: Int, _ y: UnsafeMutablePointer<Float>
) {
    var (s0, s1, s2, s3) = (Vector(), Vector(), Vector(), Vector())
    var (s4, s5, s6) = (Vector(), Vector(), Vector())
    var tap = weights
    for row in 0..<kernelSide {
        var p = x + row &* rowStride
        for _ in 0..<kernelSide {
            let weight = load(tap)
            s0.addProduct(load(p), weight)
            s1.addProduct(load(p + channelCount), weight)
            s2.addProduct(load(p + 2 &* channelCount), weight)
            s3.addProduct(load(p + 3 &* channelCount), weight)
            s4.addProduct(load(p + 4 &* channelCount), weight)
            s5.addProduct(load(p + 5 &* channelCount), weight)
            s6.addProduct(load(p + 6 &* channelCount), weight)
            tap += channelCount
            p += channelCount
        }
    }
    store(s0 + bias, to: y)
    store(s1 + bias, to: y + channelCount)
    store(s2 + bias, to: y + 2 &* channelCount)
    store(s3 + bias, to: y + 3 &* channelCount)
    store(s4 + bias, to: y + 4 &* channelCount)
    store(s5 + bias, to: y + 5 &* channelCount)
    store(s6 + bias, to: y + 6 &* channelCount)
}

@inlinable @inline(__always)
func convolvePixel(
    _ x: UnsafePointer<Float>, _ rowStride: Int, _ weights: UnsafePointer<Float>, _ kernelSide: Int,
    _ bias: Vector, _ channelCount: Int, _ y: UnsafeMutablePointer<Float>
) {
    var sum = Vector()
    for row in 0..<kernelSide {
        for column in 0..<kernelSide {
            let tap = weights + (row &* kernelSide &+ column) &* channelCount
            sum.addProduct(load(x + (row &* rowStride &+ column &* channelCount)), load(tap))
        }
    }
    store(sum + bias, to: y)
}

@inlinable @inline(__always)
func convolveElement(
    _ x: UnsafePointer<Float>, _ rowStride: Int, _ weights: UnsafePointer<Float>, _ kernelSide: Int, _ bias: Float,
    _ channelCount: Int
) -> Float {
    var sum: Float = 0
    for row in 0..<kernelSide {
        for column in 0..<kernelSide {
            sum.addProduct(
                x[row &* rowStride &+ column &* channelCount],
                weights[(row &* kernelSide &+ column) &* channelCount])
        }
    }
    return sum + bias
}
