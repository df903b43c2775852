import Tensors

/// x + layer scale * (7x7 depthwise convolution, layer normalisation, linear layer to four times the channels, GELU, linear
/// layer back); the layer scale is folded into the last layer.
struct ConvNeXtBlock: Sendable {
    private let convolution: DepthwiseConvolution2D
    private let feedForward: FeedForward

    /// Reads `prefix`.block.0 (convolution), .2 (normalisation), .3 and .5 (linear layers), and `prefix`.layer_scale.
    init(prefix: String, channelCount: Int, from loader: inout ParameterLoader) throws {
        convolution = try loader.depthwiseConvolution(
            prefix + ".block.0", channelCount: channelCount, kernelSide: ConvNeXtConfiguration.kernelSide)
        let normalisation = try loader.layerNormalisation(
            prefix + ".block.2", channelCount: channelCount, epsilon: ConvNeXtConfiguration.epsilon)
        let widening = try loader.linear(
            prefix + ".block.3", inputCount: channelCount, outputCount: 4 * channelCount, activation: .gelu)
        let narrowing = try loader.linear(
            prefix + ".block.5", inputCount: 4 * channelCount, outputCount: channelCount,
            scaledBy: (name: prefix + ".layer_scale", shape: [channelCount, 1, 1]))
        feedForward = FeedForward(inputNormalisation: normalisation, widening: widening, narrowing: narrowing)
    }

    func callAsFunction(_ input: Activations, in workspace: Workspace) -> Activations {
        feedForward(convolution(input, in: workspace), adding: input, in: workspace)
    }
}
