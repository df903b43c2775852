import Tensors

/// A residual network (He et al., "Deep Residual Learning for Image Recognition", arXiv 1512.03385) up to `layer4`, with
/// torchvision's tensor names, which are timm's too; and its descendants: Wide ResNet (arXiv 1605.07146), ResNeXt
/// (arXiv 1611.05431) and ResNet-D (arXiv 1812.01187).
package struct ResNet: BackboneNetwork {
    private let configuration: ResNetConfiguration
    private let stem: [Convolution2D]
    private let blocks: [ResidualBlock]
    /// Blocks of all stages but the last two.
    private let earlyBlockCount: Int

    /// Reads conv1, bn1 and layer1, layer2, ...
    init(_ configuration: ResNetConfiguration, from loader: inout ParameterLoader) throws {
        self.configuration = configuration
        loader.expect("hidden_act", "relu")
        loader.expect("downsample_in_first_stage", false)
        // The strides are the 3x3 convolutions'.
        loader.expect("downsample_in_bottleneck", false)
        stem = try Self.stem(configuration, from: &loader)
        var blocks: [ResidualBlock] = []
        for (stageIndex, stage) in configuration.stages.enumerated() {
            for blockIndex in 0..<stage.blockCount {
                blocks.append(
                    try ResidualBlock(
                        configuration, prefix: "layer\(stageIndex + 1).\(blockIndex)",
                        inputChannelCount: blocks.last?.outputChannelCount ?? configuration.stem.width,
                        width: stage.width, stride: blockIndex == 0 ? stage.stride : 1, from: &loader))
            }
        }
        self.blocks = blocks
        earlyBlockCount = configuration.stages.dropLast(2).reduce(0) { $0 + $1.blockCount }
    }

    private static func stem(
        _ configuration: ResNetConfiguration, from loader: inout ParameterLoader
    ) throws -> [Convolution2D] {
        let width = configuration.stem.width
        let first = configuration.stemWindow
        let other = SlidingWindow(kernel: 3, padding: 1)
        // In the deep stem, 0, 3 and 6 are convolutions, 1 and 4 normalisations, 2 and 5 ReLUs.
        let plan =
            configuration.stem.isDeep
            ? [
                ("conv1.0", "conv1.1", first, width / 2), ("conv1.3", "conv1.4", other, width / 2),
                ("conv1.6", "bn1", other, width),
            ] : [("conv1", "bn1", first, width)]
        var channelCount = 3
        return try plan.map { name, normalisation, window, outputChannelCount in
            defer { channelCount = outputChannelCount }
            return try loader.convolution(
                name, normalisedBy: normalisation, inputChannelCount: channelCount,
                outputChannelCount: outputChannelCount, window: window, activation: .relu)
        }
    }

    package var channelCount: Int { configuration.channelCount }
    package func imagesPerPass(_ compute: ComputePrecision) -> Int { 4 }

    package func featureMapSize(for input: SpatialSize) -> SpatialSize { configuration.featureMapSize(for: input) }

    package func callAsFunction(_ images: Activations, in workspace: Workspace) -> Activations {
        let maps = images.imageByImage(in: workspace) { images in
            var maps = stem.reduce(images) { $1($0, in: workspace) }
            if configuration.stem.hasPooling {
                maps = MaxPooling2D(ResNetConfiguration.poolingWindow)(maps, in: workspace)
            }
            return blocks.prefix(earlyBlockCount).reduce(maps) { $1($0, in: workspace) }
        }
        return blocks.dropFirst(earlyBlockCount).reduce(maps) { $1($0, in: workspace) }
    }
}
