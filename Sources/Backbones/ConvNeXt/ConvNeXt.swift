import Tensors

/// A ConvNeXt (Liu et al., "A ConvNet for the 2020s", arXiv 2201.03545) up to the end of its last stage, with torchvision's
/// tensor names.
///
/// The layer normalisation behind it belongs to the classifier: it comes after the mean over the pixels.
package struct ConvNeXt: BackboneNetwork {
    private let configuration: ConvNeXtConfiguration
    private let stem: Convolution2D
    private let stemNormalisation: LayerNormalisation
    private let stages: [Stage]

    /// Blocks, and what comes before them in every stage but the first.
    private struct Stage: Sendable {
        var reduction: Reduction?
        var blocks: [ConvNeXtBlock]

        func callAsFunction(_ maps: Activations, in workspace: Workspace) -> Activations {
            blocks.reduce(reduction?(maps, in: workspace) ?? maps) { $1($0, in: workspace) }
        }
    }

    /// Reads features.0 (the stem), then blocks and reductions in turn.
    init(_ configuration: ConvNeXtConfiguration, from loader: inout ParameterLoader) throws {
        self.configuration = configuration
        let widths = configuration.widths
        loader.expect("hidden_act", "gelu")
        stem = try loader.convolution(
            "features.0.0", hasBias: true, inputChannelCount: 3, outputChannelCount: widths[0],
            window: ConvNeXtConfiguration.stemWindow)
        stemNormalisation = try loader.layerNormalisation(
            "features.0.1", channelCount: widths[0], epsilon: ConvNeXtConfiguration.epsilon)
        var stages: [Stage] = []
        for (index, width) in widths.enumerated() {
            let reduction =
                index == 0
                ? nil
                : try Reduction(
                    prefix: "features.\(2 * index)", inputChannelCount: widths[index - 1], outputChannelCount: width,
                    from: &loader)
            let blocks = try (0..<configuration.blockCounts[index]).map { block in
                try ConvNeXtBlock(prefix: "features.\(2 * index + 1).\(block)", channelCount: width, from: &loader)
            }
            stages.append(Stage(reduction: reduction, blocks: blocks))
        }
        self.stages = stages
    }

    package var channelCount: Int { configuration.channelCount }

    package func featureMapSize(for input: SpatialSize) -> SpatialSize { configuration.featureMapSize(for: input) }

    package func callAsFunction(_ images: Activations, in workspace: Workspace) -> Activations {
        let maps = images.imageByImage(in: workspace) { images in
            let maps = stemNormalisation(stem(images, in: workspace), in: workspace)
            return stages.dropLast(2).reduce(maps) { $1($0, in: workspace) }
        }
        return stages.suffix(2).reduce(maps) { $1($0, in: workspace) }
    }
}

/// A layer normalisation and a 2x2 convolution with stride 2.
private struct Reduction: Sendable {
    private let normalisation: LayerNormalisation
    private let convolution: Convolution2D

    /// Reads `prefix`.0 and .1.
    init(
        prefix: String, inputChannelCount: Int, outputChannelCount: Int, from loader: inout ParameterLoader
    ) throws {
        normalisation = try loader.layerNormalisation(
            prefix + ".0", channelCount: inputChannelCount, epsilon: ConvNeXtConfiguration.epsilon)
        convolution = try loader.convolution(
            prefix + ".1", hasBias: true, inputChannelCount: inputChannelCount,
            outputChannelCount: outputChannelCount, window: ConvNeXtConfiguration.reductionWindow)
    }

    func callAsFunction(_ maps: Activations, in workspace: Workspace) -> Activations {
        convolution(normalisation(maps, in: workspace), in: workspace)
    }
}
