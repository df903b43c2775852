import ImageCoding
import Tensors

extension ResNet {
    /// The published networks, by the names that torchvision and timm share. Reference/check_presets.py compares the presets
    /// with theirs.
    package static let family = BackboneFamily(
        name: "ResNet", layouts: layouts, isInTrunk: isInTrunk,
        entries: [
            entry(
                "resnet18", ResNetConfiguration(block: .basic, blockCounts: [2, 2, 2, 2]),
                presets: [v1] + timm95("a1", "a2") + [a3] + timm875("gluon")
                    + bilinear("fb_ssl_yfcc100m_ft", "fb_swsl_ig1b_ft")),
            entry(
                "resnet34", ResNetConfiguration(block: .basic, blockCounts: [3, 4, 6, 3]),
                presets: [v1] + timm95("a1", "a2") + [a3] + timm875("bt", "gluon") + [ra4(resize: 248)]),
            entry(
                "resnet50", ResNetConfiguration(block: .bottleneck, blockCounts: [3, 4, 6, 3]),
                presets: [v1, v2] + timm95("a1", "a2", "b1k", "b2k", "c1", "c2", "d") + [a3]
                    + [InputPreset("a1h_in1k", resize: 195, crop: 176, .bicubic)]
                    + timm875("am", "bt", "gluon", "ra", "ram")
                    + bilinear("fb_ssl_yfcc100m_ft", "fb_swsl_ig1b_ft")),
            entry(
                "resnet101", ResNetConfiguration(block: .bottleneck, blockCounts: [3, 4, 23, 3]),
                presets: [v1, v2] + timm95("a1", "a1h", "a2") + [a3] + timm875("gluon")),
            entry(
                "resnet152", ResNetConfiguration(block: .bottleneck, blockCounts: [3, 8, 36, 3]),
                presets: [v1, v2] + timm95("a1", "a1h", "a2") + [a3] + timm875("gluon")),
            entry(
                "wide_resnet50_2",
                ResNetConfiguration(block: .bottleneck, blockCounts: [3, 4, 6, 3], groupWidth: 128),
                presets: [v1, v2] + timm875("racm")),
            entry(
                "wide_resnet101_2",
                ResNetConfiguration(block: .bottleneck, blockCounts: [3, 4, 23, 3], groupWidth: 128),
                presets: [v1, v2]),
            entry(
                "resnext50_32x4d",
                ResNetConfiguration(block: .bottleneck, blockCounts: [3, 4, 6, 3], groupCount: 32, groupWidth: 4),
                presets: [v1, v2] + timm95("a1", "a1h", "a2") + [a3] + timm875("gluon", "ra")
                    + bilinear("fb_ssl_yfcc100m_ft", "fb_swsl_ig1b_ft")),
            entry(
                "resnext101_32x8d",
                ResNetConfiguration(block: .bottleneck, blockCounts: [3, 4, 23, 3], groupCount: 32, groupWidth: 8),
                presets: [v1, v2] + bilinear("fb_ssl_yfcc100m_ft", "fb_swsl_ig1b_ft", "fb_wsl_ig1b_ft")),
            entry("resnet18d", .deep(.basic, [2, 2, 2, 2]), presets: timm875("ra2") + [ra4(resize: 248)]),
            entry("resnet26d", .deep(.bottleneck, [2, 2, 2, 2]), presets: timm875("bt")),
            entry("resnet34d", .deep(.basic, [3, 4, 6, 3]), presets: timm875("ra2")),
            entry(
                "resnet50d", .deep(.bottleneck, [3, 4, 6, 3]),
                presets: timm875("ra2") + timm95("a1", "a2") + [a3] + timm875("gluon") + [ra4(resize: 235)]),
            entry("resnet101d", .deep(.bottleneck, [3, 4, 23, 3]), presets: [ra2At256] + timm875("gluon")),
            entry("resnet152d", .deep(.bottleneck, [3, 8, 36, 3]), presets: [ra2At256] + timm875("gluon")),
            entry("resnet200d", .deep(.bottleneck, [3, 24, 36, 3]), presets: [ra2At256]),
        ])

    package static func entry(
        _ name: String, _ configuration: ResNetConfiguration, presets: [InputPreset]
    ) -> BackboneEntry {
        BackboneEntry(
            name: name, presets: presets, channelCount: configuration.channelCount,
            featureMapSize: configuration.featureMapSize, classifier: .linear("fc"),
            make: { try ResNet(configuration, from: &$0) })
    }

    // Of timm's tags, "_in1k" left out.

    private static let v1 = InputPreset("torchvision-v1", resize: 256)
    private static let v2 = InputPreset("torchvision-v2", resize: 232)
    private static let a3 = InputPreset("a3_in1k", resize: 168, crop: 160, .bicubic)
    private static let ra2At256 = InputPreset("ra2_in1k", resize: 269, crop: 256, .bicubic)

    private static func timm95(_ tags: String...) -> [InputPreset] {
        tags.map { InputPreset($0 + "_in1k", resize: 235, .bicubic) }
    }

    private static func timm875(_ tags: String...) -> [InputPreset] {
        tags.map { InputPreset($0 + "_in1k", resize: 256, .bicubic) }
    }

    private static func bilinear(_ tags: String...) -> [InputPreset] {
        tags.map { InputPreset($0 + "_in1k", resize: 256) }
    }

    private static func ra4(resize: Int) -> InputPreset {
        InputPreset(
            "ra4_e3600_r224_in1k",
            InputTransform(
                resize: resize, crop: 224, interpolation: .bicubic, mean: [0.5, 0.5, 0.5],
                standardDeviation: [0.5, 0.5, 0.5]))
    }
}
