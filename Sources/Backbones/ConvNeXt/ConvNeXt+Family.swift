import ImageCoding
import Tensors

extension ConvNeXt {
    /// The published networks. Reference/check_presets.py compares the presets with torchvision's and timm's.
    package static let family = BackboneFamily(
        name: "ConvNeXt",
        layouts: layouts, isInTrunk: isInTrunk,
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
