import Tensors

// The layers as their definitions say, one loop per axis, in double precision.

/// Reproducible numbers in -1..<1 that look random: a multiplicative hash of the index.
func noise(_ count: Int, seed: UInt64 = 1) -> [Float] {
    (0..<count).map { index in
        var x = UInt64(index) &* 0x9e37_79b9_7f4a_7c15 &+ seed &* 0xd1b5_4a32_d192_ed03
        x ^= x >> 29
        x = x &* 0xbf58_476d_1ce4_e5b9
        x ^= x >> 32
        return Float(x >> 40) / Float(1 << 23) - 1
    }
}

extension Tensor {
    static func noise(_ shape: [Int], seed: UInt64 = 1) -> Tensor {
        Tensor(shape: shape, values: TensorsTests.noise(shape.reduce(1, *), seed: seed))
    }

    /// Images `range` of an [N, H, W, C] tensor.
    func images(_ range: Range<Int>) -> Tensor {
        let length = shape.dropFirst().reduce(1, *)
        return Tensor(
            shape: [range.count] + shape.dropFirst(),
            values: Array(values[range.lowerBound * length..<range.upperBound * length]))
    }
}

/// Largest difference relative to the root mean square of the expected values.
func relativeError(_ actual: [Float], _ expected: [Double]) -> Double {
    precondition(actual.count == expected.count)
    let square = expected.reduce(0) { $0 + $1 * $1 } / Double(max(expected.count, 1))
    let worst = zip(actual, expected).map { abs(Double($0) - $1) }.reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
    return worst / max(square.squareRoot(), 1e-30)
}

/// Calls `body` with the input coordinates under each tap of the window at output pixel (y, x) that are in the image.
private func taps(
    _ window: SlidingWindow, _ size: SpatialSize, _ y: Int, _ x: Int, _ body: (_ ky: Int, _ kx: Int, Int, Int) -> Void
) {
    for ky in 0..<window.kernel.height {
        for kx in 0..<window.kernel.width {
            let row = y * window.stride.height - window.padding.height + ky * window.dilation.height
            let column = x * window.stride.width - window.padding.width + kx * window.dilation.width
            if row >= 0 && row < size.height && column >= 0 && column < size.width { body(ky, kx, row, column) }
        }
    }
}

/// [N, H, W, C] convolved with [O, C / groups, kh, kw].
func referenceConvolution(
    _ input: Tensor, _ weights: [Float], _ biases: [Float], window: SlidingWindow, groups: Int = 1,
    residual: Tensor? = nil, rectified: Bool = false
) -> [Double] {
    let (n, size, c) = (input.shape[0], SpatialSize(height: input.shape[1], width: input.shape[2]), input.shape[3])
    let output = window.outputSize(for: size)
    let outputs = biases.count
    let (inputsOfGroup, outputsOfGroup) = (c / groups, outputs / groups)
    var result: [Double] = []
    for image in 0..<n {
        for y in 0..<output.height {
            for x in 0..<output.width {
                for o in 0..<outputs {
                    var sum = Double(biases[o])
                    taps(window, size, y, x) { ky, kx, row, column in
                        for i in 0..<inputsOfGroup {
                            let channel = o / outputsOfGroup * inputsOfGroup + i
                            let value = input.values[((image * size.height + row) * size.width + column) * c + channel]
                            let tap = (ky * window.kernel.width) + kx
                            sum += Double(value) * Double(weights[(o * inputsOfGroup + i) * window.kernel.area + tap])
                        }
                    }
                    if let residual { sum += Double(residual.values[result.count]) }
                    result.append(rectified ? max(0, sum) : sum)
                }
            }
        }
    }
    return result
}

/// The maximum, the mean over the whole window and the mean over the pixels in the image, of every window.
func referencePooling(_ input: Tensor, window: SlidingWindow) -> (
    maximum: [Double], mean: [Double], meanInside: [Double]
) {
    let (n, size, c) = (input.shape[0], SpatialSize(height: input.shape[1], width: input.shape[2]), input.shape[3])
    let output = window.outputSize(for: size)
    var result: (maximum: [Double], mean: [Double], meanInside: [Double]) = ([], [], [])
    for image in 0..<n {
        for y in 0..<output.height {
            for x in 0..<output.width {
                for channel in 0..<c {
                    var values: [Double] = []
                    taps(window, size, y, x) { _, _, row, column in
                        values.append(
                            Double(input.values[((image * size.height + row) * size.width + column) * c + channel]))
                    }
                    let sum = values.reduce(0, +)
                    result.maximum.append(values.max()!)
                    result.mean.append(sum / Double(window.kernel.area))
                    result.meanInside.append(sum / Double(values.count))
                }
            }
        }
    }
    return result
}
