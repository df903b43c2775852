import ImageCoding
import Tensors

extension ConvNeXt {
    /// The published networks. Reference/check_presets.py compares the presets with torchvision's and timm's.
    package static let family = BackboneFamily(
        name: "ConvNeXt",
        layouts: [
            .canonical("torchvision") { $0.containsPrefix("features.1.0.") },
            layout("timm") {
                $0.containsPrefix("stages.0.blocks.0.")
            } _: {
                canonicalNameOfTimm($0)
            },
            layout("facebookresearch/ConvNeXt") {
                $0.containsPrefix("downsample_layers.")
            } _: {
                canonicalNameOfFacebook($0)
            },
        ],
        entries: [
            entry(
                "convnext_tiny", ConvNeXtConfiguration(widths: [96, 192, 384, 768], blockCounts: [3, 3, 9, 3]),
                presets: [InputPreset("torchvision-v1", resize: 236)] + facebook + in12k),
            entry(
                "convnext_small", ConvNeXtConfiguration(widths: [96, 192, 384, 768], blockCounts: [3, 3, 27, 3]),
                presets: [InputPreset("torchvision-v1", resize: 230)] + facebook + in12k),
            entry(
                "convnext_base", ConvNeXtConfiguration(widths: [128, 256, 512, 1024], blockCounts: [3, 3, 27, 3]),
                presets: [InputPreset("torchvision-v1", resize: 232)] + facebook + clip),
            entry(
                "convnext_large", ConvNeXtConfiguration(widths: [192, 384, 768, 1536], blockCounts: [3, 3, 27, 3]),
                presets: [InputPreset("torchvision-v1", resize: 232)] + facebook),
        ])

    package static func entry(
        _ name: String, _ configuration: ConvNeXtConfiguration, presets: [InputPreset]
    ) -> BackboneEntry {
        BackboneEntry(
            name: name, presets: presets, channelCount: configuration.channelCount,
            featureMapSize: configuration.featureMapSize,
            classifier: .normalisedLinear(
                name: "classifier.2", norm: "classifier.0", epsilon: ConvNeXtConfiguration.epsilon),
            make: { try ConvNeXt(configuration, from: &$0) })
    }

    // timm's tags. Those for 384 pixels squash the image, which no preset here does.

    private static let facebook = ["fb_in1k", "fb_in22k", "fb_in22k_ft_in1k"].map {
        InputPreset($0, resize: 256, .bicubic)
    }
    private static let in12k = ["in12k", "in12k_ft_in1k"].map { InputPreset($0, resize: 235, .bicubic) }
    private static let clip = [
        "clip_laion2b_augreg_ft_in1k", "clip_laion2b_augreg_ft_in12k", "clip_laion2b_augreg_ft_in12k_in1k",
    ].map {
        InputPreset(
            $0,
            InputTransform(
                resize: 256, crop: 256, interpolation: .bicubic, mean: [0.48145466, 0.4578275, 0.40821073],
                standardDeviation: [0.26862954, 0.26130258, 0.27577711]))
    }
}

// MARK: - Names

extension ConvNeXt {
    /// Renames, and gives the layer scale [C] the shape [C, 1, 1] that it has in torchvision's files.
    private static func layout(
        _ name: String, if isLayout: @escaping @Sendable (FileTensors) -> Bool,
        _ canonicalName: @escaping @Sendable (String) -> String
    ) -> NameLayout {
        let renaming = NameLayout.renaming(name, if: isLayout, canonicalName)
        return NameLayout(name, if: isLayout) { tensors in
            var recipes = renaming.recipes(tensors)
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

    /// The canonical name of what a block of timm or Facebook calls `inner`.
    private static func block(_ stage: Int, _ block: String, _ inner: [String]) -> String? {
        let prefix = "features.\(2 * stage + 1).\(block)"
        if inner == ["gamma"] { return "\(prefix).layer_scale" }
        let numbers = [
            "conv_dw": 0, "dwconv": 0, "norm": 2, "mlp.fc1": 3, "pwconv1": 3, "mlp.fc2": 5, "pwconv2": 5,
        ]
        return numbers[inner.dropLast().joined(separator: ".")].map {
            "\(prefix).block.\($0).\(inner[inner.count - 1])"
        }
    }
}
