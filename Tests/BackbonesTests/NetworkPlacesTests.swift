import Backbones
import DurableFiles
import SystemPackage
import Tensors
import Testing
import WeightFiles

/// Where a network may lie in a file, and that it is found there; Reference/record_places.py says what the files are.
@Suite struct NetworkPlacesTests {
    static let configuration = ResNetConfiguration(
        block: .basic, stem: .init(width: 2, kernelSide: 3, stride: 2, hasPooling: false),
        stages: [.init(width: 2, blockCount: 1, stride: 1), .init(width: 3, blockCount: 1, stride: 2)])
    static let entry = ResNet.entry("small", configuration, presets: TransformerFamiliesTests.presets)

    static func open(_ name: String) throws -> WeightFile { try WeightFile.open(Fixtures.path("Places/\(name)")) }

    static func load(_ name: String, prefix: String? = nil, useEMA: Bool = false) throws -> Backbone {
        try Backbone.load(entry, of: ResNet.family, weights: open(name), choice: .init(prefix: prefix, useEMA: useEMA))
    }

    static func maps(of backbone: Backbone) -> Tensor {
        let images = Tensor(
            shape: [1, 16, 16, 3], values: HashedNumbers.units("places", count: 768).map { Float($0) })
        return backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
    }

    static let (first, other): (Tensor, Tensor) = (
        maps(of: try! load("plain.safetensors")), maps(of: try! load("other-plain.safetensors"))
    )

    struct Case: CustomTestStringConvertible, Sendable {
        let file: String
        var prefix: String?
        var useEMA = false
        /// Whether it is the other of two networks.
        var isOther = false
        let notes: [String]
        var testDescription: String { "\(file) \(prefix ?? "")\(useEMA ? " averaged" : "")" }
    }

    static func without(_ prefix: String) -> String { "Names were read without \"\(prefix)\"." }
    static func notUsed(_ prefix: String, averaged: Bool = false) -> String {
        "The file also has such a network under \"\(prefix)\"\(averaged ? " (averaged weights)" : ""), which was not used."
    }

    static let cases = [
        Case(file: "plain.safetensors", notes: []),
        Case(file: "whole.pth", notes: []), Case(file: "whole-zip.pth", notes: []),
        Case(file: "whole-in-dictionary-zip.pth", notes: [without("model.module.")]),
        Case(file: "whole-beside-dictionary-zip.pth", notes: [without("state_dict."), notUsed("net.")]),
        Case(
            file: "training.pth",
            notes: [
                without("state_dict.module."),
                "Left out: criterion.class_weights, optimizer (6 tensors).",
            ]),
        Case(
            file: "training-zip.pth",
            notes: [
                without("state_dict.module."),
                "Left out: criterion.class_weights, optimizer (6 tensors).",
            ]),
        Case(
            file: "wrapped.pth",
            notes: [without("model._orig_mod.module.")]),
        Case(file: "averaged-model.pth", notes: [without("module."), "Left out: n_averaged."]),
        Case(
            file: "fastai.pth",
            notes: [without("model.0."), "Left out: model.1 (5 tensors), opt.state.0.avg."]),
        Case(file: "two-networks.pth", prefix: "generator", notes: [without("generator."), notUsed("critic.")]),
        Case(
            file: "two-networks.pth", prefix: "critic.", isOther: true,
            notes: [without("critic."), notUsed("generator.")]),
        Case(
            file: "moco.pth",
            notes: [
                without("state_dict.module.encoder_q."), notUsed("state_dict.module.encoder_k.", averaged: true),
                "Left out: state_dict.module.queue.",
            ]),
        Case(
            file: "moco.pth", useEMA: true, isOther: true,
            notes: [
                without("state_dict.module.encoder_k."), "These are averaged weights (EMA).",
                notUsed("state_dict.module.encoder_q."), "Left out: state_dict.module.queue.",
            ]),
        Case(
            file: "moco.pth", prefix: "state_dict.module.encoder_k", isOther: true,
            notes: [
                without("state_dict.module.encoder_k."), "These are averaged weights (EMA).",
                notUsed("state_dict.module.encoder_q."), "Left out: state_dict.module.queue.",
            ]),
        Case(
            file: "dino.pth",
            notes: [without("student.module.backbone."), notUsed("teacher.backbone.", averaged: true)]),
        Case(
            file: "dino.pth", useEMA: true, isOther: true,
            notes: [
                without("teacher.backbone."), "These are averaged weights (EMA).", notUsed("student.module.backbone."),
            ]),
        Case(
            file: "dino.pth", prefix: "student",
            notes: [
                without("student.module.backbone."), notUsed("teacher.backbone.", averaged: true),
            ]),
        Case(file: "timm-ema.pth", notes: [without("state_dict."), notUsed("state_dict_ema.", averaged: true)]),
        Case(
            file: "timm-ema.pth", useEMA: true, isOther: true,
            notes: [without("state_dict_ema."), "These are averaged weights (EMA).", notUsed("state_dict.")]),
        Case(
            file: "only-ema.pth", useEMA: true, isOther: true,
            notes: [without("model_ema.module."), "These are averaged weights (EMA)."]),
        Case(
            file: "only-ema.pth", prefix: "model_ema", isOther: true,
            notes: [without("model_ema.module."), "These are averaged weights (EMA)."]),
        Case(file: "list.pth", notes: [without("0.")]),
    ]

    @Test(arguments: cases)
    func theNetworkIsFoundWhereItIs(expected: Case) throws {
        let backbone = try Self.load(expected.file, prefix: expected.prefix, useEMA: expected.useEMA)
        #expect(backbone.notes == expected.notes)
        #expect(Self.maps(of: backbone) == (expected.isOther ? Self.other : Self.first))
    }

    @Test func everythingThatTrainersKeepIsClosedAndNamed() throws {
        let file = try Self.open("training.pth")
        #expect(
            file.layout.others.map { "\($0.name): \($0.kind)" } == [
                "epoch: a number", "scheduler: a dictionary",
                "whole_scheduler: an object of torch.optim.lr_scheduler.LambdaLR",
                "loss_function: an object of functools.partial", "activation: a class or function",
                "phase: an object of __main__.Phase", "args: an object of argparse.Namespace",
                "config: an object of omegaconf.dictconfig.DictConfig",
                "history: an object of mmengine.logging.history_buffer.HistoryBuffer",
                "curve: an object of numpy._core.multiarray._reconstruct",
                "best: an object of numpy._core.multiarray.scalar",
                "names: an object of numpy._core.multiarray._reconstruct", "random: a list",
                "numpy_random: an object of numpy._core.multiarray._reconstruct",
                "started: an object of datetime.datetime", "versions: a dictionary", "losses: a dictionary",
                "quantised: an object of torch._utils._rebuild_qtensor",
                "wide: an object of torch.ComplexDoubleStorage",
                "sparse: an object of torch._utils._rebuild_sparse_tensor",
                "conjugated: an object of a tensor whose numbers are not what they seem (a negated or conjugated view)",
            ])
    }

    // MARK: Choices

    @Test func ofTwoNetworksOneHasToBeChosen() throws {
        let error = #expect(throws: BackboneError.self) { try Self.load("two-networks.pth") }
        guard case .severalNetworks(_, "small", ["critic.", "generator."]) = error else { throw error! }
        #expect(
            "\(error!)".hasSuffix(
                "holds 2 networks that are small. Their names begin with \"critic.\" or \"generator.\": set backbone.prefix "
                    + "to one of these."))
        #expect(error!.exitCode == 65)
    }

    @Test func averagedWeightsAreUsedOnRequestAlone() throws {
        let only = #expect(throws: BackboneError.self) { try Self.load("only-ema.pth") }
        guard case .onlyAveragedWeights(_, "small", ["model_ema.module."]) = only else { throw only! }
        #expect("\(only!)".contains("--use-ema"))
        let none = #expect(throws: BackboneError.self) { try Self.load("plain.safetensors", useEMA: true) }
        guard case .noAveragedWeights(_, "small", [""]) = none else { throw none! }
        #expect("\(none!)".contains("found: \"\" (nothing)"))
    }

    @Test func whereNothingFitsTheMessageSaysWhatIsThere() throws {
        let error = #expect(throws: BackboneError.self) { try Self.load("two-networks.pth", prefix: "discriminator") }
        guard case .unfittingWeights(let misfit) = error else { throw error! }
        #expect(misfit.prefix == "discriminator." && misfit.missing.count == 30)
        #expect(
            "\(error!)".contains("It has 76 tensors: critic.bn1.bias, critic.bn1.num_batches_tracked,"), "\(error!)")
        let resNet18 = #expect(throws: BackboneError.self) {
            try Backbone.load(name: "resnet18", weights: Self.open("averaged-model.pth"))
        }
        #expect("\(resNet18!)".contains("Its names, behind \"module.\", are those of torchvision and timm."))
        let wrapped = #expect(throws: BackboneError.self) {
            try Backbone.load(name: "resnet18", weights: Self.open("wrapped.pth"))
        }
        #expect("\(wrapped!)".contains("All 38 names begin with \"model._orig_mod.module.\"."), "\(wrapped!)")
    }

    @Test func namesThatShowWhatAFileIsSaySo() {
        for (name, hint) in [
            ("_fsdp_wrapped_module._flat_param", "save a full state dictionary"),
            ("base_model.model.blocks.0.attn.qkv.lora_A.default.weight", "merge them into the network"),
        ] {
            let weights = WeightsInMemory(shapes: [name: [1], "other": [1]])
            let error = #expect(throws: BackboneError.self) { try Backbone.load(name: "vit_b_16", weights: weights) }
            #expect("\(error!)".contains(hint))
            let unknown = #expect(throws: BackboneError.self) { try BackboneRegistry.backbones(of: weights) }
            #expect("\(unknown!)".contains(hint))
        }
    }

    /// Which of two networks it is does not show in the file's digest.
    @Test func aChoiceThatDecidesSomethingIdentifiesTheFeatures() throws {
        let digest = ContentDigest(of: "file")
        func identity(_ name: String, prefix: String? = nil, useEMA: Bool = false) throws -> ContentDigest {
            try Self.load(name, prefix: prefix, useEMA: useEMA).identity(ofFile: digest)
        }
        #expect(try identity("plain.safetensors", prefix: "") == digest)
        #expect(try identity("wrapped.pth", prefix: "model") == digest)
        #expect(try identity("dino.pth", prefix: "student") == digest)
        // Caches say themselves whether weights are averaged.
        #expect(try identity("dino.pth", useEMA: true) == digest)
        let two = try ["generator", "critic."].map { try identity("two-networks.pth", prefix: $0) }
        #expect(two[0] != two[1] && !two.contains(digest))
        #expect(try identity("dino.pth", prefix: "teacher") != digest)
    }

    @Test func networksInAFileAreListedWithTheirPlaces() throws {
        let resNet = try WeightsInMemory(
            shapes: ResNet.family.entries.first { $0.name == "resnet18" }!.expectedTensors(of: ResNet.family))
        let vit = try WeightsInMemory(
            shapes: VisionTransformer.family.entries.first { $0.name == "vit_b_32" }!.expectedTensors(
                of: VisionTransformer.family))
        var both = WeightsInMemory(parameters: [:])
        for (name, parameter) in resNet.parameters {
            both.parameters["net.\(name)"] = parameter
            both.parameters["ema.\(name)"] = parameter
        }
        for (name, parameter) in vit.parameters { both.parameters["tower.visual.\(name)"] = parameter }
        let found = try BackboneRegistry.backbones(of: both)
        #expect(
            found.map { "\($0.description.name) \($0.prefix) \($0.isAveraged)" } == [
                "resnet18 ema. true", "resnet18 net. false", "vit_b_32 tower.visual. false",
            ])
        #expect(BackboneRegistry.backbones(fitting: both) == ["resnet18", "vit_b_32"])
        #expect(try BackboneRegistry.backbones(of: both, prefix: "tower").map(\.prefix) == ["tower.visual."])
        #expect(throws: BackboneError.self) { try BackboneRegistry.backbones(of: both, prefix: "nowhere") }
    }
}

extension WeightsInMemory {
    /// Tensors of these shapes without numbers.
    init(shapes: [String: [Int]]) {
        self.init(parameters: shapes.mapValues { .init(shape: $0, values: []) })
    }
}
