import VectorKernels

/// A convolution that looks at each channel by itself, with bias, stride 1 and a margin of half the kernel, so that the
/// size stays: [N, H, W, C] to [N, H, W, C].
public struct DepthwiseConvolution2D: Sendable {
    public let channelCount: Int
    public let kernelSide: Int
    /// [slice of 16 channels, kernel row, kernel column, 16], filled up with zeros.
    private let weights: [Float]
    /// [slice, 16].
    private let biases: [Float]

    /// - Parameters:
    ///   - kernelSide: odd.
    ///   - weights: [C, 1, `kernelSide`, `kernelSide`], PyTorch's order.
    ///   - biases: [C].
    public init(channelCount: Int, kernelSide: Int, weights: [Float], biases: [Float]) {
        let taps = kernelSide * kernelSide
        precondition(!kernelSide.isMultiple(of: 2), "a kernel of \(kernelSide) has no middle")
        precondition(
            weights.count == channelCount * taps && biases.count == channelCount,
            "\(weights.count) weights and \(biases.count) biases for \(channelCount) channels of \(taps) taps")
        self.channelCount = channelCount
        self.kernelSide = kernelSide
        let slices = stride(from: 0, to: channelCount, by: Self.sliceWidth)
        self.weights = slices.flatMap { first in
            (0..<taps).flatMap { tap in
                (first..<first + Self.sliceWidth).map { $0 < channelCount ? weights[$0 * taps + tap] : 0 }
            }
        }
        self.biases = slices.flatMap { first in
            (first..<first + Self.sliceWidth).map { $0 < channelCount ? biases[$0] : 0 }
        }
    }

    private static let sliceWidth = 16

    public func callAsFunction(_ input: Activations, in workspace: Workspace) -> Activations {
        precondition(
            input.channelCount == channelCount,
            "a convolution of \(channelCount) channels was given \(input.channelCount)")
        let output = Activations(
            imageCount: input.imageCount, size: input.size, channelCount: channelCount, in: workspace)
        let size = input.size
        let scratchCount = depthwiseScratchCount(height: size.height, width: size.width, kernelSide: kernelSide)
        let scratch = workspace.buffer(scratchCount)
        scratch.pointer.update(repeating: 0, count: scratchCount)
        output.withMutablePointer { output in
            input.withPointer { x in
                for image in 0..<input.imageCount {
                    for first in stride(from: 0, to: channelCount, by: Self.sliceWidth) {
                        let start = image * size.area * channelCount + first
                        convolve(
                            x + start, first / Self.sliceWidth, size: size, scratch: scratch.pointer,
                            into: output + start)
                    }
                }
            }
        }
        return output
    }

    /// One slice of an image.
    private func convolve(
        _ x: UnsafePointer<Float>, _ slice: Int, size: SpatialSize, scratch: UnsafeMutablePointer<Float>,
        into y: UnsafeMutablePointer<Float>
    ) {
        let width = Self.sliceWidth
        weights.withUnsafeBufferPointer { weights in
            biases.withUnsafeBufferPointer { biases in
                convolveDepthwise(
                    x, channelCount: channelCount, sliceCount: min(width, channelCount - slice * width),
                    weights: weights.baseAddress! + slice * kernelSide * kernelSide * width, kernelSide: kernelSide,
                    biases: biases.baseAddress! + slice * width, scratch: scratch, into: y, height: size.height,
                    width: size.width)
            }
        }
    }
}
