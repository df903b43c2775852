// A depthwise convolution of stride 1 on an image with its margin: tiles of 7 neighbouring pixels by 8 channels, whose sums
// stay in registers while the taps pass by. 7 divides the widths of the usual feature maps (56, 28, 14, 7).
//
// Every element is one chain of fused multiply-adds in the order of the taps, then the bias, wherever in a tile it falls.
// The last tile of a row and of the channels overlaps the one before it and computes the same numbers again.

private let tileWidth = 7

/// One row of output pixels, `width` of them.
///
/// - Parameters:
///   - x: top left of the first window, [kernel side rows, pixels, C].
///   - rowStride: floats between rows of `x`.
///   - weights: [kernel side, kernel side, C].
///   - y: [width, C].
func convolveDepthwise(
    _ x: UnsafePointer<Float>, rowStride: Int, weights: UnsafePointer<Float>, kernelSide: Int,
    biases: UnsafePointer<Float>, channelCount: Int, into y: UnsafeMutablePointer<Float>, width: Int
) {
    var channel = 0
    while channel < channelCount {
        if channelCount < 8 {
            for pixel in 0..<width {
                let offset = pixel &* channelCount &+ channel
                y[offset] = convolveElement(
                    x + offset, rowStride, weights + channel, kernelSide, biases[channel], channelCount)
            }
            channel &+= 1
            continue
        }
        let first = min(channel, channelCount &- 8)
        let bias = load(biases + first)
        var pixel = 0
        while pixel < width {
            if width < tileWidth {
                let offset = pixel &* channelCount &+ first
                convolvePixel(x + offset, rowStride, weights + first, kernelSide, bias, channelCount, y + offset)
                pixel &+= 1
            } else {
                let offset = min(pixel, width &- tileWidth) &* channelCount &+ first
                convolveTile(x + offset, rowStride, weights + first, kernelSide, bias, channelCount, y + offset)
                pixel &+= tileWidth
            }
        }
        channel &+= 8
    }
}

@inline(__always)
private func convolveTile(
    _ x: UnsafePointer<Float>, _ rowStride: Int, _ weights: UnsafePointer<Float>, _ kernelSide: Int,
    _ bias: SIMD8<Float>, _ channelCount: Int, _ y: UnsafeMutablePointer<Float>
) {
    var (s0, s1, s2, s3) = (SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>())
    var (s4, s5, s6) = (SIMD8<Float>(), SIMD8<Float>(), SIMD8<Float>())
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

@inline(__always)
private func convolvePixel(
    _ x: UnsafePointer<Float>, _ rowStride: Int, _ weights: UnsafePointer<Float>, _ kernelSide: Int,
    _ bias: SIMD8<Float>, _ channelCount: Int, _ y: UnsafeMutablePointer<Float>
) {
    var sum = SIMD8<Float>()
    for row in 0..<kernelSide {
        for column in 0..<kernelSide {
            let tap = weights + (row &* kernelSide &+ column) &* channelCount
            sum.addProduct(load(x + (row &* rowStride &+ column &* channelCount)), load(tap))
        }
    }
    store(sum + bias, to: y)
}

@inline(__always)
private func convolveElement(
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
