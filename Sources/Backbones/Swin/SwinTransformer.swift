import Tensors

/// A Swin transformer (Liu et al., arXiv 2103.14030; version 2: arXiv 2111.09883) up to its final layer normalisation.
///
/// As torchvision computes it: maps are filled up with zeros to whole windows and then shifted, and an axis that one window
/// covers is not shifted. (timm shifts before it fills up; the two agree on maps that the windows divide, such as those of all
/// presets.) A map that is smaller than a window is computed as timm does (`WindowAttention`).
package struct SwinTransformer: BackboneNetwork {
    private let configuration: SwinTransformerConfiguration
    private let patchEmbedding: Convolution2D
    private let patchNormalisation: LayerNormalisation
    private let stages: [Stage]
    private let normalisation: LayerNormalisation

    private struct Stage {
        /// What comes before the blocks of all stages but the first.
        let merging: PatchMerging?
        let blocks: [(attention: WindowAttention, feedForward: FeedForward)]
    }

    init(_ configuration: SwinTransformerConfiguration, from loader: inout ParameterLoader) throws {
        let epsilon = SwinTransformerConfiguration.epsilon
        self.configuration = configuration
        loader.expect("hidden_act", "gelu")
        loader.expect("num_heads", configuration.headCounts)
        // The second version's tensors do not show it; the first version's tables do, and can be resampled.
        if configuration.version == .second { loader.expect("window_size", [configuration.windowSide]) }
        patchEmbedding = try loader.convolution(
            "features.0.0", hasBias: true, inputChannelCount: 3, outputChannelCount: configuration.width,
            window: SwinTransformerConfiguration.patchWindow)
        patchNormalisation = try loader.layerNormalisation(
            "features.0.2", channelCount: configuration.width, epsilon: epsilon)
        var stages: [Stage] = []
        for (stage, blockCount) in configuration.blockCounts.enumerated() {
            let merging =
                stage == 0
                ? nil
                : try PatchMerging(
                    "features.\(2 * stage)", inputCount: configuration.width(ofStage: stage - 1),
                    version: configuration.version, from: &loader)
            var blocks: [(WindowAttention, FeedForward)] = []
            for block in 0..<blockCount {
                blocks.append(
                    try Self.block(
                        "features.\(2 * stage + 1).\(block)", configuration, stage: stage,
                        isShifted: !block.isMultiple(of: 2), from: &loader))
            }
            stages.append(Stage(merging: merging, blocks: blocks))
        }
        self.stages = stages
        normalisation = try loader.layerNormalisation(
            "norm", channelCount: configuration.channelCount, epsilon: loader.epsilon(otherwise: epsilon))
    }

    private static func block(
        _ prefix: String, _ configuration: SwinTransformerConfiguration, stage: Int, isShifted: Bool,
        from loader: inout ParameterLoader
    ) throws -> (WindowAttention, FeedForward) {
        let width = configuration.width(ofStage: stage)
        let headCount = configuration.headCounts[stage]
        let isFirst = configuration.version == .first
        let norms = try (1...2).map {
            try loader.layerNormalisation(
                "\(prefix).norm\($0)", channelCount: width,
                epsilon: loader.epsilon(otherwise: SwinTransformerConfiguration.epsilon))
        }
        let attention = SelfAttention(
            headCount: headCount,
            scores: isFirst
                ? .products : .cosines(factors: try loader.cosineFactors("\(prefix).attn", headCount: headCount)),
            inputNormalisation: isFirst ? norms[0] : nil,
            queriesKeysValues: try loader.linear("\(prefix).attn.qkv", inputCount: width, outputCount: 3 * width),
            projection: try loader.linear("\(prefix).attn.proj", inputCount: width, outputCount: width),
            outputNormalisation: isFirst ? nil : norms[0])
        let windowAttention = WindowAttention(
            attention,
            bias: isFirst
                ? try loader.positionTable(
                    "\(prefix).attn", headCount: headCount, windowSide: configuration.windowSide)
                : try loader.continuousPositionBias("\(prefix).attn", headCount: headCount, stage: stage),
            windowSide: configuration.windowSide, isShifted: isShifted)
        let feedForward = FeedForward(
            inputNormalisation: isFirst ? norms[1] : nil,
            widening: try loader.linear(
                "\(prefix).mlp.0", inputCount: width, outputCount: 4 * width, activation: .gelu),
            narrowing: try loader.linear("\(prefix).mlp.3", inputCount: 4 * width, outputCount: width),
            outputNormalisation: isFirst ? nil : norms[1])
        return (windowAttention, feedForward)
    }

    package var channelCount: Int { configuration.channelCount }

    package func featureMapSize(for input: SpatialSize) -> SpatialSize { configuration.featureMapSize(for: input) }

    package func callAsFunction(_ images: Activations, in workspace: Workspace) -> Activations {
        var maps = patchNormalisation(patchEmbedding(images, in: workspace), in: workspace)
        for stage in stages {
            if let merging = stage.merging { maps = merging(maps, in: workspace) }
            for (attention, feedForward) in stage.blocks {
                maps = feedForward(attention(maps, in: workspace), in: workspace)
            }
        }
        return normalisation(maps, in: workspace)
    }
}

/// Half the size and twice the channels: the channels of 2x2 pixels together through a linear layer, with a layer
/// normalisation before it (first version) or after it (second).
private struct PatchMerging: Sendable {
    private let reduction: Linear
    private let normalisation: LayerNormalisation
    private let normalisesFirst: Bool

    /// Reads `prefix`.norm and .reduction.
    init(
        _ prefix: String, inputCount: Int, version: SwinTransformerConfiguration.Version,
        from loader: inout ParameterLoader
    ) throws {
        normalisesFirst = version == .first
        reduction = try loader.linear(
            "\(prefix).reduction", inputCount: 4 * inputCount, outputCount: 2 * inputCount, hasBias: false)
        normalisation = try loader.layerNormalisation(
            "\(prefix).norm", channelCount: normalisesFirst ? 4 * inputCount : 2 * inputCount,
            epsilon: SwinTransformerConfiguration.epsilon)
    }

    func callAsFunction(_ input: Activations, in workspace: Workspace) -> Activations {
        let merged = input.mergedPatches(in: workspace)
        return normalisesFirst
            ? reduction(normalisation(merged, in: workspace), in: workspace)
            : normalisation(reduction(merged, in: workspace), in: workspace)
    }
}
