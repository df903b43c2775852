import Backbones
import SystemPackage
import Tensors
import Testing
import WeightFiles

/// What happens with files that do not hold the weights they should.
@Suite struct BackboneWeightsTests {
    /// The names and shapes of resnet18, zeros and ones instead of trained numbers.
    static let resnet18: WeightsInMemory = {
        var shapes: [String: [Int]] = ["conv1.weight": [64, 3, 7, 7], "fc.weight": [10, 512], "fc.bias": [10]]
        func normalisation(_ prefix: String, _ count: Int) {
            for part in ["weight", "bias", "running_mean", "running_var"] { shapes["\(prefix).\(part)"] = [count] }
        }
        normalisation("bn1", 64)
        for (stage, width) in [64, 128, 256, 512].enumerated() {
            for block in 0..<2 {
                let prefix = "layer\(stage + 1).\(block)"
                let inputs = block == 0 && stage > 0 ? width / 2 : width
                shapes["\(prefix).conv1.weight"] = [width, inputs, 3, 3]
                shapes["\(prefix).conv2.weight"] = [width, width, 3, 3]
                normalisation("\(prefix).bn1", width)
                normalisation("\(prefix).bn2", width)
                if inputs != width {
                    shapes["\(prefix).downsample.0.weight"] = [width, inputs, 1, 1]
                    normalisation("\(prefix).downsample.1", width)
                }
            }
        }
        return WeightsInMemory(
            parameters: shapes.mapValues {
                .init(shape: $0, values: Array(repeating: $0.count == 1 ? 1 : 0, count: $0.reduce(1, *)))
            })
    }()

    /// The error of loading `weights` as resnet18.
    static func error(_ change: (inout WeightsInMemory) -> Void) -> BackboneError? {
        var weights = resnet18
        change(&weights)
        do {
            _ = try Backbone.load(name: "resnet18", weights: weights)
            return nil
        } catch {
            return error as? BackboneError
        }
    }

    @Test func theUnchangedWeightsLoad() throws {
        let backbone = try Backbone.load(name: "resnet18", weights: Self.resnet18)
        #expect(backbone.name == "resnet18")
        #expect(backbone.channelCount == 512)
        #expect(backbone.classifier?.classCount == 10)
        #expect(backbone.featureMapShape(crop: 224).size == SpatialSize(7))
    }

    @Test func countersOfTrainingBatchesAreIgnored() {
        #expect(Self.error { $0.parameters["bn1.num_batches_tracked"] = .init(shape: [], values: [7]) } == nil)
    }

    @Test func theClassifierIsOptionalAndMayHaveAnyNumberOfClasses() throws {
        var weights = Self.resnet18
        weights.parameters["fc.weight"] = nil
        weights.parameters["fc.bias"] = nil
        #expect(try Backbone.load(name: "resnet18", weights: weights).classifier == nil)
        weights.parameters["fc.weight"] = .init(shape: [3, 512], values: Array(repeating: 0, count: 3 * 512))
        weights.parameters["fc.bias"] = .init(shape: [3], values: [1, 2, 3])
        #expect(try Backbone.load(name: "resnet18", weights: weights).classifier?.biases == [1, 2, 3])
    }

    /// The error about a resnet18 with names like torchvision's.
    static func misfit(
        missing: [String] = [], unexpected: [String] = [], misshapen: [BackboneError.MisshapenTensor] = []
    ) -> BackboneError {
        .unfittingWeights(
            .init(
                file: "in-memory.safetensors", backbone: "resnet18", layout: "torchvision and timm",
                knownLayouts: ["torchvision and timm"], missing: missing, unexpected: unexpected, misshapen: misshapen))
    }

    @Test func halfAClassifierIsAnError() {
        let error = Self.error { $0.parameters["fc.weight"] = nil }
        #expect(
            error
                == Self.misfit(missing: ["fc.weight"]))
    }

    @Test func missingUnexpectedAndMisshapenTensorsAreReportedTogether() {
        let error = Self.error { weights in
            weights.parameters["layer1.0.conv1.weight"] = nil
            weights.parameters["layer4.1.bn2.running_var"] = nil
            weights.parameters["layer5.0.conv1.weight"] = .init(shape: [1], values: [0])
            weights.parameters["bn1.bias"] = .init(shape: [32], values: Array(repeating: 0, count: 32))
        }
        #expect(
            error
                == Self.misfit(
                    missing: ["layer1.0.conv1.weight", "layer4.1.bn2.running_var"],
                    unexpected: ["layer5.0.conv1.weight"],
                    misshapen: [.init(name: "bn1.bias", expected: [64], found: [32])]))
        #expect(
            error?.description == """
                in-memory.safetensors does not hold the weights of resnet18: 2 missing (layer1.0.conv1.weight, \
                layer4.1.bn2.running_var); 1 unexpected (layer5.0.conv1.weight); 1 of another shape (bn1.bias is [32] \
                instead of [64]). Its names are those of torchvision and timm. Choose the backbone that the file was saved from, or the file that belongs to resnet18.
                """)
    }

    @Test func ofManyMissingTensorsTheFirstAndTheCountAreNamed() throws {
        let error = #expect(throws: BackboneError.self) {
            try Backbone.load(name: "resnet18", weights: WeightsInMemory(parameters: [:]))
        }
        #expect(
            error!.description.contains(
                "100 missing (conv1.weight, bn1.weight, bn1.bias, bn1.running_mean, bn1.running_var and 95 more)"))
    }

    @Test func theWeightsOfAnotherBackboneAreRefused() throws {
        let error = #expect(throws: BackboneError.self) {
            try Backbone.load(name: "resnet50", weights: Self.resnet18)
        }
        guard case .unfittingWeights(let misfit) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(misfit.missing.contains("layer1.0.conv3.weight"))
        #expect(misfit.misshapen.contains(.init(name: "fc.weight", expected: [10, 2048], found: [10, 512])))
        #expect(misfit.fittingBackbones == ["resnet18"])
        #expect(
            misfit.description.hasSuffix(
                "These are the weights of resnet18: set backbone.name to that, or choose the file that belongs to "
                    + "resnet50."))
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func numbersThatAreNotFiniteAreRefused(value: Float) {
        let error = Self.error { $0.parameters["layer2.1.conv2.weight"]!.values[77] = value }
        guard case .unusableValue("in-memory.safetensors", "layer2.1.conv2.weight", 77, _, "a finite number") = error
        else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error!.description.hasPrefix("Element 77 of the tensor layer2.1.conv2.weight in in-memory.safetensors"))
    }

    @Test func aNegativeVarianceIsRefused() {
        #expect(
            Self.error { $0.parameters["layer3.0.bn1.running_var"]!.values[5] = -1 }
                == .unusableValue(
                    file: "in-memory.safetensors", tensor: "layer3.0.bn1.running_var", index: 5, value: -1,
                    expectation: "a variance, not below 0"))
    }
}
