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

    @Test func namesAreUnique() {
        #expect(Set(BackboneRegistry.names).count == BackboneRegistry.names.count)
    }

    @Test(arguments: [
        ("resnet-50", ["resnet50"]), ("ResNet101", ["resnet101"]), ("dmeo", ["demo"]),
        ("resnet", ["resnet18", "resnet34", "resnet50"]),
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
    }
}
