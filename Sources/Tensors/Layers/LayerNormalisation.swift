/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias, mean and variance being those of a pixel's channels.
///
/// Ba et al., "Layer Normalization", arXiv 1607.06450.
public struct LayerNormalisation: Sendable {
    let weight: [Float]
    let bias: [Float]
    let epsilon: Float

    /// - Parameters:
    ///   - weight: one per channel.
    ///   - bias: one per channel.
    ///   - epsilon: PyTorch's default unless given.
    public init(weight: [Float], bias: [Float], epsilon: Double = 1e-5) {
        precondition(
            !weight.isEmpty && bias.count == weight.count, "weight and bias belong to the same channels, one or more")
        self.weight = weight
        self.bias = bias
        self.epsilon = Float(epsilon)
    }

    public var channelCount: Int { weight.count }

    /// Normalises every pixel of [N, H, W, C], and adds `residual` of the same shape if given.
    public func callAsFunction(
        _ input: Activations, adding residual: Activations? = nil, in workspace: Workspace
    ) -> Activations {
        precondition(
            input.channelCount == channelCount,
            "a normalisation of \(channelCount) channels was given \(input.channelCount)")
        precondition(residual == nil || residual!.shape == input.shape, "the residual has the shape of the result")
        let output = Activations(
            imageCount: input.imageCount, size: input.size, channelCount: channelCount, in: workspace)
        output.withMutablePointer { output in
            input.withPointer { input0 in
                normalise(input0, rowCount: input.imageCount * input.size.area, into: output)
            }
            residual?.withPointer { add($0, to: output, count: input.count, activation: .identity) }
        }
        return output
    }

    /// Rows of C floats, one after the other; `output` may be `input`.
    func normalise(_ input: UnsafePointer<Float>, rowCount: Int, into output: UnsafeMutablePointer<Float>) {
        normaliseRows(
            input, rowCount: rowCount, weight: weight, bias: bias, epsilon: epsilon, count: channelCount, into: output)
    }
}
