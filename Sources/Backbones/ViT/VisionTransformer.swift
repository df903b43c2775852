import Tensors

/// A vision transformer (Dosovitskiy et al., "An Image is Worth 16x16 Words", arXiv 2010.11929) up to its final layer
/// normalisation. The feature map is the patches' tokens on their grid; class, distillation and register tokens take part
/// in the attention and are dropped at the end.
///
/// Also DeiT (arXiv 2012.12877; with its distillation token), DeiT III (arXiv 2204.07118) and DINOv2 (arXiv 2304.07193;
/// with registers: arXiv 2309.16588). Which of them a file is shows in its tensors.
package struct VisionTransformer: BackboneNetwork {
    private let configuration: VisionTransformerConfiguration
    private let patchEmbedding: Convolution2D
    /// Class, distillation and register tokens with their positions, [L, D].
    private let leadingTokens: [Float]
    private let positions: PositionGrid
    private let blocks: [(attention: SelfAttention, feedForward: FeedForward)]
    /// Nil where the file has one for the mean of the tokens instead, which is behind the feature map.
    private let normalisation: LayerNormalisation?

    init(_ configuration: VisionTransformerConfiguration, from loader: inout ParameterLoader) throws {
        let width = configuration.width
        self.configuration = configuration
        loader.expect("hidden_act", "gelu")
        loader.expect("num_attention_heads", [configuration.headCount])
        let epsilon = loader.epsilon(otherwise: VisionTransformerConfiguration.epsilon)
        patchEmbedding = try loader.convolution(
            "conv_proj", hasBias: true, inputChannelCount: 3, outputChannelCount: width,
            window: configuration.patchWindow)
        (leadingTokens, positions) = try Self.embeddings(configuration, from: &loader)
        let hasLayerScale =
            configuration.hasLayerScale || loader.shape("encoder.layers.encoder_layer_0.ls1.gamma") != nil
        blocks = try (0..<configuration.blockCount).map {
            try Self.block(
                "encoder.layers.encoder_layer_\($0)", configuration, hasLayerScale: hasLayerScale, from: &loader)
        }
        if loader.shape("encoder.ln.weight") == nil, loader.shape("fc_norm.weight") != nil {
            normalisation = nil
            loader.remark("The network ends without a normalisation: its own (fc_norm) is for the mean of the tokens.")
        } else {
            normalisation = try loader.layerNormalisation("encoder.ln", channelCount: width, epsilon: epsilon)
        }
    }

    private static func block(
        _ prefix: String, _ configuration: VisionTransformerConfiguration, hasLayerScale: Bool,
        from loader: inout ParameterLoader
    ) throws -> (SelfAttention, FeedForward) {
        let width = configuration.width
        let epsilon = loader.epsilon(otherwise: VisionTransformerConfiguration.epsilon)
        func scale(_ index: Int) -> (name: String, shape: [Int])? {
            hasLayerScale ? ("\(prefix).ls\(index).gamma", [width]) : nil
        }
        let attention = SelfAttention(
            headCount: configuration.headCount,
            inputNormalisation: try loader.layerNormalisation("\(prefix).ln_1", channelCount: width, epsilon: epsilon),
            queriesKeysValues: try loader.linear(
                "\(prefix).self_attention.in_proj", inputCount: width, outputCount: 3 * width),
            projection: try loader.linear(
                "\(prefix).self_attention.out_proj", inputCount: width, outputCount: width, scaledBy: scale(1)))
        let feedForward = FeedForward(
            inputNormalisation: try loader.layerNormalisation("\(prefix).ln_2", channelCount: width, epsilon: epsilon),
            widening: try loader.linear(
                "\(prefix).mlp.0", inputCount: width, outputCount: 4 * width, activation: .gelu),
            narrowing: try loader.linear(
                "\(prefix).mlp.3", inputCount: 4 * width, outputCount: width, scaledBy: scale(2)))
        return (attention, feedForward)
    }

    package var channelCount: Int { configuration.width }

    package func featureMapSize(for input: SpatialSize) -> SpatialSize { configuration.featureMapSize(for: input) }

    package func callAsFunction(_ images: Activations, in workspace: Workspace) -> Activations {
        let patches = patchEmbedding(images, in: workspace)
        let size = patches.size
        var tokens = patches.tokens(after: leadingTokens, adding: positions.resampled(to: size), in: workspace)
        for (attention, feedForward) in blocks {
            tokens = feedForward(attention(tokens, in: workspace), in: workspace)
        }
        let maps = tokens.map(of: size, in: workspace)
        return normalisation?(maps, in: workspace) ?? maps
    }
}

// MARK: - Embeddings

extension VisionTransformer {
    /// Tokens before the patches, with the positions that belong to them, and the positions of the patches.
    ///
    /// A file has a position for every token (torchvision, DeiT), for class and patches but no registers (the original
    /// DINOv2), or for patches only (timm's DINOv2 with registers, DeiT III): the number of them tells.
    private static func embeddings(
        _ configuration: VisionTransformerConfiguration, from loader: inout ParameterLoader
    ) throws -> ([Float], PositionGrid) {
        let width = configuration.width
        var leading = try loader.floats("class_token", [1, 1, width])
        if loader.shape("dist_token") != nil { leading += try loader.floats("dist_token", [1, 1, width]) }
        let distinctCount = leading.count / width
        if configuration.registerCount > 0 {
            leading += try loader.floats("register_tokens", [1, configuration.registerCount, width])
        }
        let leadingCount = leading.count / width
        let name = "encoder.pos_embedding"
        let layout = PositionLayout(
            rowCount: loader.shape(name).flatMap { $0.count == 3 ? $0[1] : nil },
            leadingCounts: [distinctCount, leadingCount, 0], defaultSide: configuration.gridSide)
        let positions = try loader.floats(name, [1, layout.leadingCount + layout.side * layout.side, width])
        for index in 0..<layout.leadingCount * width { leading[index] += positions[index] }
        return (
            leading,
            PositionGrid(
                side: layout.side, channelCount: width, values: Array(positions[(layout.leadingCount * width)...]))
        )
    }
}

/// How many of a file's position embeddings belong to leading tokens, and the side of the square grid that the others make.
struct PositionLayout: Equatable {
    let leadingCount: Int
    let side: Int

    /// The first of `leadingCounts` that leaves a square of `rowCount` rows.
    init(rowCount: Int?, leadingCounts: [Int], defaultSide: Int) {
        // A file with more is answered with what was expected instead.
        let largestSide = 1024
        for leadingCount in leadingCounts {
            guard let rowCount, rowCount > leadingCount, rowCount <= largestSide * largestSide else { continue }
            let side = Int(Double(rowCount - leadingCount).squareRoot().rounded())
            if side * side == rowCount - leadingCount {
                (self.leadingCount, self.side) = (leadingCount, side)
                return
            }
        }
        (leadingCount, side) = (leadingCounts[0], defaultSide)
    }
}
