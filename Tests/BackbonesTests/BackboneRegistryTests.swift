import Backbones
import ImageCoding
import Testing

@Suite struct BackboneRegistryTests {
    @Test(arguments: [
        ("resnet18", 512), ("resnet34", 512), ("resnet50", 2048), ("resnet101", 2048), ("resnet152", 2048),
    ])
    func thePublishedNetworksAreKnownWithTheirPresets(name: String, channelCount: Int) throws {
        let description = try BackboneRegistry.description(named: name)
        #expect(description.family == "ResNet")
        #expect(description.featureMap == .init(height: 7, width: 7, channelCount: channelCount))
        #expect(
            description.defaultInput
                == InputTransform(
                    resize: 256, crop: 224, interpolation: .bilinear, mean: [0.485, 0.456, 0.406],
                    standardDeviation: [0.229, 0.224, 0.225]))
        #expect(BackboneRegistry.all.contains(description))
    }

    @Test(arguments: [
        ("resnext101_32x8d", "ResNet", 7, 2048), ("resnet26d", "ResNet", 7, 2048), ("resnet200d", "ResNet", 8, 2048),
        ("densenet121", "DenseNet", 7, 1024), ("densenet161", "DenseNet", 7, 2208),
        ("densenet201", "DenseNet", 7, 1920),
        ("convnext_tiny", "ConvNeXt", 7, 768), ("convnext_large", "ConvNeXt", 7, 1536),
    ])
    func theOtherConvolutionalNetworksAreKnown(name: String, family: String, side: Int, channelCount: Int) throws {
        let description = try BackboneRegistry.description(named: name)
        #expect(description.family == family)
        #expect(description.featureMap == .init(height: side, width: side, channelCount: channelCount))
    }

    /// Reference/check_presets.py compares all of them with torchvision and timm.
    @Test(arguments: [
        ("resnet50", nil, 256, 224, Interpolation.bilinear), ("resnet50", "torchvision-v1", 256, 224, .bilinear),
        ("resnet50", "torchvision-v2", 232, 224, .bilinear), ("resnet50", "a1_in1k", 235, 224, .bicubic),
        ("resnet50", "a3_in1k", 168, 160, .bicubic), ("densenet121", nil, 256, 224, .bilinear),
        ("convnext_tiny", nil, 236, 224, .bilinear), ("convnext_small", nil, 230, 224, .bilinear),
        ("convnext_base", "fb_in1k", 256, 224, .bicubic), ("resnet101d", nil, 269, 256, .bicubic),
    ])
    func aPresetIsChosenByName(
        name: String, preset: String?, resize: Int, crop: Int, interpolation: Interpolation
    ) throws {
        #expect(
            try BackboneRegistry.description(named: name).input(preset: preset)
                == InputTransform(resize: resize, crop: crop, interpolation: interpolation))
    }

    @Test func anUnknownPresetIsAnsweredWithThoseThereAre() {
        let error = BackboneError.unknownPreset(
            "v3", backbone: "resnet101d", known: ["ra2_in1k", "gluon_in1k"])
        #expect(throws: error) { try BackboneRegistry.description(named: "resnet101d").input(preset: "v3") }
        #expect(error.exitCode == 64)
        #expect(
            error.description
                == "resnet101d has no input preset named \"v3\". It has ra2_in1k, gluon_in1k; leave input.preset out "
                + "for ra2_in1k.")
    }

    @Test func everyPresetIsValidAndItsNameUnique() throws {
        for backbone in BackboneRegistry.all {
            #expect(!backbone.presets.isEmpty)
            #expect(Set(backbone.presets.map(\.name)).count == backbone.presets.count, "\(backbone.name)")
            for preset in backbone.presets { try preset.input.validate() }
        }
    }

    @Test func namesAreUnique() {
        #expect(Set(BackboneRegistry.names).count == BackboneRegistry.names.count)
    }

    @Test(arguments: [
        ("resnet-50", ["resnet50"]), ("ResNet101", ["resnet101"]), ("dmeo", ["demo"]),
        ("resnet", ["resnet18", "resnet34", "resnet50"]), ("vgg16", []), ("efficientnet_b0", []), ("my_network", []),
    ])
    func anUnknownNameIsAnsweredWithTheNearest(name: String, nearest: [String]) {
        #expect(throws: BackboneError.unknownName(name, nearest: nearest)) {
            try BackboneRegistry.description(named: name)
        }
        #expect(throws: BackboneError.unknownName(name, nearest: nearest)) {
            try Backbone.load(name: name, weights: BackboneWeightsTests.resnet18)
        }
    }

    @Test func theErrorSaysWhatToDo() {
        #expect(
            BackboneError.unknownName("resnet51", nearest: ["resnet50", "resnet101"]).description
                == "There is no backbone named \"resnet51\". Did you mean resnet50 or resnet101? "
                + "`infodisent backbones` lists them all.")
        #expect(
            BackboneError.unknownName("vgg16", nearest: []).description
                == "There is no backbone named \"vgg16\". `infodisent backbones` lists them all.")
    }
}
