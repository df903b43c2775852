import Tensors

/// A densely connected network (Huang et al., "Densely Connected Convolutional Networks", arXiv 1608.06993) up to the ReLU
/// behind `features.norm5`, with torchvision's tensor names.
///
/// The channels of a block lie in one `ChannelStack`: each layer reads those before it and appends its own.
package struct DenseNet: BackboneNetwork {
    private let configuration: DenseNetConfiguration
    private let stem: Convolution2D
    private let blocks: [[DenseLayer]]
    /// Between blocks.
    private let transitions: [Transition]
    /// Behind the last block.
    private let final: RectifiedNormalisation

    init(_ configuration: DenseNetConfiguration, from loader: inout ParameterLoader) throws {
        self.configuration = configuration
        stem = try loader.convolution(
            "features.conv0", normalisedBy: "features.norm0", inputChannelCount: 3,
            outputChannelCount: configuration.stemWidth, window: DenseNetConfiguration.stemWindow, activation: .relu)
        var blocks: [[DenseLayer]] = []
        var transitions: [Transition] = []
        for (index, widths) in configuration.blockWidths.enumerated() {
            blocks.append(
                try (0..<configuration.layerCounts[index]).map { layer in
                    try DenseLayer(
                        prefix: "features.denseblock\(index + 1).denselayer\(layer + 1)",
                        inputChannelCount: widths.input + layer * configuration.growth, configuration, from: &loader)
                })
            if index < configuration.layerCounts.count - 1 {
                transitions.append(
                    try Transition(
                        prefix: "features.transition\(index + 1)", inputChannelCount: widths.output, from: &loader))
            }
        }
        self.blocks = blocks
        self.transitions = transitions
        final = RectifiedNormalisation(
            try loader.batchNormalisation("features.norm5", channelCount: configuration.channelCount))
    }

    package var channelCount: Int { configuration.channelCount }
    /// All its maps are large and its weights small.
    package func imagesPerPass(_ compute: ComputePrecision) -> Int { 2 }

    package func featureMapSize(for input: SpatialSize) -> SpatialSize { configuration.featureMapSize(for: input) }

    package func callAsFunction(_ images: Activations, in workspace: Workspace) -> Activations {
        let widths = configuration.blockWidths
        let pooling = MaxPooling2D(DenseNetConfiguration.poolingWindow)
        var stack: ChannelStack
        do {
            let maps = stem(images, in: workspace)
            stack = ChannelStack(
                imageCount: maps.imageCount, size: pooling.window.outputSize(for: maps.size),
                capacity: widths[0].output, in: workspace)
            stack.append(pooling, of: maps, in: workspace)
        }
        for (index, layers) in blocks.enumerated() {
            for layer in layers { layer.append(to: &stack, in: workspace) }
            if index < transitions.count {
                stack = transitions[index](stack, capacity: widths[index + 1].output, in: workspace)
            }
        }
        return final(stack, in: workspace)
    }
}

/// Normalisation, ReLU, 1x1 convolution, normalisation, ReLU, 3x3 convolution.
private struct DenseLayer: Sendable {
    private let normalisation: RectifiedNormalisation
    /// With the second normalisation and its ReLU.
    private let bottleneck: Convolution2D
    private let convolution: Convolution2D

    /// Reads `prefix`.norm1, .conv1, .norm2 and .conv2.
    init(
        prefix: String, inputChannelCount: Int, _ configuration: DenseNetConfiguration,
        from loader: inout ParameterLoader
    ) throws {
        let width = configuration.growth * configuration.bottleneckFactor
        normalisation = RectifiedNormalisation(
            try loader.batchNormalisation("\(prefix).norm1", channelCount: inputChannelCount))
        bottleneck = try loader.convolution(
            "\(prefix).conv1", normalisedBy: "\(prefix).norm2", inputChannelCount: inputChannelCount,
            outputChannelCount: width, window: SlidingWindow(kernel: 1), activation: .relu)
        convolution = try loader.convolution(
            "\(prefix).conv2", inputChannelCount: width, outputChannelCount: configuration.growth,
            window: SlidingWindow(kernel: 3, padding: 1))
    }

    func append(to stack: inout ChannelStack, in workspace: Workspace) {
        let inner = normalisation(stack, then: bottleneck, in: workspace)
        stack.append(convolution, of: inner, in: workspace)
    }
}

/// Normalisation, ReLU, 1x1 convolution to half the channels, 2x2 means; the means are taken before the convolution, which
/// commutes with them.
private struct Transition: Sendable {
    private let normalisation: RectifiedNormalisation
    private let convolution: Convolution2D

    /// Reads `prefix`.norm and .conv.
    init(prefix: String, inputChannelCount: Int, from loader: inout ParameterLoader) throws {
        normalisation = RectifiedNormalisation(
            try loader.batchNormalisation("\(prefix).norm", channelCount: inputChannelCount))
        convolution = try loader.convolution(
            "\(prefix).conv", inputChannelCount: inputChannelCount, outputChannelCount: inputChannelCount / 2,
            window: SlidingWindow(kernel: 1))
    }

    /// A stack with room for `capacity` channels.
    func callAsFunction(_ stack: ChannelStack, capacity: Int, in workspace: Workspace) -> ChannelStack {
        let means = normalisation.averaged(stack, in: workspace)
        var result = ChannelStack(
            imageCount: means.imageCount, size: means.size, capacity: capacity, in: workspace)
        result.append(convolution, of: means, in: workspace)
        return result
    }
}
