import Tensors

// The layers that networks are made of. Where weights are missing or only looked for (a dry run) a placeholder comes back,
// which is never used.

extension ParameterLoader {
    /// The batch normalisation whose tensors are `prefix`.weight, .bias, .running_mean and .running_var.
    package mutating func batchNormalisation(
        _ prefix: String, channelCount: Int, epsilon: Double = 1e-5
    ) throws -> BatchNormalisation {
        let normalisation = BatchNormalisation(
            weight: try floats(prefix + ".weight", [channelCount]),
            bias: try floats(prefix + ".bias", [channelCount]),
            mean: try floats(prefix + ".running_mean", [channelCount]),
            variance: try floats(prefix + ".running_var", [channelCount]), epsilon: epsilon)
        try check(normalisation.variance, of: prefix + ".running_var", expectation: "a variance, not below 0") {
            $0 >= 0
        }
        return normalisation
    }

    /// A convolution whose weights are `name`.weight and whose biases, if it has any, are `name`.bias, with the batch
    /// normalisation that follows it, if one does, folded in.
    package mutating func convolution(
        _ name: String, hasBias: Bool = false, normalisedBy normalisation: String? = nil, inputChannelCount: Int,
        outputChannelCount: Int, window: SlidingWindow, groupCount: Int = 1, activation: ActivationFunction = .identity
    ) throws -> Convolution2D {
        let shape = [outputChannelCount, inputChannelCount / groupCount, window.kernel.height, window.kernel.width]
        let weights = try values(name + ".weight", shape)
        let biases = hasBias ? try floats(name + ".bias", [outputChannelCount]) : nil
        let normalisation = try normalisation.map { try batchNormalisation($0, channelCount: outputChannelCount) }
        // Without weights the layer is never used.
        guard let weights else { return Self.emptyConvolution }
        return Convolution2D(
            inputChannelCount: inputChannelCount, outputChannelCount: outputChannelCount, window: window,
            groupCount: groupCount, weights: weights, biases: biases, normalisation: normalisation,
            activation: activation)
    }

    private static let emptyConvolution = Convolution2D(
        inputChannelCount: 1, outputChannelCount: 1, window: SlidingWindow(kernel: 1), weights: [0])

    /// The linear layer `name`.weight [outputs, inputs] and, unless told otherwise, `name`.bias [outputs].
    ///
    /// - Parameter scale: the name and shape of a tensor with a factor for each output, to be folded in.
    package mutating func linear(
        _ name: String, inputCount: Int, outputCount: Int, hasBias: Bool = true,
        scaledBy scale: (name: String, shape: [Int])? = nil, activation: ActivationFunction = .identity
    ) throws -> Linear {
        var weights = try values(name + ".weight", [outputCount, inputCount])
        var biases = hasBias ? try floats(name + ".bias", [outputCount]) : nil
        if let scale {
            let factors = try floats(scale.name, scale.shape)
            weights = weights.map { weights in
                weights.indices.map { weights[$0] * factors[$0 / inputCount] }
            }
            biases = biases.map { zip($0, factors).map(*) }
        }
        guard let weights else { return Self.emptyLinear }
        return Linear(
            inputCount: inputCount, outputCount: outputCount, weights: weights, biases: biases, activation: activation)
    }

    private static let emptyLinear = Linear(inputCount: 1, outputCount: 1, weights: [0])

    /// The layer normalisation `name`.weight and .bias.
    package mutating func layerNormalisation(
        _ name: String, channelCount: Int, epsilon: Double
    ) throws -> LayerNormalisation {
        LayerNormalisation(
            weight: try floats(name + ".weight", [channelCount]), bias: try floats(name + ".bias", [channelCount]),
            epsilon: epsilon)
    }

    /// The depthwise convolution `name`.weight [C, 1, side, side] and .bias [C].
    package mutating func depthwiseConvolution(
        _ name: String, channelCount: Int, kernelSide: Int
    ) throws -> DepthwiseConvolution2D {
        let weights = try values(name + ".weight", [channelCount, 1, kernelSide, kernelSide])
        let biases = try floats(name + ".bias", [channelCount])
        guard let weights else { return Self.emptyDepthwiseConvolution }
        return DepthwiseConvolution2D(
            channelCount: channelCount, kernelSide: kernelSide, weights: weights, biases: biases)
    }

    private static let emptyDepthwiseConvolution = DepthwiseConvolution2D(
        channelCount: 1, kernelSide: 1, weights: [0], biases: [0])
}
