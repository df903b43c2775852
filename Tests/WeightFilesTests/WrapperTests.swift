import Testing
import WeightFiles

struct WrapperTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let file: String
        var useEMA = false
        let path: String
        var first: Float = 1
        var names = ["conv1.weight", "layer1.0.bn1.bias"]
        var alternatives: [String] = []
        var ignored: [String] = []
        var testDescription: String { file + (useEMA ? " with the averaged weights" : "") }
    }

    /// What training programs write, and how the network is found in it.
    private static let cases = [
        Case(file: "bare", path: "bare"),
        Case(file: "training", path: "state_dict, module.*"),
        Case(file: "training-stream", path: "state_dict, module.*"),
        Case(file: "timm-ema", path: "state_dict", alternatives: ["\"state_dict_ema\""]),
        Case(file: "timm-ema", useEMA: true, path: "state_dict_ema", first: 2),
        Case(file: "torchvision-ema", path: "model", alternatives: ["\"model_ema\""]),
        Case(file: "torchvision-ema", useEMA: true, path: "model_ema, module.*", first: 2, ignored: ["n_averaged"]),
        Case(file: "only-ema", useEMA: true, path: "state_dict_ema", first: 2),
        Case(file: "dino", path: "student, module.*, backbone.*", alternatives: ["\"teacher\""]),
        Case(
            file: "dino", useEMA: true, path: "teacher, backbone.*", first: 2,
            ignored: ["head.conv1.weight", "head.layer1.0.bn1.bias"]),
        Case(file: "ijepa", path: "encoder, module.*", alternatives: ["\"target_encoder\""]),
        Case(file: "ijepa", useEMA: true, path: "target_encoder, module.*", first: 2),
        Case(
            file: "lightning", path: "state_dict, model.*", alternatives: ["model_ema.*"],
            ignored: ["loss.weight", "model_ema.conv1.weight", "model_ema.layer1.0.bn1.bias"]),
        Case(
            file: "lightning", useEMA: true, path: "state_dict, model_ema.*", first: 2,
            ignored: ["loss.weight", "model.conv1.weight", "model.layer1.0.bn1.bias"]),
        Case(
            file: "moco", path: "state_dict, module.*, encoder_q.*",
            ignored: ["module.encoder_k.conv1.weight", "module.encoder_k.layer1.0.bn1.bias", "module.queue"]),
        Case(
            file: "openclip", path: "visual.trunk.*",
            ignored: ["logit_scale", "text.token_embedding.weight", "visual.head.proj.weight"]),
        Case(
            file: "pipnet", path: "model_state_dict, module.*, _net.*",
            names: ["features.0.0.weight", "features.0.1.bias"], ignored: ["module._classification.weight"]),
        Case(
            file: "bbn", path: "net, module.*, backbone.*",
            names: ["conv1.weight", "layer4.1.bn1.bias", "layer4.2.conv1.weight"],
            ignored: ["module.backbone.rb_block.conv1.weight", "module.classifier.weight"]),
        Case(file: "compiled", path: "_orig_mod.*, module.*"),
        Case(file: "nested", path: "model, state_dict"),
        Case(file: "wrapped.safetensors", path: "module.*, model.*"),
        Case(
            file: "torchvision-convnext", path: "bare",
            names: ["classifier.2.weight", "features.0.0.weight", "features.1.0.block.0.weight"]),
        Case(file: "a-part-named-backbone", path: "bare", names: ["backbone.stage.weight", "conv1.weight"]),
        Case(file: "number-among-tensors", path: "bare", ignored: ["step"]),
    ]

    @Test(arguments: cases)
    func `the network is found in what was saved around it`(_ expected: Case) throws {
        let file = try WeightFile.open(TorchFixture.path(expected.file), useEMA: expected.useEMA)
        #expect(file.layout.path == expected.path)
        #expect(file.tensorNames == expected.names)
        let first = expected.names.contains("conv1.weight") ? "conv1.weight" : "features.0.0.weight"
        if expected.file != "a-part-named-backbone" { #expect(try file.floats(first) == [expected.first, 0]) }
        #expect(file.layout.alternatives == expected.alternatives)
        #expect(file.layout.ignored.map(\.name).sorted() == expected.ignored)
        #expect(file.layout.usesEMA == expected.useEMA)
        #expect(file.layout.notes.isEmpty == (expected.path == "bare" && expected.ignored.isEmpty))
    }

    @Test func `averaged weights are used on request alone, and a request for none is an error`() throws {
        #expect(throws: LayoutFault.onlyEMA("state_dict_ema")) {
            try WeightContents(bytes: TorchFixture.bytes("only-ema"))
        }
        #expect("\(LayoutFault.onlyEMA("state_dict_ema"))".contains("--use-ema"))
        #expect(throws: LayoutFault.noEMA(found: "state_dict, module.*")) {
            try WeightContents(bytes: TorchFixture.bytes("training"), useEMA: true)
        }
        #expect(throws: LayoutFault.onlyEMA("teacher.*")) { try layout("teacher.conv1.weight", "teacher.conv2.weight") }
        #expect(throws: LayoutFault.noEMA(found: "bare")) { try layout("conv1.weight", useEMA: true) }
    }

    @Test func `the other branch of BBN is left out and said so`() throws {
        let file = try WeightFile.open(TorchFixture.path("bbn"))
        #expect(file.layout.renamedPrefixes == ["cb_block.": "layer4.2."])
        #expect(
            file.layout.notes == [
                "The tensors are those under net.", "Names were read without \"module.\", then without \"backbone.\".",
                "Names that begin with \"cb_block.\" were read as \"layer4.2.\".",
                "Left out: module.classifier.weight (outside backbone.) and 1 more.",
            ])
    }

    /// Names and path of a file with tensors of these names.
    private func layout(_ names: String..., useEMA: Bool = false) throws -> (path: String, names: [String]) {
        let bytes = try SafetensorsWriter.encode(names.map { .floats($0, [1], [0]) })
        let contents = try WeightContents(bytes: bytes, useEMA: useEMA)
        return (contents.layout.path, contents.names)
    }

    @Test func `names that are the network's own stay as they are`() throws {
        for names in [
            ["features.0.0.weight", "features.1.0.weight"], ["features.conv0.weight", "features.denseblock1.x.weight"],
            ["encoder.layers.encoder_layer_0.ln_1.weight", "class_token", "conv_proj.weight"],
            ["stem.0.weight", "stages.0.blocks.0.gamma", "head.fc.weight"], ["model"], ["module."],
            ["net.a", "conv1.weight", "net.b"], ["blocks.0.attn.qkv.weight", "cls_token", "model.x", "model.y"],
            ["cb_block.conv1.weight", "rb_block.conv1.weight", "conv1.weight"],
        ] {
            let bytes = try SafetensorsWriter.encode(names.map { .floats($0, [1], [0]) })
            let contents = try WeightContents(bytes: bytes)
            #expect(contents.layout.path == "bare", "\(names)")
            #expect(contents.names == names.sorted(), "\(names)")
        }
    }

    @Test func `beginnings are taken off again and again, to a limit`() throws {
        let found = try layout(
            "module.model.backbone.conv1.weight", "module.model.head.weight", "module.model.backbone.b")
        #expect(found.path == "module.*, model.*, backbone.*")
        #expect(found.names == ["b", "conv1.weight"])
        let siamese = try layout("module.encoder.conv1.weight", "module.encoder.fc.weight", "module.predictor.0.weight")
        #expect(siamese.path == "module.*, encoder.*")
        #expect(siamese.names == ["conv1.weight", "fc.weight"])
        let deep = String(repeating: "module.", count: 100)
        #expect(try layout(deep + "w").names == [String(repeating: "module.", count: 84) + "w"])
    }

    @Test func `long names are compared in time that grows with their length`() throws {
        let marks = String(String.UnicodeScalarView((0..<480).map { $0 % 2 == 0 ? "\u{301}" : "\u{323}" }))
        let bytes = try SafetensorsWriter.encode((0..<2000).map { .floats("module.a\(marks)\($0)", [1], [0]) })
        var path = ""
        let time = try ContinuousClock().measure { path = try WeightContents(bytes: bytes).layout.path }
        #expect(path == "module.*")
        #expect(time < .seconds(5))
    }
}
