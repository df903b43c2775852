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
                knownLayouts: ["torchvision and timm", "transformers", "nn.Sequential of its parts", "BBN"],
                missing: missing, unexpected: unexpected, misshapen: misshapen,
                names: "It has 101 tensors: bn1.bias, bn1.running_mean, bn1.running_var, ..."))
    }

    /// What lies behind the feature map may be anything; what is not a linear layer on its mean is left out and named.
    @Test(arguments: [
        (["fc.1.weight": [10, 512], "fc.1.bias": [10]], "Left out: fc (2 tensors)."),
        (
            ["fc.0.weight": [512, 512], "fc.0.bias": [512], "fc.2.weight": [128, 512], "fc.2.bias": [128]],
            "Left out: fc (4 tensors)."
        ),
        (["fc.weight": [10, 300], "fc.bias": [10]], "Left out: fc (2 tensors)."),
        (["fc.weight": [10, 512, 1, 1]], "Left out: fc.weight."), (["fc.bias": [10]], "Left out: fc.bias."),
        (["last_linear.weight": [10, 512], "last_linear.bias": [10]], "Left out: last_linear (2 tensors)."),
        (["classifier.0.weight": [10, 512]], "Left out: classifier.0.weight."),
        (
            [
                "projection_head.0.weight": [64, 512], "projection_head.1.running_mean": [64],
                "prototypes.weight": [30, 64],
            ],
            "Left out: projection_head (2 tensors), prototypes.weight."
        ),
        (["queue": [128, 64], "queue_ptr": [1]], "Left out: queue, queue_ptr."),
        (["decoder.0.weight": [3, 512], "neck.weight": [1]], "Left out: decoder.0.weight, neck.weight."),
    ])
    func whatIsBehindTheFeatureMapIsLeftOut(head: [String: [Int]], note: String) throws {
        var weights = Self.resnet18
        weights.parameters["fc.weight"] = nil
        weights.parameters["fc.bias"] = nil
        for (name, shape) in head {
            weights.parameters[name] = .init(shape: shape, values: Array(repeating: 0, count: shape.reduce(1, *)))
        }
        let backbone = try Backbone.load(name: "resnet18", weights: weights)
        #expect(backbone.classifier == nil)
        #expect(backbone.notes == [note])
        #expect(BackboneRegistry.backbones(fitting: weights) == ["resnet18"])
    }

    @Test func aClassifierWithoutBiasesHasZeros() throws {
        var weights = Self.resnet18
        weights.parameters["fc.bias"] = nil
        let backbone = try Backbone.load(name: "resnet18", weights: weights)
        #expect(backbone.classifier?.biases == Array(repeating: 0, count: 10))
        #expect(backbone.notes == [])
    }

    /// A tensor inside of the network that is not asked for means that it computes something else.
    @Test(arguments: [
        "layer5.0.conv1.weight", "layer1.0.se.fc1.weight", "layer2.1.conv2.bias", "conv2.weight", "bn2.weight",
        "stem.0.weight",
        "layer3.0.downsample.2.weight", "conv1.0.weight",
    ])
    func whatIsInsideOfTheNetworkIsNot(name: String) throws {
        let error = Self.error { $0.parameters[name] = .init(shape: [1], values: [0]) }
        guard case .unfittingWeights(let misfit) = error else { throw error! }
        #expect(misfit.unexpected == [name] && misfit.missing == [] && misfit.misshapen == [])
        var weights = Self.resnet18
        weights.parameters[name] = .init(shape: [1], values: [0])
        #expect(BackboneRegistry.backbones(fitting: weights) == [])
    }

    /// Whatever all names begin with, also below others; words of wrappers wherever they stand.
    @Test(arguments: [
        "resnet.", "a.b.c.d.", "module._orig_mod.", "online_network.net.", "0.1.", "Backbone-2.", "layer1.",
        "_fsdp_wrapped_module.",
    ])
    func anyBeginningIsFound(prefix: String) throws {
        var weights = WeightsInMemory(parameters: [:])
        for (name, parameter) in Self.resnet18.parameters {
            let wrapped = name.replacing("layer2.", with: "layer2._fsdp_wrapped_module.")
                .replacing(".conv1.", with: "._checkpoint_wrapped_module.conv1._forward_module.")
            weights.parameters[prefix + wrapped] = parameter
        }
        weights.parameters["other.conv1.weight"] = .init(shape: [2, 2], values: [0, 0, 0, 0])
        weights.parameters["\u{301}conv1.weight"] = .init(shape: [1], values: [0])
        #expect(BackboneRegistry.backbones(fitting: weights) == ["resnet18"])
        let backbone = try Backbone.load(name: "resnet18", weights: weights)
        #expect(backbone.classifier?.classCount == 10)
        #expect(
            backbone.notes == [
                "Names were read without \"\(prefix)\".",
                "Passed over in names: _fsdp_wrapped_module, _checkpoint_wrapped_module, _forward_module.",
                "Left out: other.conv1.weight, \u{301}conv1.weight.",
            ])
        let named = #expect(throws: BackboneError.self) { try Backbone.load(name: "resnet50", weights: weights) }
        #expect("\(named!)".contains("These are the weights of resnet18"))
    }

    @Test func namesThatAllBeginAlikeAreSaidTo() throws {
        var weights = WeightsInMemory(parameters: [:])
        for (name, parameter) in Self.resnet18.parameters where name != "bn1.bias" {
            weights.parameters["resnet.\(name)"] = parameter
        }
        let error = #expect(throws: BackboneError.self) { try Backbone.load(name: "resnet18", weights: weights) }
        #expect(
            "\(error!)".contains(
                "1 missing (bn1.bias). Its names, behind \"resnet.\", are those of torchvision and timm. All 101 names begin "
                    + "with \"resnet.\"."), "\(error!)")
    }

    /// The numbering of nn.Sequential, of torchvision's and timm's order of parts.
    @Test(arguments: ["", "encoder.", "0."])
    func partsInASequenceAreFound(prefix: String) throws {
        let numbers = ["conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7, "fc": 9]
        var weights = WeightsInMemory(parameters: [:])
        for (name, parameter) in Self.resnet18.parameters {
            let first = String(name.prefix { $0 != "." })
            weights.parameters["\(prefix)\(numbers[first]!)\(name.dropFirst(first.count))"] = parameter
        }
        let backbone = try Backbone.load(name: "resnet18", weights: weights)
        #expect(backbone.classifier?.classCount == 10)
        #expect(backbone.notes == (prefix.isEmpty ? [] : ["Names were read without \"\(prefix)\"."]))
    }

    /// iNaturalist's network of two branches, which papers on prototypes use.
    @Test func ofTheTwoBranchesOfBBNTheConventionalOneIsTaken() throws {
        var weights = WeightsInMemory(parameters: [:])
        for name in try ResNet.family.entries.first(where: { $0.name == "resnet50" })!
            .expectedTensors(of: ResNet.family)
        {
            let values = Array(repeating: Float(0), count: name.value.reduce(1, *))
            for block in name.key.hasPrefix("layer4.2.") ? ["cb_block.", "rb_block."] : [""] {
                let inner = block.isEmpty ? name.key : block + name.key.dropFirst("layer4.2.".count)
                weights.parameters["module.backbone.\(inner)"] = .init(shape: name.value, values: values)
            }
        }
        weights.parameters["module.classifier.weight"] = .init(
            shape: [2, 4096], values: Array(repeating: 0, count: 8192))
        #expect(BackboneRegistry.backbones(fitting: weights) == ["resnet50"])
        let notes = try Backbone.load(name: "resnet50", weights: weights).notes
        #expect(
            notes == [
                "Names were read without \"module.backbone.\".",
                "Left out: module.backbone.rb_block (15 tensors), module.classifier.weight.",
            ])
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
                instead of [64]). Its names are those of torchvision and timm. It has 101 tensors: bn1.bias, bn1.running_mean, \
                bn1.running_var, ... Choose the backbone that the file was saved from, or the file that belongs to resnet18.
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
        #expect(
            misfit.misshapen.contains(
                .init(name: "layer2.0.conv1.weight", expected: [128, 256, 1, 1], found: [128, 64, 3, 3])))
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
