import SystemPackage
import Testing
import WeightFiles

/// What the tensors of a file are called, and what is told from that.
struct NamesTests {
    /// The names of a file are the ways to its tensors.
    @Test(arguments: [
        ("bare", ["conv1.weight", "layer1.0.bn1.bias"]),
        ("training", ["best_acc1", "optimizer.state.0.momentum_buffer", "state_dict.module.conv1.weight"]),
        ("torchvision-ema", ["model.conv1.weight", "model.layer1.0.bn1.bias", "model_ema.module.conv1.weight"]),
        ("nested", ["model.state_dict.conv1.weight"]), ("compiled", ["_orig_mod.module.conv1.weight"]),
        ("list", ["0"]), ("pickled-network", ["layer.bias", "layer.weight"]),
        ("pickled-network-stream", ["layer.bias", "layer.weight"]),
        ("pickled-network-in-dictionary", ["model.0.bias", "model.0.weight"]),
        ("wrapped.safetensors", ["module.model.conv1.weight", "module.model.layer1.0.bn1.bias"]),
    ])
    func tensorsAreCalledByTheWayToThem(_ fixture: String, _ names: [String]) throws {
        let file = try WeightFile.open(TorchFixture.path(fixture))
        for name in names { #expect(file.entry(name) != nil, "\(file.tensorNames)") }
        #expect(file.tensorNames == file.tensorNames.sorted())
        let isPickled = fixture.hasPrefix("pickled")
        #expect(file.tensorNames.allSatisfy { file.isInPickledNetwork($0) == isPickled })
    }

    @Test func whatLiesBesideTensorsIsNamed() throws {
        let file = try WeightFile.open(TorchFixture.path("training"))
        #expect(
            file.layout.others.map { "\($0.name): \($0.kind)" } == [
                "epoch: a number", "arch: a text", "args: an object of argparse.Namespace",
                "loss: an object of numpy._core.multiarray.scalar",
                "history: an object of numpy._core.multiarray._reconstruct",
                "started: an object of datetime.datetime", "device: an object of torch.device",
                "type: a class or function", "size: a list", "classes: a dictionary", "big: bytes",
                "bytes: an object of _codecs.encode",
            ])
        #expect(
            try WeightFile.open(TorchFixture.path("number-among-tensors")).layout.others
                == [.init(name: "step", kind: "a number")])
    }

    // MARK: Networks among names

    @Test(arguments: [
        ("module.conv1.weight", "conv1.weight"), ("a.module.b", "a.b"), ("_orig_mod.module.a", "a"),
        ("layer1.0._checkpoint_wrapped_module.conv1.weight", "layer1.0.conv1.weight"),
        ("_fsdp_wrapped_module.layer._fpw_module.w", "layer.w"), ("_forward_module.w", "w"),
        ("modules.a", "modules.a"), ("module", "module"), ("features.0.0.weight", "features.0.0.weight"),
        ("a..b", "a..b"), ("", ""), (".module.", "."),
    ])
    func wordsOfWrappersAreTakenOff(_ name: String, _ bare: String) {
        #expect(TensorNames.bare(name) == bare)
    }

    @Test(arguments: [
        ("", ""), ("teacher", "teacher."), ("teacher.", "teacher."), ("state_dict.module.", "state_dict."),
        ("module", ""), (".", ""), ("a..b", "a.b."),
    ])
    func whatAUserGivesForABeginningEndsWithADot(_ text: String, _ prefix: String) {
        #expect(TensorNames.prefix(text) == prefix)
    }

    @Test func placesAreWhatStandsBeforeAnAnchor() {
        let names = TensorNames([
            "b.layer1.0.x", "layer1.0.x", "a.module.b.layer1.0.y", "layer1.0.layer1.0.z", "mylayer1.0.x", "c.layer1.x",
            "layer1.0",
        ])
        #expect(names.prefixes(before: "layer1.0.") == ["", "b.", "a.b.", "layer1.0."])
        #expect(names.prefixes(before: "nothing.") == [])
        #expect(names.range(under: "").count == 7)
        #expect(names.names[names.range(under: "layer1.0.")].map(\.bare) == ["layer1.0.layer1.0.z", "layer1.0.x"])
        #expect(names.range(under: "z").isEmpty && names.range(under: "layer1.0.y").isEmpty)
    }

    @Test func theNumberOfPlacesIsLimited() {
        let names = TensorNames((0..<1000).map { "n\($0).layer1.0.x" })
        #expect(names.prefixes(before: "layer1.0.").count == 64)
        let deep = String(repeating: "layer1.0.", count: 56) + "x"
        #expect(TensorNames([deep]).prefixes(before: "layer1.0.").count == 56)
    }

    @Test func namesThatNoNetworkHasAreLeftOut() {
        let names = TensorNames(["a", "ä", String(repeating: "a", count: 513), String(repeating: "b", count: 512)])
        #expect(names.names.map(\.index) == [0, 3])
        #expect(names.leftOut == [1, 2])
    }

    /// With and without a wrapper: their tensors keep the names that tell them apart.
    @Test func twoNetworksOfTheSameNamesStayTwo() {
        let names = TensorNames(["conv1.weight", "module.conv1.weight", "module.fc.weight"])
        #expect(names.names.map(\.bare) == ["conv1.weight", "fc.weight", "module.conv1.weight"])
    }

    @Test(arguments: [
        ("state_dict_ema.", true), ("model_ema.module.", true), ("ema.", true), ("ema_model.net.", true),
        ("teacher.backbone.", true), ("target_encoder.", true), ("target_network_state_dict.", true),
        ("module.encoder_k.", true), ("momentum_encoder.", true), ("encoder_m.", true), ("EMA.", true),
        ("encoder_q.", false), ("state_dict.", false), ("target.", false), ("target_domain_classifier.", false),
        ("schema.", false), ("emat.", false), ("model_k_means.", false), ("", false), ("cinema.model.", false),
    ])
    func averagedWeightsAreToldByTheirWords(_ path: String, _ areAveraged: Bool) {
        #expect(AveragedWeights.areNamed(by: path) == areAveraged)
    }

    @Test func namesShareWholeComponents() {
        #expect(TensorNames.sharedBeginning(of: ["resnet.a.b", "resnet.a.c"]) == "resnet.a.")
        #expect(TensorNames.sharedBeginning(of: ["resnet.a", "resnet.ab"]) == "resnet.")
        #expect(TensorNames.sharedBeginning(of: ["a", "ab"]) == "")
        #expect(TensorNames.sharedBeginning(of: ["a.b"]) == "" && TensorNames.sharedBeginning(of: []) == "")
    }

    @Test func groupsAreTheComponentBehindTheSharedBeginning() {
        let names = ["a.b.c.x", "a.b.c.y", "a.b.d", "optimizer.state.0", "optimizer.state.1", "abc.z"]
        let groups = TensorNames.groups(of: names, behind: "a.b.network.")
        #expect(groups.map { "\($0.name) \($0.count)" } == ["a.b.c 2", "a.b.d 1", "optimizer 2", "abc.z 1"])
    }

    @Test func longNamesAreComparedInTimeThatGrowsWithTheirLength() throws {
        let marks = String(String.UnicodeScalarView((0..<480).map { $0 % 2 == 0 ? "\u{301}" : "\u{323}" }))
        let bytes = try SafetensorsWriter.encode(
            (0..<2000).map { .floats("module.a\(marks)\($0)", [1], [0]) }
                + (0..<20_000).map { .floats("layer1.0.\(String(repeating: "x.", count: 100))\($0)", [1], [0]) })
        let time = try ContinuousClock().measure {
            let names = TensorNames(try WeightContents(bytes: bytes).names)
            #expect(names.leftOut.count == 2000)
            #expect(names.prefixes(before: "x.").count == 64)
        }
        #expect(time < .seconds(5))
    }
}
