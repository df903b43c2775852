import Backbones
import Testing

@Suite struct RecognitionTests {
    @Test func aFileIsRecognisedByItsTensors() {
        #expect(BackboneRegistry.backbones(fitting: BackboneWeightsTests.resnet18) == ["resnet18"])
    }

    @Test func theErrorAboutWeightsWithoutADescriptionNamesTheirBackbone() {
        let error = BackboneError.otherWeights(
            file: "in-memory.safetensors", backbone: "demo", fittingBackbones: ["resnet18"])
        #expect(throws: error) { try Backbone.load(name: "demo", weights: BackboneWeightsTests.resnet18) }
        #expect(
            error.description
                == "in-memory.safetensors does not describe its own architecture, which the backbone demo needs. These are "
                + "the weights of resnet18: set backbone.name to that.")
    }

    @Test func theWeightsOfNothingAreAnError() {
        let error = BackboneError.unknownWeights(file: "in-memory.safetensors", names: "It has no tensors.")
        #expect(throws: error) { try BackboneRegistry.backbones(of: WeightsInMemory(parameters: [:])) }
        #expect(error.exitCode == 65)
        #expect(error.description.hasPrefix("in-memory.safetensors holds the weights of no backbone"))
    }

    @Test func withoutItsClassifierToo() {
        var weights = BackboneWeightsTests.resnet18
        weights.parameters["fc.weight"] = nil
        weights.parameters["fc.bias"] = nil
        #expect(BackboneRegistry.backbones(fitting: weights) == ["resnet18"])
    }

    @Test func aFileThatLacksATensorIsNothing() {
        var weights = BackboneWeightsTests.resnet18
        weights.parameters["layer2.0.bn1.bias"] = nil
        #expect(BackboneRegistry.backbones(fitting: weights) == [])
        #expect(BackboneRegistry.backbones(fitting: WeightsInMemory(parameters: [:])) == [])
    }

    /// Names that lie in each other fifty times, under each beginning many.
    @Test func namesThatNestAreSearchedInBoundedTime() {
        let weights = WeightsInMemory(
            shapes: Dictionary(
                uniqueKeysWithValues: (0..<20_000).map {
                    (String(repeating: "layer1.0.", count: 50) + "blocks.0.attn.w\($0)", [1])
                }))
        let time = ContinuousClock().measure { #expect(BackboneRegistry.backbones(fitting: weights) == []) }
        #expect(time < .seconds(20))
    }

    /// No two of these ask for the same tensors, so a file of one is never taken for another.
    @Test(
        arguments: [ResNet.family, DenseNet.family, ConvNeXt.family, SwinTransformer.family].flatMap { family in
            family.entries.map { ($0, family) }
        })
    func networksWithTensorsOfTheirOwnAreToldFromAllOthers(entry: BackboneEntry, family: BackboneFamily) throws {
        let weights = WeightsInMemory(
            parameters: try entry.expectedTensors(of: family).mapValues { .init(shape: $0, values: []) })
        #expect(BackboneRegistry.backbones(fitting: weights) == [entry.name])
    }

    @Test func everyBackboneFitsItsOwnTensors() throws {
        for family in BackboneRegistry.families {
            for entry in family.entries {
                let weights = WeightsInMemory(
                    parameters: try entry.expectedTensors(of: family).mapValues { .init(shape: $0, values: []) })
                #expect(BackboneRegistry.backbones(fitting: weights).contains(entry.name), "\(entry.name)")
            }
        }
    }

    /// Published counts, without the classifier: torchvision's documentation, less 1000 times (D + 1).
    @Test(arguments: [
        ("resnet18", 11_689_512 - 513_000), ("resnet50", 25_557_032 - 2_049_000),
        ("wide_resnet50_2", 68_883_240 - 2_049_000), ("wide_resnet101_2", 126_886_696 - 2_049_000),
        ("resnext50_32x4d", 25_028_904 - 2_049_000), ("resnext101_32x8d", 88_791_336 - 2_049_000),
        ("densenet121", 7_978_856 - 1_025_000), ("densenet161", 28_681_000 - 2_209_000),
        ("densenet169", 14_149_480 - 1_665_000), ("densenet201", 20_013_928 - 1_921_000),
        ("convnext_tiny", 28_589_128 - 769_000 - 1536), ("convnext_small", 50_223_688 - 769_000 - 1536),
        ("convnext_base", 88_591_464 - 1_025_000 - 2048), ("convnext_large", 197_767_336 - 1_537_000 - 3072),
    ])
    func theNumberOfParametersIsThePublishedOne(name: String, count: Int) throws {
        let found = BackboneRegistry.families.lazy.compactMap { family in
            family.entries.first { $0.name == name }.map { (family, $0) }
        }.first
        let (family, entry) = try #require(found)
        let tensors = try entry.expectedTensors(of: family).filter { !$0.key.contains(".running_") }
        #expect(tensors.values.reduce(0) { $0 + $1.reduce(1, *) } == count)
    }
}
