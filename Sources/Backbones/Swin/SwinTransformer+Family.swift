import ImageCoding
import Tensors

extension SwinTransformer {
    /// The published networks: torchvision's names, timm's for those that torchvision lacks.
    package static let family = family(
        "Swin", .first,
        [
            entry(
                "swin_t", aliases: ["swin_tiny_patch4_window7_224"], network(.first, 96, [2, 2, 6, 2], 3, window: 7),
                presets: [torchvision(232)] + microsoft("swin_tiny_patch4_window7_224")),
            entry(
                "swin_s", aliases: ["swin_small_patch4_window7_224"], network(.first, 96, [2, 2, 18, 2], 3, window: 7),
                presets: [torchvision(246)] + microsoft("swin_small_patch4_window7_224")),
            entry(
                "swin_b", aliases: ["swin_base_patch4_window7_224"], network(.first, 128, [2, 2, 18, 2], 4, window: 7),
                presets: [torchvision(238)] + microsoft("swin_base_patch4_window7_224")),
            entry(
                "swin_base_patch4_window12_384", network(.first, 128, [2, 2, 18, 2], 4, window: 12),
                presets: imageNetTags.map { InputPreset($0, resize: 384, crop: 384, .bicubic) }),
            entry(
                "swin_large_patch4_window7_224", network(.first, 192, [2, 2, 18, 2], 6, window: 7),
                presets: ["ms_in22k_ft_in1k", "ms_in22k"].map { InputPreset($0, resize: 248, .bicubic) }),
        ])

    /// Those with windows of 8 and of 16 pixels have the same tensors.
    package static let secondFamily = family(
        "Swin V2", .second,
        [
            entry(
                "swin_v2_t", aliases: ["swinv2_tiny_window8_256"], network(.second, 96, [2, 2, 6, 2], 3, window: 8),
                presets: [torchvision(260, crop: 256), microsoftV2("swinv2_tiny_window8_256.ms_in1k")]),
            entry(
                "swin_v2_s", aliases: ["swinv2_small_window8_256"], network(.second, 96, [2, 2, 18, 2], 3, window: 8),
                presets: [torchvision(260, crop: 256), microsoftV2("swinv2_small_window8_256.ms_in1k")]),
            entry(
                "swin_v2_b", aliases: ["swinv2_base_window8_256"], network(.second, 128, [2, 2, 18, 2], 4, window: 8),
                presets: [torchvision(272, crop: 256), microsoftV2("swinv2_base_window8_256.ms_in1k")]),
            entry(
                "swinv2_tiny_window16_256", network(.second, 96, [2, 2, 6, 2], 3, window: 16),
                presets: [microsoftV2("ms_in1k")]),
            entry(
                "swinv2_small_window16_256", network(.second, 96, [2, 2, 18, 2], 3, window: 16),
                presets: [microsoftV2("ms_in1k")]),
            entry(
                "swinv2_base_window16_256", network(.second, 128, [2, 2, 18, 2], 4, window: 16),
                presets: [microsoftV2("ms_in1k")]),
        ])

    private static func family(
        _ name: String, _ version: SwinTransformerConfiguration.Version, _ entries: [BackboneEntry]
    ) -> BackboneFamily {
        BackboneFamily(
            name: name, layouts: layouts(version), isIgnored: isIgnored, isInTrunk: isInTrunk, entries: entries)
    }

    package static func entry(
        _ name: String, aliases: [String] = [], _ configuration: SwinTransformerConfiguration, presets: [InputPreset]
    ) -> BackboneEntry {
        BackboneEntry(
            name: name, aliases: aliases, presets: presets, channelCount: configuration.channelCount,
            featureMapSize: configuration.featureMapSize, classifier: .linear("head"),
            make: { try SwinTransformer(configuration, from: &$0) })
    }

    private static func network(
        _ version: SwinTransformerConfiguration.Version, _ width: Int, _ blockCounts: [Int], _ headCount: Int,
        window: Int
    ) -> SwinTransformerConfiguration {
        SwinTransformerConfiguration(
            version, width: width, blockCounts: blockCounts, headCounts: (0..<4).map { headCount << $0 },
            windowSide: window)
    }

    // timm resizes to the crop's side / 0.9 pixels, rounded down.

    private static func torchvision(_ resize: Int, crop: Int = 224) -> InputPreset {
        InputPreset("torchvision-v1", resize: resize, crop: crop, .bicubic)
    }
    private static let imageNetTags = ["ms_in1k", "ms_in22k_ft_in1k", "ms_in22k"]
    private static func microsoft(_ name: String) -> [InputPreset] {
        imageNetTags.map { InputPreset("\(name).\($0)", resize: 248, .bicubic) }
    }
    private static func microsoftV2(_ name: String) -> InputPreset {
        InputPreset(name, resize: 284, crop: 256, .bicubic)
    }
}
