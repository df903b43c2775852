import Backbones
import DurableFiles
import Foundation
import ImageCoding
import SystemPackage
import Tensors
import Testing
import WeightFiles

/// Narrow networks as transformers saves them, against what it computes in double precision; Reference/record_pretrained.py
/// says what they are.
@Suite struct PretrainedNetworksTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let size: (height: Int, width: Int)
        let family: BackboneFamily
        let entry: BackboneEntry
        /// What stands before the names in the file.
        let prefix: String

        var testDescription: String { name }

        static func vit(_ name: String, registerCount: Int = 0, prefix: String) -> Case {
            let network = TransformerFamiliesTests.visionTransformer(name, registerCount: registerCount)
            return Case(name: name, size: (20, 20), family: network.family, entry: network.entry, prefix: prefix)
        }

        static func swin(_ version: SwinTransformerConfiguration.Version) -> Case {
            let network = TransformerFamiliesTests.swin(version, "transformers")
            let name = version == .first ? "swin" : "swinv2"
            return Case(name: name, size: (64, 64), family: network.family, entry: network.entry, prefix: "\(name).")
        }

        static func resNet(
            _ name: String, _ block: ResNetConfiguration.Block, _ stages: [(Int, Int)], prefix: String
        ) -> Case {
            let configuration = ResNetConfiguration(
                block: block, stem: .init(width: 8),
                stages: stages.enumerated().map { .init(width: $1.0, blockCount: $1.1, stride: $0 == 0 ? 1 : 2) })
            return Case(
                name: name, size: (75, 90), family: ResNet.family,
                entry: ResNet.entry(name, configuration, presets: TransformerFamiliesTests.presets), prefix: prefix)
        }

        func load(_ weights: any WeightSource) throws -> Backbone {
            try Backbone.load(entry, of: family, weights: weights)
        }

        func load() throws -> Backbone { try load(WeightFile.open(PretrainedNetworksTests.path(name))) }

        func images(name: String? = nil) -> Tensor {
            let shape = [2, size.height, size.width, 3]
            let units = HashedNumbers.units("\(name ?? self.name) images", count: shape.reduce(1, *))
            return Tensor(shape: shape, values: units.map { Float(2 * $0) })
        }

        func maps(of backbone: Backbone, imagesOf name: String? = nil) -> Tensor {
            backbone.featureMaps(of: images(name: name), workspace: backbone.makeWorkspace())
        }
    }

    static let resNet = Case.resNet("resnet", .bottleneck, [(4, 2), (6, 1)], prefix: "resnet.")
    static let convNeXt = Case(
        name: "convnext", size: (75, 90), family: ConvNeXt.family, entry: ConvolutionalFamiliesTests.convNeXt.entry,
        prefix: "convnext.")
    static let deit = Case.vit("deit", prefix: "deit.")
    static let (swin, swinV2) = (Case.swin(.first), Case.swin(.second))
    static let (vit, dinoV2) = (Case.vit("vit", prefix: "vit."), Case.vit("dinov2", prefix: "dinov2."))
    static let all = [
        resNet, Case.resNet("resnet-basic", .basic, [(8, 1), (12, 2)], prefix: ""), convNeXt, vit, deit,
        Case.vit("vit-mae", prefix: "vit."), dinoV2, Case.vit("dinov2-registers", registerCount: 4, prefix: ""), swin,
        swinV2,
    ]

    static func path(_ name: String) -> FilePath { Fixtures.path("Pretrained/\(name)") }

    static func expected(_ name: String) throws -> Tensor {
        try Fixtures.safetensors("Pretrained/expected.safetensors").tensor(name)
    }

    /// Of maps, relative to the largest value. The second version of Swin multiplies cosines, and their rounding errors.
    static func tolerance(_ name: String) -> Double { name.hasPrefix("swinv2") ? 1e-5 : 2e-6 }

    @Test(arguments: all)
    func featureMapsAgreeWithTransformers(network: Case) throws {
        let backbone = try network.load()
        let (maps, reference) = (network.maps(of: backbone), try Self.expected(network.name))
        #expect(maps.shape == reference.shape)
        let error = TransformerFamiliesTests.error(maps, reference)
        #expect(error < Self.tolerance(network.name), "\(error)")
        #expect(
            backbone.notes.contains("Names were read without \"\(network.prefix)\".") == !network.prefix.isEmpty,
            "\(backbone.notes)")
    }

    @Test(arguments: [resNet, convNeXt, swin, swinV2])
    func theClassifierBesideTheNetworkGivesTransformersLogits(network: Case) throws {
        let backbone = try network.load()
        let classifier = try #require(backbone.classifier)
        let workspace = backbone.makeWorkspace()
        let means = Activations(copying: network.maps(of: backbone), in: workspace).spatialMean(in: workspace).tensor()
        let logits = (0..<2).flatMap { classifier.logits(ofMean: means.images($0..<$0 + 1).values) }
        let error = errorRelativeToLargest(logits, try Self.expected("\(network.name) logits").values)
        #expect(error < 2e-5, "\(error)")
        #expect(!backbone.notes.contains { $0.contains("Left out") }, "\(backbone.notes)")
    }

    /// Since version 5 of transformers names in memory are others than on disk.
    @Test(arguments: [vit, dinoV2, swin])
    func stateDictionariesThatWereSavedFromMemoryGiveTheSameBits(network: Case) throws {
        let file = try WeightFile.open(Self.path("\(network.name)-memory.pth"))
        let onDisk = try WeightFile.open(Self.path(network.name))
        #expect(file.tensorNames != onDisk.tensorNames)
        #expect(network.maps(of: try network.load(file)) == network.maps(of: try network.load()))
    }

    @Test func theArchivesOfVisionTransformersInFlaxGiveTheSameBits() throws {
        let network = TransformerFamiliesTests.vit
        let expected = try network.load()
        let file = try WeightFile.open(Fixtures.path("transformer-vit-flax.npz"))
        #expect(file.layout.form == .numpyArchive)
        let backbone = try Backbone.load(network.entry, of: network.family, weights: file)
        let images = network.images(SpatialSize(20))
        #expect(
            backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
                == expected.featureMaps(of: images, workspace: expected.makeWorkspace()))
        #expect(backbone.notes == [])
    }

    // MARK: config.json

    /// A copy of a saved network, with another `config.json`; without one if it is nil.
    static func copy(
        of name: String, change: (inout [String: Any]) -> Void = { _ in }, keeping: Bool = true,
        _ body: (FilePath) throws -> Void
    ) throws {
        let folder = FilePath(NSTemporaryDirectory()).appending("pretrained-\(UUID().uuidString)")
        try FileManager.default.copyItem(atPath: path(name).string, toPath: folder.string)
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        let file = folder.appending("config.json")
        var object =
            try JSONSerialization.jsonObject(with: Data(DurableFile.read(file))) as? [String: Any] ?? [:]
        change(&object)
        try FileManager.default.removeItem(atPath: file.string)
        if keeping { try JSONSerialization.data(withJSONObject: object).write(to: URL(filePath: file.string)) }
        try body(folder)
    }

    /// 0.01 in this file, which shows.
    @Test func theEpsilonIsReadBesideTheFile() throws {
        let reference = try Self.expected("deit")
        #expect(
            try Self.deit.load().notes.contains(
                "config.json beside it says: layer_norm_eps 0.01, the names of 5 classes."))
        for (change, assumed): ((inout [String: Any]) -> Void, Bool) in [
            ({ $0["model_type"] = "bert" }, true), ({ $0["layer_norm_eps"] = nil }, false),
        ] {
            try Self.copy(of: "deit", change: change) { folder throws in
                let backbone = try Self.deit.load(WeightFile.open(folder))
                #expect(TransformerFamiliesTests.error(Self.deit.maps(of: backbone), reference) > 1e-4)
                #expect(backbone.notes.contains { $0.contains("layer_norm_eps 1e-12 is assumed") } == assumed)
            }
        }
        try Self.copy(of: "deit", keeping: false) { folder throws in
            #expect(try Self.deit.load(WeightFile.open(folder)).notes.contains { $0.contains("is assumed") })
        }
    }

    @Test func theNamesOfClassesAreReadBesideTheFile() throws {
        let labels = ["tench", "goldfish", "great white shark", "tiger shark", "hammerhead"]
        #expect(try Self.vit.load().labelNames == labels)
        #expect(try Self.resNet.load().labelNames == labels)
        // Placeholders are none, nor are those of another number of classes.
        let changes: [(inout [String: Any]) -> Void] = [
            { $0["id2label"] = ["0": "LABEL_0", "1": "LABEL_1"] }, { $0["id2label"] = ["0": "a", "1": "b"] },
            { $0["id2label"] = ["0": "a", "2": "b"] }, { $0["model_type"] = "yolos" },
        ]
        for change in changes {
            try Self.copy(of: "resnet", change: change) { folder throws in
                #expect(try Self.resNet.load(WeightFile.open(folder)).labelNames == nil)
            }
        }
    }

    /// As the classes of transformers save themselves.
    @Test(
        arguments: [
            // ViT; DeiT; ConvNeXt and ResNet of less than 384 pixels and of more; DINOv2; as ViT was saved before 4.26.
            (
                #"{"image_processor_type": "ViTImageProcessor", "do_resize": true, "size": {"height": 224, "width": 224}, "resample": 2, "#
                    + #""rescale_factor": 0.00392156862745098, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#,
                InputTransform(
                    resize: 224, squash: true, crop: 224, mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5])
            ),
            (
                #"{"size": {"height": 256, "width": 256}, "crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "#
                    + #""resample": 3, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}"#,
                InputTransform(resize: 256, squash: true, crop: 224, interpolation: .bicubic)
            ),
            (
                #"{"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}, "crop_pct": 0.875, "#
                    + #""resample": 3, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}"#,
                InputTransform(resize: 256, crop: 224, interpolation: .bicubic)
            ),
            (
                #"{"feature_extractor_type": "ConvNextFeatureExtractor", "size": 384, "crop_pct": 0.875, "#
                    + #""resample": 3, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}"#,
                InputTransform(resize: 384, squash: true, crop: 384, interpolation: .bicubic)
            ),
            (
                #"{"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 256}, "do_center_crop": true, "#
                    + #""crop_size": {"height": 224, "width": 224}, "resample": 3, "#
                    + #""image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}"#,
                InputTransform(resize: 256, crop: 224, interpolation: .bicubic)
            ),
            (
                #"{"do_normalize": true, "do_resize": true, "size": 224, "resample": 2, "image_mean": [0.5, 0.5, 0.5], "#
                    + #""image_std": [0.5, 0.5, 0.5]}"#,
                InputTransform(
                    resize: 224, squash: true, crop: 224, mean: [0.5, 0.5, 0.5], standardDeviation: [0.5, 0.5, 0.5])
            ),
        ] as [(String, InputTransform)])
    func howImagesArePreparedIsReadBesideTheFile(text: String, input: InputTransform) throws {
        try Self.copy(of: "resnet") { folder in
            try DurableFile.write(text, to: folder.appending("preprocessor_config.json"))
            let backbone = try Self.resNet.load(WeightFile.open(folder))
            #expect(backbone.presets.map(\.name) == ["own", "test"])
            #expect(try backbone.defaultInput == input && backbone.input(preset: "own") == input)
            #expect(backbone.notes.contains { $0.contains("preprocessor_config.json beside it says how images") })
        }
    }

    @Test(arguments: [
        "{}", #"{"size": 224, "resample": 1, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#,
        #"{"size": 224, "resample": 2, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0]}"#,
        #"{"size": 224, "resample": 2, "image_mean": [0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#,
        #"{"size": 99999999999, "resample": 2, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}"#,
        #"{"size": {"shortest_edge": 224}, "resample": 2, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}"#,
        #"{"size": {"height": 2, "width": 3}, "resample": 2, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}"#,
        #"{"size": 224, "rescale_factor": 1, "resample": 2, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}"#,
        #"{"size": 224, "do_normalize": false, "resample": 2, "image_mean": [0, 0, 0], "image_std": [1, 1, 1]}"#,
    ])
    func whatCannotBeDoneWithImagesIsNotTaken(text: String) throws {
        try Self.copy(of: "resnet") { folder in
            try DurableFile.write(text, to: folder.appending("preprocessor_config.json"))
            #expect(try Self.resNet.load(WeightFile.open(folder)).presets.map(\.name) == ["test"])
        }
    }

    @Test func imagesOfAnotherSizeThanTheDefaultAreSaidTo() throws {
        #expect(try Self.vit.load().notes.count == 2)
        let enlarge: (inout [String: Any]) -> Void = { $0["image_size"] = 384 }
        try Self.copy(of: "resnet", change: enlarge) { folder in
            let notes = try Self.resNet.load(WeightFile.open(folder)).notes
            #expect(
                notes.contains {
                    $0.contains("trained on images of 384 x 384 pixels; the default preset, test, makes 20 x 20")
                })
        }
        // Of the torchvision's names a config.json is not asked.
        let file = try WeightFile.open(Fixtures.path("narrow-basic.safetensors"))
        #expect(try Backbone.load(name: "resnet_described", weights: file).notes == [])
    }

    /// What is beside the file and changes what is computed is a part of what identifies features.
    @Test func whatIsReadBesideTheFileIdentifiesTheFeatures() throws {
        let digest = ContentDigest(of: "file")
        #expect(try Self.vit.load().identity(ofFile: digest) == digest)
        #expect(try Self.swin.load().identity(ofFile: digest) == digest)
        #expect(try Self.deit.load().identity(ofFile: digest) != digest)
    }

    @Test(
        arguments: [
            ("vit", "num_attention_heads", 4, "num_attention_heads is 4 instead of 2"),
            ("vit", "layer_norm_eps", -1, "layer_norm_eps is -1.0 instead of a number between 0 and 1"),
            ("vit", "hidden_act", "quick\u{1B}gelu", "hidden_act is quick\\u{1b}gelu instead of gelu"),
            ("vit", "hidden_act", "quick_gelu", "hidden_act is quick_gelu instead of gelu"),
            ("resnet", "downsample_in_bottleneck", true, "downsample_in_bottleneck is true instead of false"),
            ("resnet", "downsample_in_first_stage", true, "downsample_in_first_stage is true instead of false"),
            ("swinv2", "window_size", 8, "window_size is 8 instead of 4"),
            ("swin", "num_heads", [2, 2], "num_heads is [2, 2] instead of [1, 2]"),
        ] as [(String, String, any Sendable, String)])
    func whatContradictsTheNetworkIsAnError(name: String, key: String, value: any Sendable, message: String) throws {
        let network = Self.all.first { $0.name == name }!
        let contradict: (inout [String: Any]) -> Void = { $0[key] = value }
        try Self.copy(of: name, change: contradict) { folder throws in
            let error = #expect(throws: BackboneError.self) { try network.load(WeightFile.open(folder)) }
            #expect("\(error!)".contains("config.json says that \(message)"), "\(error!)")
        }
    }

    /// Offsets count in the windows of the first training: nothing but config.json, or a table in Microsoft's files, says so.
    @Test func windowsOfTheFirstTrainingScaleOffsets() throws {
        let reference = try Self.expected("swinv2-of-6")
        let plain = try Self.swinV2.load()
        #expect(TransformerFamiliesTests.error(Self.swinV2.maps(of: plain, imagesOf: "swinv2-of-6"), reference) > 1e-3)
        try Self.copy(of: "swinv2-of-6") { folder throws in
            let weights = Self.path("swinv2").appending("model.safetensors")
            try FileManager.default.copyItem(
                atPath: weights.string, toPath: folder.appending("model.safetensors").string)
            let backbone = try Self.swinV2.load(WeightFile.open(folder))
            let maps = Self.swinV2.maps(of: backbone, imagesOf: "swinv2-of-6")
            let error = TransformerFamiliesTests.error(maps, reference)
            #expect(error < 1e-5, "\(error)")
            let digest = ContentDigest(of: "file")
            #expect(backbone.identity(ofFile: digest) != digest)
        }
        // The same, said by tables: 8 (4 - 1) / (6 - 1) on the logarithmic scale is the farthest offset.
        var weights = try WeightsInMemory(copying: Fixtures.safetensors("Pretrained/swinv2/model.safetensors"))
        for stage in 0..<2 {
            for block in 0..<2 {
                let farthest = Float(log2(8 * 3.0 / 5 + 1) / 3)
                weights.parameters[
                    "swinv2.encoder.layers.\(stage).blocks.\(block).attention.self.relative_coords_table"] =
                    .init(shape: [1, 7, 7, 2], values: Array(repeating: farthest, count: 98))
            }
        }
        let maps = Self.swinV2.maps(of: try Self.swinV2.load(weights), imagesOf: "swinv2-of-6")
        #expect(TransformerFamiliesTests.error(maps, reference) < 1e-5)
    }
}

/// Narrow networks in checkpoints of MMPretrain, against what it computes in double precision;
/// Reference/record_mmpretrain.py says what they are.
@Suite struct MMPretrainTests {
    static let networks: [PretrainedNetworksTests.Case] = [
        PretrainedNetworksTests.vit, PretrainedNetworksTests.swin, PretrainedNetworksTests.swinV2,
        PretrainedNetworksTests.convNeXt,
    ]

    @Test(arguments: networks)
    func featureMapsAgreeWithMMPretrain(network: PretrainedNetworksTests.Case) throws {
        let file = try WeightFile.open(Fixtures.path("MMPretrain/\(network.name).pth"))
        let backbone = try network.load(file)
        let reference = try Fixtures.safetensors("MMPretrain/expected.safetensors").tensor(network.name)
        let error = TransformerFamiliesTests.error(network.maps(of: backbone), reference)
        #expect(error < PretrainedNetworksTests.tolerance(network.name), "\(error)")
        #expect(backbone.notes.contains("Names were read without \"state_dict.backbone.\"."), "\(backbone.notes)")
        // The class token's is of no use here.
        #expect((backbone.classifier?.classCount == 5) == (network.name != "vit"))
        #expect(file.layout.others.map(\.name) == ["meta", "message_hub"])
    }
}
