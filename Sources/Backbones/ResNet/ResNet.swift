import ImageCoding
import Tensors
import WeightFiles

/// A residual network (He et al., "Deep Residual Learning for Image Recognition", arXiv 1512.03385) up to `layer4`, with
/// torchvision's tensor names, which are timm's too.
struct ResNet: BackboneNetwork {
    private let configuration: ResNetConfiguration
    private let stem: Convolution2D
    private let blocks: [ResidualBlock]

    /// Reads conv1, bn1 and layer1, layer2, ...
    init(_ configuration: ResNetConfiguration, from loader: inout ParameterLoader) throws {
        self.configuration = configuration
        stem = try loader.convolution(
            "conv1", normalisedBy: "bn1", inputChannelCount: 3, outputChannelCount: configuration.stem.width,
            window: configuration.stemWindow, activation: .relu)
        var blocks: [ResidualBlock] = []
        for (stageIndex, stage) in configuration.stages.enumerated() {
            for blockIndex in 0..<stage.blockCount {
                blocks.append(
                    try ResidualBlock(
                        configuration.block, prefix: "layer\(stageIndex + 1).\(blockIndex)",
                        inputChannelCount: blocks.last?.outputChannelCount ?? configuration.stem.width,
                        width: stage.width, stride: blockIndex == 0 ? stage.stride : 1, from: &loader))
            }
        }
        self.blocks = blocks
    }

    var channelCount: Int { configuration.channelCount }

    func featureMapSize(for input: SpatialSize) -> SpatialSize { configuration.featureMapSize(for: input) }

    func callAsFunction(_ images: Activations, in workspace: Workspace) -> Activations {
        var maps = stem(images, in: workspace)
        if configuration.stem.hasPooling {
            maps = MaxPooling2D(ResNetConfiguration.poolingWindow)(maps, in: workspace)
        }
        return blocks.reduce(maps) { $1($0, in: workspace) }
    }
}

extension ResNet {
    /// Reads a whole file: network and, if it is there, the classifier `fc`.
    static func load(
        name: String, configuration: ResNetConfiguration, input: InputTransform, weights: any WeightSource
    ) throws -> Backbone {
        var loader = ParameterLoader(weights, backbone: name)
        let network = try ResNet(configuration, from: &loader)
        let classifier = try loader.classifier("fc", channelCount: configuration.channelCount)
        try loader.finish()
        return Backbone(name: name, defaultInput: input, classifier: classifier, network: network)
    }
}
