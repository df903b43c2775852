import ImageCoding
import Tensors

extension VisionTransformer {
    /// The published networks: torchvision's names, timm's for those that torchvision lacks.
    ///
    /// Their classifiers look at the class token (DeiT's distilled ones at another too), which is not part of the feature
    /// map, so none is read.
    package static let family = BackboneFamily(
        name: "ViT", layouts: layouts, isIgnored: isIgnored, isInTrunk: isInTrunk,
        entries: [
            entry(
                "vit_tiny_patch16_224", aliases: ["deit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"], tiny,
                presets: timm(augReg + [deit("deit_tiny_patch16_224"), deit("deit_tiny_distilled_patch16_224")])),
            entry(
                "vit_small_patch16_224",
                aliases: ["vit_small_patch16_384", "deit_small_patch16_224", "deit_small_distilled_patch16_224"], small,
                presets: timm(
                    augReg + [dino, deit("deit_small_patch16_224"), deit("deit_small_distilled_patch16_224")]
                        + augReg384("vit_small_patch16_384"))),
            entry(
                "vit_b_16",
                aliases: [
                    "vit_base_patch16_224", "vit_base_patch16_384", "deit_base_patch16_224", "deit_base_patch16_384",
                    "deit_base_distilled_patch16_224", "deit_base_distilled_patch16_384",
                ], base(16),
                presets: [InputPreset("torchvision-v1", resize: 256)] + swag(384)
                    + timm(augReg + [augReg2, dino], of: "vit_base_patch16_224")
                    + timm([deit("deit_base_patch16_224"), deit("deit_base_distilled_patch16_224")])
                    + augReg384("vit_base_patch16_384")
                    + ["deit_base_patch16_384.fb_in1k", "deit_base_distilled_patch16_384.fb_in1k"].map {
                        InputPreset($0, resize: 384, crop: 384, .bicubic)
                    }),
            entry(
                "vit_b_32", aliases: ["vit_base_patch32_224", "vit_base_patch32_384"], base(32),
                presets: [InputPreset("torchvision-v1", resize: 256)] + timm(augReg, of: "vit_base_patch32_224")
                    + augReg384("vit_base_patch32_384")),
            entry(
                "vit_l_16", aliases: ["vit_large_patch16_224", "vit_large_patch16_384"], large(16),
                presets: [InputPreset("torchvision-v1", resize: 242)] + swag(512)
                    + timm([augReg[0]], of: "vit_large_patch16_224")
                    + [halved("vit_large_patch16_384.augreg_in21k_ft_in1k", resize: 384, crop: 384)]),
            entry("vit_l_32", aliases: [], large(32), presets: [InputPreset("torchvision-v1", resize: 256)]),
            dinoV2("vit_small_patch14_dinov2", small, registerCount: 0),
            dinoV2("vit_base_patch14_dinov2", base(14), registerCount: 0),
            dinoV2("vit_large_patch14_dinov2", large(14), registerCount: 0),
            dinoV2("vit_small_patch14_reg4_dinov2", small, registerCount: 4),
            dinoV2("vit_base_patch14_reg4_dinov2", base(14), registerCount: 4),
            dinoV2("vit_large_patch14_reg4_dinov2", large(14), registerCount: 4),
        ])

    package static func entry(
        _ name: String, aliases: [String] = [], _ configuration: VisionTransformerConfiguration, presets: [InputPreset]
    ) -> BackboneEntry {
        BackboneEntry(
            name: name, aliases: aliases, presets: presets, channelCount: configuration.width,
            featureMapSize: configuration.featureMapSize, classifier: .unusable(["heads", "head_dist"]),
            make: { try VisionTransformer(configuration, from: &$0) })
    }

    /// Trained on 518 pixels.
    private static func dinoV2(
        _ name: String, _ configuration: VisionTransformerConfiguration, registerCount: Int
    ) -> BackboneEntry {
        var configuration = configuration
        configuration.patchSide = 14
        configuration.registerCount = registerCount
        configuration.gridSide = 37
        configuration.hasLayerScale = true
        return entry(
            name, configuration, presets: [InputPreset("lvd142m", resize: 518, crop: 518, .bicubic)])
    }

    private static let tiny = VisionTransformerConfiguration(
        width: 192, headCount: 3, blockCount: 12, patchSide: 16, gridSide: 14)
    private static let small = VisionTransformerConfiguration(
        width: 384, headCount: 6, blockCount: 12, patchSide: 16, gridSide: 14)
    private static func base(_ patchSide: Int) -> VisionTransformerConfiguration {
        VisionTransformerConfiguration(
            width: 768, headCount: 12, blockCount: 12, patchSide: patchSide, gridSide: 224 / patchSide)
    }
    private static func large(_ patchSide: Int) -> VisionTransformerConfiguration {
        VisionTransformerConfiguration(
            width: 1024, headCount: 16, blockCount: 24, patchSide: patchSide, gridSide: 224 / patchSide)
    }
}

// MARK: - Presets

extension VisionTransformer {
    // timm resizes to 224 / 0.9 pixels, rounded down.

    private static func halved(_ name: String, resize: Int = 248, crop: Int = 224) -> InputPreset {
        InputPreset(
            name,
            InputTransform(
                resize: resize, crop: crop, interpolation: .bicubic, mean: [0.5, 0.5, 0.5],
                standardDeviation: [0.5, 0.5, 0.5]))
    }

    private static let augReg = [halved("augreg_in21k_ft_in1k"), halved("augreg_in21k")]
    private static let augReg2 = halved("augreg2_in21k_ft_in1k")
    private static let dino = InputPreset("dino", resize: 248, .bicubic)

    private static func augReg384(_ name: String) -> [InputPreset] {
        ["augreg_in21k_ft_in1k", "augreg_in1k"].map { halved("\(name).\($0)", resize: 384, crop: 384) }
    }

    private static func deit(_ name: String) -> InputPreset { InputPreset("\(name).fb_in1k", resize: 248, .bicubic) }

    /// Tags of the weights of timm's network `name`; without a name, of the one that the entry is called after.
    private static func timm(_ presets: [InputPreset], of name: String? = nil) -> [InputPreset] {
        presets.map { preset in name.map { InputPreset("\($0).\(preset.name)", preset.input) } ?? preset }
    }

    /// torchvision's weights from weakly supervised training, whole networks or classifiers only.
    private static func swag(_ side: Int) -> [InputPreset] {
        [
            InputPreset("torchvision-swag-e2e-v1", resize: side, crop: side, .bicubic),
            InputPreset("torchvision-swag-linear-v1", resize: 224, .bicubic),
        ]
    }
}
