/// A convolution that looks at each channel by itself, with bias, stride 1 and a margin of half the kernel, so that the
/// size stays: [N, H, W, C] to [N, H, W, C].
public struct DepthwiseConvolution2D: Sendable {
    public let channelCount: Int
    public let kernelSide: Int
    /// [kernel row, kernel column, C].
    private let weights: [Float]
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
        self.weights = (0..<taps).flatMap { tap in (0..<channelCount).map { weights[$0 * taps + tap] } }
        self.biases = biases
    }

    public func callAsFunction(_ input: Activations, in workspace: Workspace) -> Activations {
        precondition(
            input.channelCount == channelCount,
            "a convolution of \(channelCount) channels was given \(input.channelCount)")
        let output = Activations(
            imageCount: input.imageCount, size: input.size, channelCount: channelCount, in: workspace)
        let padded = input.padded(by: SpatialSize(kernelSide / 2), in: workspace)
        let rowStride = padded.size.width * channelCount
        output.withMutablePointer { output in
            padded.withPointer { padded0 in
                for image in 0..<input.imageCount {
                    convolveDepthwise(
                        padded0 + image * padded.size.height * rowStride, rowStride: rowStride, weights: weights,
                        kernelSide: kernelSide, biases: biases, channelCount: channelCount,
                        into: output + image * input.size.area * channelCount, height: input.size.height,
                        width: input.size.width)
                }
            }
        }
        return output
    }
}
