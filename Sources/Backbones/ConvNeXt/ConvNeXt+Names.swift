import WeightFiles

extension ConvNeXt {
    static let layouts: [NameLayout] = [
        .canonical("torchvision", anchor: "features.1.0."),
        layout("timm", anchor: "stages.0.blocks.0.") { canonicalNameOfTimm($0) },
        layout("facebookresearch/ConvNeXt", anchor: "downsample_layers.0.") {
            !$0.containsPrefix("stages.0.0.depthwise_conv.")
        } _: {
            canonicalNameOfFacebook($0)
        },
        layout("MMPretrain", anchor: "downsample_layers.0.", siblings: ["head"]) {
            $0.containsPrefix("stages.0.0.depthwise_conv.")
        } _: {
            canonicalNameOfMMPretrain($0)
        },
        layout(
            "transformers", anchor: "encoder.stages.0.layers.0.dwconv.", siblings: ["classifier"], epsilon: 1e-12,
            modelTypes: ["convnext"]
        ) {
            canonicalNameOfTransformers($0)
        },
        layout("its features alone", anchor: "1.0.block.0.") { name in
            name.first?.isNumber == true ? "features." + name : name
        },
    ]

    static func isInTrunk(_ name: String) -> Bool {
        ["features", "stem", "stages", "downsample_layers", "norm_pre", "embeddings", "encoder"]
            .contains(String(name.firstComponent))
    }

    /// Renames, and gives the layer scale [C] the shape [C, 1, 1] that it has in torchvision's files.
    ///
    /// - Parameter epsilon: of the classifier's normalisation, where the library has another than the others.
    private static func layout(
        _ name: String, anchor: String, siblings: [String] = [], epsilon: Double? = nil, modelTypes: Set<String> = [],
        if isLayout: @escaping @Sendable (FileTensors) -> Bool = { _ in true },
        _ canonicalName: @escaping @Sendable (String) -> String
    ) -> NameLayout {
        let anyFiles: @Sendable (FileTensors) -> Double? = { _ in epsilon }
        return NameLayout(
            name, anchor: anchor, if: isLayout, siblings: siblings, epsilon: anyFiles, modelTypes: modelTypes
        ) { tensors in
            var recipes = tensors.renamed(canonicalName)
            for (name, recipe) in recipes where name.hasSuffix(".layer_scale") {
                if let shape = recipe.fileNames.first.flatMap(tensors.shape), shape.count == 1 {
                    recipes[name] = .reshaped(recipe, shape + [1, 1])
                }
            }
            return recipes
        }
    }

    /// stem.0, stages.1.downsample.0, stages.1.blocks.2.conv_dw, .norm, .mlp.fc1, .mlp.fc2, .gamma, head.norm, head.fc.
    private static func canonicalNameOfTimm(_ name: String) -> String {
        let parts = name.split(separator: ".").map(String.init)
        switch parts.first {
        case "stem" where parts.count == 3: return "features.0.\(parts[1]).\(parts[2])"
        case "head" where parts.count == 3 && parts[1] == "norm": return "classifier.0.\(parts[2])"
        case "head" where parts.count == 3 && parts[1] == "fc": return "classifier.2.\(parts[2])"
        case "stages" where parts.count > 4:
            guard let stage = Int(parts[1]), 0..<100 ~= stage else { return name }
            if parts[2] == "downsample" { return "features.\(2 * stage).\(parts[3]).\(parts[4])" }
            return parts[2] == "blocks" ? block(stage, parts[3], Array(parts[4...])) ?? name : name
        default: return name
        }
    }

    /// downsample_layers.1.0, stages.1.2.dwconv, .norm, .pwconv1, .pwconv2, .gamma, norm, head.
    private static func canonicalNameOfFacebook(_ name: String) -> String {
        let parts = name.split(separator: ".").map(String.init)
        switch parts.first {
        case "norm" where parts.count == 2: return "classifier.0.\(parts[1])"
        case "head" where parts.count == 2: return "classifier.2.\(parts[1])"
        case "downsample_layers" where parts.count == 4:
            guard let stage = Int(parts[1]), 0..<100 ~= stage else { return name }
            return "features.\(2 * stage).\(parts[2]).\(parts[3])"
        case "stages" where parts.count > 3:
            guard let stage = Int(parts[1]), 0..<100 ~= stage else { return name }
            return block(stage, parts[2], Array(parts[3...])) ?? name
        default: return name
        }
    }

    /// Facebook's names, but for the layers of a block, the last normalisation (one of several that there may be) and the
    /// classifier.
    private static func canonicalNameOfMMPretrain(_ name: String) -> String {
        let parts = name.split(separator: ".").map(String.init)
        switch parts.first {
        case "norm3" where parts.count == 2: return "classifier.0.\(parts[1])"
        case "head" where parts.count == 3 && parts[1] == "fc": return "classifier.2.\(parts[2])"
        case "head", "norm": return name
        default: return canonicalNameOfFacebook(name)
        }
    }

    /// embeddings.patch_embeddings, .layernorm; encoder.stages.S.downsampling_layer.{0,1}; encoder.stages.S.layers.B.dwconv,
    /// .layernorm, .pwconv1, .pwconv2, .layer_scale_parameter; layernorm; classifier.
    private static func canonicalNameOfTransformers(_ name: String) -> String {
        let parts = name.split(separator: ".").map(String.init)
        switch parts.first {
        case "layernorm" where parts.count == 2: return "classifier.0.\(parts[1])"
        case "classifier" where parts.count == 2: return "classifier.2.\(parts[1])"
        case "embeddings" where parts.count == 3:
            let layers = ["patch_embeddings": 0, "layernorm": 1]
            return layers[parts[1]].map { "features.0.\($0).\(parts[2])" } ?? name
        case "encoder" where parts.count > 5 && parts[1] == "stages":
            guard let stage = Int(parts[2]), 0..<100 ~= stage else { return name }
            if parts[3] == "downsampling_layer" { return "features.\(2 * stage).\(parts[4]).\(parts[5])" }
            return parts[3] == "layers" ? block(stage, parts[4], Array(parts[5...])) ?? name : name
        default: return name
        }
    }

    /// The canonical name of what a block of another library calls `inner`.
    private static func block(_ stage: Int, _ block: String, _ inner: [String]) -> String? {
        let prefix = "features.\(2 * stage + 1).\(block)"
        if inner == ["gamma"] || inner == ["layer_scale_parameter"] { return "\(prefix).layer_scale" }
        let numbers = [
            "conv_dw": 0, "dwconv": 0, "depthwise_conv": 0, "norm": 2, "layernorm": 2, "mlp.fc1": 3, "pwconv1": 3,
            "pointwise_conv1": 3, "mlp.fc2": 5, "pwconv2": 5, "pointwise_conv2": 5,
        ]
        return numbers[inner.dropLast().joined(separator: ".")].map {
            "\(prefix).block.\($0).\(inner[inner.count - 1])"
        }
    }
}
