import Backbones
import Foundation
import ImageCoding
import SystemPackage
import Testing
import WeightFiles

/// Files that describe their own architecture, and those that fail to.
@Suite struct SelfDescribedNetworkTests {
    static let valid = [
        "architecture": "resnet", "block": "basic", "widths": "4,8", "blocks": "1,1", "strides": "1,2", "resize": "40",
        "crop": "32", "interpolation": "bicubic", "mean": "0.5,0.4,0.3", "std": "0.2,0.25,0.3", "trained_by": "anyone",
    ]

    /// Loads a file with this metadata and one tensor that no ResNet has.
    static func load(_ metadata: [String: String]) throws {
        let path = FilePath(NSTemporaryDirectory()).appending("self-described-\(UUID().uuidString).safetensors")
        defer { try? FileManager.default.removeItem(atPath: path.string) }
        try SafetensorsWriter.write([.floats("odd", [1], [0])], metadata: metadata, to: path)
        _ = try Backbone.load(name: "resnet_described", weights: SafetensorsFile(path))
    }

    @Test(arguments: [[:], ["stem_width": "4", "stem_kernel": "3", "stem_stride": "1", "stem_pooling": "false"]])
    func aValidDescriptionGetsAsFarAsTheTensors(stem: [String: String]) {
        #expect {
            try Self.load(Self.valid.merging(stem) { $1 })
        } throws: { error in
            guard case .unfittingWeights(let misfit) = error as? BackboneError, misfit.unexpected == [],
                misfit.misshapen == [], misfit.layout == nil, misfit.names == "It has one tensor: odd."
            else { return false }
            // conv1, bn1, two blocks of ten and the projection between them.
            return misfit.missing.count == 5 + 10 + 10 + 5
        }
    }

    @Test(arguments: [
        ("architecture", "vit", "is \"vit\", not \"resnet\""),
        ("block", "wide", "is \"wide\", not \"basic\" or \"bottleneck\""),
        ("widths", "4,0", "is \"0\", not a whole number from 1 to 8192"),
        ("widths", "4,99999999999999999999", "is \"99999999999999999999\", not a whole number from 1 to 8192"),
        ("widths", "", "is \"\", not a whole number from 1 to 8192"),
        ("widths", "1,1,1,1,1,1,1,1,1", "has 9 stages, more than 8"),
        ("blocks", "1", "has 1 values where widths has 2"),
        ("blocks", "1,100000", "is \"100000\", not a whole number from 1 to 256"),
        ("strides", "1,-2", "is \"-2\", not a whole number from 1 to 8"),
        ("stem_width", "4,4", "has 2 values instead of 1"),
        ("stem_kernel", "4", "is 4, but has to be odd"),
        ("stem_pooling", "yes", "is \"yes\", not \"true\" or \"false\""),
        ("crop", "5000", "is \"5000\", not a whole number from 1 to 4096"),
        ("interpolation", "cubic", "is \"cubic\", not \"bilinear\" or \"bicubic\""),
        ("mean", "0.5,0.4", "is \"0.5,0.4\", not three numbers"),
        ("mean", "0.5,x,0.4,0.3", "is \"0.5,x,0.4,0.3\", not three numbers"),
        ("mean", "0.5,nan,0.4", "is \"0.5,nan,0.4\", not three numbers"),
        ("std", "0.2,0,0.3", "is [0.2, 0.0, 0.3], not three positive numbers"),
    ])
    func anImpossibleEntryIsNamed(key: String, value: String, problem: String) {
        #expect {
            try Self.load(Self.valid.merging([key: value]) { $1 })
        } throws: { error in
            guard case .invalidConfiguration(_, key, let found) = error as? BackboneError else { return false }
            #expect(found == problem)
            return true
        }
    }

    @Test(arguments: valid.keys.filter { $0 != "trained_by" }.sorted())
    func aMissingEntryIsNamed(key: String) {
        #expect {
            try Self.load(Self.valid.filter { $0.key != key })
        } throws: { error in
            if case .invalidConfiguration(_, key, "is missing") = error as? BackboneError { true } else { false }
        }
    }

    /// `demo` is the network that comes with the program and no other.
    @Test func anotherFileIsNotTheDemoBackbone() throws {
        let file = try Fixtures.safetensors("narrow-basic.safetensors")
        let error = BackboneError.describedByFile(
            file: file.path.string, backbone: "demo", name: "resnet_described")
        #expect(throws: error) { try Backbone.load(name: "demo", weights: file) }
        #expect(
            error.description
                == "\(file.path) describes its own architecture, and is not the demo backbone that comes with the program. Set "
                + "backbone.name to resnet_described, which stands for such files.")
        #expect(error.exitCode == 65)
        #expect(BackboneRegistry.backbones(fitting: file) == ["resnet_described"])
        #expect(try BackboneRegistry.backbones(of: file).map(\.description.name) == ["resnet_described"])
    }

    @Test func nothingIsKnownOfSuchANetworkWithoutItsFile() throws {
        #expect(throws: BackboneError.undescribed(backbone: "resnet_described")) {
            try BackboneRegistry.description(named: "resnet_described")
        }
        // But the name is one.
        try BackboneRegistry.check(name: "resnet_described", preset: nil)
        #expect(BackboneRegistry.names.contains("resnet_described"))
    }

    @Test func theErrorSaysWhatToDo() {
        #expect(
            BackboneError.invalidConfiguration(file: "a.safetensors", key: "crop", problem: "is missing").description
                == "The metadata of a.safetensors does not describe a network: the entry crop is missing. Save the file "
                + "again with the metadata that Sources/Backbones/README.md describes.")
    }
}

/// The backbone that comes with the package, where it has been put in.
@Suite(.enabled(if: FileManager.default.fileExists(atPath: DemoBackbone.weights.string)))
struct DemoBackboneTests {
    @Test func itsFileGivesWhatTheRegistrySays() throws {
        let backbone = try Backbone.load(name: "demo", weights: SafetensorsFile(DemoBackbone.weights))
        let description = try BackboneRegistry.description(named: "demo")
        #expect(BackboneRegistry.all.first == description)
        #expect(backbone.defaultInput == description.defaultInput)
        #expect(backbone.channelCount == description.featureMap.channelCount)
        #expect(BackboneRegistry.backbones(fitting: try SafetensorsFile(DemoBackbone.weights)) == ["demo"])
        // As configurations may have it that name the file.
        let copy = FilePath(NSTemporaryDirectory()).appending("demo-\(UUID().uuidString).safetensors")
        try FileManager.default.copyItem(atPath: DemoBackbone.weights.string, toPath: copy.string)
        defer { try? FileManager.default.removeItem(atPath: copy.string) }
        #expect(try Backbone.load(name: "demo", weights: SafetensorsFile(copy)).name == "demo")
        let shape = backbone.featureMapShape(crop: description.defaultInput.crop)
        #expect(shape == description.featureMap)
    }
}
