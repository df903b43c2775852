import Backbones
import ImageCoding
import Tensors
import Testing
import WeightFiles

/// Narrow transformers against PyTorch in double precision; Reference/record_transformers.py says what they are.
@Suite struct TransformerFamiliesTests {
    struct Case: CustomTestStringConvertible, Sendable {
        /// Of its images and expected maps.
        let name: String
        /// Of its weights.
        let file: String
        let family: BackboneFamily
        let entry: BackboneEntry
        /// Of the images that maps were recorded for, and what is appended to the map's name for each.
        let sizes: [(SpatialSize, String)]

        var testDescription: String { file }

        /// The second version of Swin multiplies cosines, and their rounding errors, with up to 100.
        var tolerance: Double { name.hasPrefix("swinv2") ? 1e-4 : 1e-5 }

        func weights() throws -> WeightsInMemory {
            try WeightsInMemory(copying: Fixtures.safetensors("transformer-\(file).safetensors"))
        }

        func load(_ weights: WeightsInMemory? = nil) throws -> Backbone {
            try Backbone.load(entry, of: family, weights: weights ?? self.weights())
        }

        func images(_ size: SpatialSize, count: Int = 2) -> Tensor {
            let shape = [count, size.height, size.width, 3]
            let units = HashedNumbers.units("\(name) images", count: shape.reduce(1, *))
            return Tensor(shape: shape, values: units.map { Float(2 * $0) })
        }
    }

    static let presets = [InputPreset("test", resize: 20, crop: 20)]
    static let square = (SpatialSize(20), "")

    static func visionTransformer(
        _ name: String, file: String? = nil, registerCount: Int = 0, sizes: [(SpatialSize, String)] = [square]
    ) -> Case {
        let configuration = VisionTransformerConfiguration(
            width: 16, headCount: 2, blockCount: 2, patchSide: 4, registerCount: registerCount, gridSide: 5)
        return Case(
            name: name, file: file ?? name, family: VisionTransformer.family,
            entry: VisionTransformer.entry(name, configuration, presets: presets), sizes: sizes)
    }

    static let resized = [
        square, (SpatialSize(height: 28, width: 36), " 28x36"), (SpatialSize(height: 12, width: 20), " 12x20"),
    ]
    static let vit = visionTransformer("vit", file: "vit-torchvision", sizes: resized)
    static let vitOfTimm = visionTransformer("vit", file: "vit-timm", sizes: resized)
    static let distilled = visionTransformer("distilled")
    static let registers = visionTransformer("registers", registerCount: 4)
    static let registersOfFacebook = Case(
        name: "registers", file: "registers-facebook", family: registers.family, entry: registers.entry,
        sizes: [(SpatialSize(20), "-facebook")])

    static func swin(
        _ version: SwinTransformerConfiguration.Version, _ layout: String, windowSide: Int = 4,
        // Whole windows, windows that stick out on both sides of an odd map, maps smaller than a window along one axis.
        sizes: [(Int, Int)] = [(32, 64), (44, 53), (8, 64), (8, 24)]
    ) -> Case {
        let name = version == .first ? "swin" : "swinv2"
        let configuration = SwinTransformerConfiguration(
            version, width: 8, blockCounts: [2, 2], headCounts: [1, 2], windowSide: windowSide)
        let suffix = windowSide == 4 ? "" : " windows of \(windowSide)"
        return Case(
            name: name, file: "\(name)-\(layout)",
            family: version == .first ? SwinTransformer.family : SwinTransformer.secondFamily,
            entry: SwinTransformer.entry(name, configuration, presets: presets),
            sizes: sizes.map { (SpatialSize(height: $0, width: $1), " \($0)x\($1)\(suffix)") })
    }

    /// The files of windows of 4 pixels in networks of smaller and of larger ones, some larger than the map.
    static let otherWindows = [SwinTransformerConfiguration.Version.first, .second].flatMap { version in
        [(8, 32, 32), (3, 48, 72), (13, 52, 52)].map { window, height, width in
            swin(version, "timm", windowSide: window, sizes: [(height, width)])
        }
    }

    static let swins = [swin(.first, "torchvision"), swin(.second, "torchvision")]
    static let all =
        [vit, distilled, visionTransformer("deit3"), visionTransformer("dinov2"), registers, registersOfFacebook]
        + swins
    static let otherLayouts = [
        (vit, vitOfTimm), (swins[0], swin(.first, "timm")), (swins[0], swin(.first, "microsoft")),
        (swins[1], swin(.second, "timm")), (swins[1], swin(.second, "microsoft")),
    ]

    static func expected(_ name: String) throws -> Tensor {
        try Fixtures.safetensors("transformer-expected.safetensors").tensor(name)
    }

    /// Largest difference relative to the largest expected value.
    static func error(_ actual: Tensor, _ expected: Tensor) -> Double {
        worstDifference(actual.values, expected.values) / Double(expected.values.map(abs).max()!)
    }

    @Test(arguments: all + otherWindows)
    func featureMapsAgreeWithPyTorch(network: Case) throws {
        let backbone = try network.load()
        for (size, suffix) in network.sizes {
            let reference = try Self.expected(network.name + suffix)
            let maps = backbone.featureMaps(of: network.images(size), workspace: backbone.makeWorkspace())
            #expect(maps.shape == reference.shape)
            #expect(Self.error(maps, reference) < network.tolerance, "images of \(size)")
            let announced = network.entry.featureMapSize(size)
            #expect(maps.shape == [2, announced.height, announced.width, network.entry.channelCount])
        }
    }

    @Test func resamplingIsNoted() throws {
        #expect(try Self.swins[0].load().notes == [])
        #expect(
            try Self.otherWindows[0].load().notes == [
                "the relative position tables, learned for windows of 4x4 pixels, are resampled to windows of 8x8"
            ])
    }

    @Test(arguments: otherLayouts)
    func theOtherLayoutsGiveTheSameBits(network: Case, other: Case) throws {
        let (backbone, again) = (try network.load(), try other.load())
        let images = network.images(network.sizes[0].0)
        let maps = backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
        #expect(again.featureMaps(of: images, workspace: again.makeWorkspace()) == maps)
        #expect(again.classifier == backbone.classifier)
    }

    @Test(arguments: swins)
    func theClassifierOfSwinTransformersOnTheMeanMapGivesPyTorchsLogits(network: Case) throws {
        let backbone = try network.load()
        let classifier = try #require(backbone.classifier)
        let workspace = backbone.makeWorkspace()
        let maps = backbone.featureMaps(of: network.images(network.sizes[0].0), workspace: workspace)
        let means = Activations(copying: maps, in: workspace).spatialMean(in: workspace).tensor()
        let logits = (0..<2).flatMap { classifier.logits(ofMean: means.images($0..<$0 + 1).values) }
        let reference = try Self.expected("\(network.name) logits")
        #expect(Self.error(Tensor(shape: [2, 5], values: logits), reference) < network.tolerance)
    }

    /// It looks at the class token, which the map does not have.
    @Test(arguments: [vit, vitOfTimm, distilled])
    func theClassifierOfVisionTransformersIsNotRead(network: Case) throws {
        let weights = try network.weights()
        #expect(weights.parameters.keys.contains { $0.hasPrefix("head") })
        #expect(try network.load().classifier == nil)
    }

    @Test(arguments: all)
    func anImageDoesNotDependOnItsBatch(network: Case) throws {
        let backbone = try network.load()
        let images = network.images(SpatialSize(height: 36, width: 28), count: 6)
        let together = backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
        let workspace = backbone.makeWorkspace()
        for image in 0..<6 {
            let alone = backbone.featureMaps(of: images.images(image..<image + 1), workspace: workspace)
            #expect(alone == together.images(image..<image + 1))
        }
    }

    @Test func threadsShareATransformer() throws {
        for network in [Self.vit, Self.swins[0]] {
            let backbone = try network.load()
            let sizes = [SpatialSize(20), SpatialSize(height: 24, width: 36)]
            let images = sizes.map { network.images($0, count: 1) }
            let expected = images.map { backbone.featureMaps(of: $0, workspace: backbone.makeWorkspace()) }
            WorkerTeam(workerCount: 4).forEach(16) { _, index in
                let maps = backbone.featureMaps(of: images[index % 2], workspace: backbone.makeWorkspace())
                #expect(maps == expected[index % 2])
            }
        }
    }

    /// A patch in a corner of the image must change that corner of the map most: rows are rows and columns columns.
    @Test(arguments: all, [(0, 0), (0, 1), (1, 0), (1, 1)])
    func aBrightPatchLightsItsOwnCorner(network: Case, corner: (bottom: Int, right: Int)) throws {
        let images = network.images(SpatialSize(height: 48, width: 96), count: 1)
        let patch = CornerPatch(of: try network.load(), in: images, side: 12, brightness: 6, corner: corner)
        #expect(patch.corner == corner)
    }

    // MARK: Files

    @Test func whatEvaluationDoesNotNeedIsLeftAlone() throws {
        var weights = try Self.vitOfTimm.weights()
        weights.parameters["pre_logits.fc.weight"] = .init(shape: [16, 16], values: Array(repeating: 0, count: 256))
        weights.parameters["mask_token"] = .init(shape: [1, 16], values: Array(repeating: 0, count: 16))
        weights.parameters["head_dist.weight"] = .init(shape: [7, 16], values: Array(repeating: 0, count: 112))
        #expect(try Self.vitOfTimm.load(weights).classifier == nil)
        weights.parameters["head.weight"] = nil
        weights.parameters["head.bias"] = nil
        #expect(try Self.vitOfTimm.load(weights).classifier == nil)
    }

    /// Fine-tuned with the mean of the tokens, a network has a normalisation for that mean and none before it.
    @Test func withANormalisationForTheMeanTheTokensHaveNone() throws {
        var weights = try Self.vitOfTimm.weights()
        let plain = try Self.vitOfTimm.load(weights)
        for end in ["weight", "bias"] {
            weights.parameters["fc_norm.\(end)"] = weights.parameters.removeValue(forKey: "norm.\(end)")
        }
        let backbone = try Self.vitOfTimm.load(weights)
        #expect(
            backbone.notes == [
                "Left out: fc_norm (2 tensors).",
                "The network ends without a normalisation: its own (fc_norm) is for the mean of the tokens.",
            ])
        let images = Self.vitOfTimm.images(SpatialSize(20))
        let maps = backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
        let normalised = plain.featureMaps(of: images, workspace: plain.makeWorkspace())
        // The plain network's normalisation on top makes them its own.
        let (scale, shift) = (weights.parameters["fc_norm.weight"]!.values, weights.parameters["fc_norm.bias"]!.values)
        let expected = stride(from: 0, to: maps.values.count, by: 16).flatMap { pixel in
            let values = maps.values[pixel..<pixel + 16].map(Double.init)
            let mean = values.reduce(0, +) / 16
            let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 16 + 1e-6).squareRoot()
            return values.indices.map { Float((values[$0] - mean) / deviation) * scale[$0] + shift[$0] }
        }
        #expect(errorRelativeToLargest(normalised.values, expected) < 1e-5)
    }

    /// Masked autoencoders keep a decoder, DINO its heads.
    @Test func decodersAndHeadsAreLeftOut() throws {
        var weights = try Self.vitOfTimm.weights()
        for (name, shape) in [
            ("decoder_embed.weight", [8, 16]), ("decoder_blocks.0.attn.qkv.weight", [24, 8]),
            ("decoder_pos_embed", [1, 26, 8]),
            ("decoder_blocks.0.norm1.weight", [8]), ("dino_head.mlp.0.weight", [8, 16]),
        ] {
            weights.parameters[name] = .init(shape: shape, values: Array(repeating: 0, count: shape.reduce(1, *)))
        }
        #expect(
            try Self.vitOfTimm.load(weights).notes == [
                "Left out: decoder_blocks (2 tensors), decoder_embed.weight, decoder_pos_embed, dino_head.mlp.0.weight."
            ])
        weights.parameters["blocks.0.attn.q_norm.weight"] = .init(shape: [8], values: Array(repeating: 0, count: 8))
        #expect(throws: BackboneError.self) { try Self.vitOfTimm.load(weights) }
    }

    /// DINOv2's blocks for fully sharded training, numbered through or not.
    @Test(arguments: [
        ["blocks.0.0.", "blocks.1.1."], ["blocks.0.0.", "blocks.1.0."], ["blocks.0.0.", "blocks.0.1."],
    ])
    func blocksInChunksAreFound(places: [String]) throws {
        let network = Self.visionTransformer("dinov2")
        let weights = try network.weights()
        var chunked = WeightsInMemory(parameters: [:])
        for (name, parameter) in weights.parameters {
            var moved = name
            for block in 0..<2 where name.hasPrefix("blocks.\(block).") {
                moved = places[block] + name.dropFirst("blocks.0.".count)
            }
            chunked.parameters["teacher.backbone." + moved] = parameter
        }
        chunked.parameters["teacher.dino_head.mlp.0.weight"] = .init(shape: [1], values: [0])
        let backbone = try Backbone.load(
            network.entry, of: network.family, weights: chunked, choice: .init(useEMA: true))
        let expected = try network.load(weights)
        let images = network.images(SpatialSize(20))
        #expect(
            backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
                == expected.featureMaps(of: images, workspace: expected.makeWorkspace()))
        #expect(backbone.notes.contains("Left out: teacher.dino_head.mlp.0.weight."))
    }

    /// torchvision's features and normalisation as an nn.Sequential numbers them.
    @Test(arguments: swins)
    func swinTransformersInASequenceAreFound(network: Case) throws {
        let weights = try network.weights()
        var sequence = WeightsInMemory(parameters: [:])
        for (name, parameter) in weights.parameters where !name.hasPrefix("head.") {
            let moved = name.hasPrefix("features.") ? "0." + name.dropFirst(9) : "1." + name.dropFirst(5)
            sequence.parameters["body." + moved] = parameter
        }
        let (backbone, expected) = (try network.load(sequence), try network.load(weights))
        let images = network.images(network.sizes[0].0)
        #expect(
            backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
                == expected.featureMaps(of: images, workspace: expected.makeWorkspace()))
    }

    @Test func theOldNamesOfTorchvisionGiveTheSameBits() throws {
        var weights = try Self.vit.weights()
        let expected = try Self.vit.load(weights)
        for (new, old) in [(".mlp.0.", ".mlp.linear_1."), (".mlp.3.", ".mlp.linear_2.")] {
            for name in weights.parameters.keys where name.contains(new) {
                weights.parameters[name.replacing(new, with: old)] = weights.parameters.removeValue(forKey: name)
            }
        }
        #expect(weights.parameters.keys.contains("encoder.layers.encoder_layer_1.mlp.linear_2.bias"))
        let backbone = try Self.vit.load(weights)
        let images = Self.vit.images(SpatialSize(20))
        #expect(
            backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
                == expected.featureMaps(of: images, workspace: expected.makeWorkspace()))
    }

    @Test func positionsThatMakeNoSquareAreRefused() throws {
        var weights = try Self.vit.weights()
        weights.parameters["encoder.pos_embedding"] = .init(
            shape: [1, 28, 16], values: Array(repeating: 0, count: 28 * 16))
        let error = #expect(throws: BackboneError.self) { try Self.vit.load(weights) }
        #expect("\(error!)".contains("encoder.pos_embedding is [1, 28, 16] instead of [1, 26, 16]"))
    }

    @Test func absurdNumbersOfPositionsAreRefused() throws {
        for count in [0, Int.max] {
            var weights = try Self.vit.weights()
            weights.parameters["encoder.pos_embedding"] = .init(shape: [1, count, 16], values: [])
            #expect(throws: BackboneError.self) { try Self.vit.load(weights) }
        }
    }

    @Test func aPatchEmbeddingThatIsNoSquareIsRefused() throws {
        var weights = try Self.distilled.weights()
        weights.parameters["patch_embed.proj.weight"] = .init(shape: [16, 49], values: Array(repeating: 0, count: 784))
        let error = #expect(throws: BackboneError.self) { try Self.distilled.load(weights) }
        #expect("\(error!)".contains("conv_proj.weight is [16, 49] instead of [16, 3, 4, 4]"))
    }

    @Test func halfABiasIsMissing() throws {
        let network = Self.swin(.second, "timm")
        var weights = try network.weights()
        weights.parameters["layers.0.blocks.0.attn.v_bias"] = nil
        let error = #expect(throws: BackboneError.self) { try network.load(weights) }
        #expect("\(error!)".contains("features.1.0.attn.qkv.bias"))
    }

    @Test(arguments: [[64, 1], [48, 1], [49, 2], [49], [0, 1], [Int.max, 1]])
    func tablesOfNoWindowAreRefused(shape: [Int]) throws {
        var weights = try Self.swins[0].weights()
        weights.parameters["features.1.0.attn.relative_position_bias_table"] = .init(
            shape: shape,
            values: Array(repeating: 0, count: shape.reduce(1, { $0.multipliedReportingOverflow(by: $1).0 }) % 1000))
        let error = #expect(throws: BackboneError.self) { try Self.swins[0].load(weights) }
        #expect("\(error!)".contains("features.1.0.attn.relative_position_bias_table is \(shape) instead of [49, 1]"))
    }

    // MARK: Registry

    @Test(arguments: [
        ("vit_base_patch16_224", "vit_b_16"), ("deit_small_patch16_224", "vit_small_patch16_224"),
        ("swin_tiny_patch4_window7_224", "swin_t"), ("swinv2_base_window8_256", "swin_v2_b"),
    ])
    func timmsNamesStandForTorchvisions(alias: String, name: String) throws {
        #expect(try BackboneRegistry.description(named: alias) == BackboneRegistry.description(named: name))
        #expect(!BackboneRegistry.names.contains(alias))
    }

    @Test func everyNameIsOneBackbones() {
        let names = BackboneRegistry.names + BackboneRegistry.aliases
        #expect(Set(names).count == names.count)
    }

    /// Published counts without the classifier: torchvision's documentation, less 1000 (D + 1), or timm's.
    @Test(arguments: [
        ("vit_b_16", 86_567_656 - 769_000), ("vit_b_32", 88_224_232 - 769_000), ("vit_l_16", 304_326_632 - 1_025_000),
        ("vit_l_32", 306_535_400 - 1_025_000), ("vit_small_patch16_224", 22_050_664 - 385_000),
        ("vit_small_patch14_dinov2", 22_056_192), ("vit_base_patch14_dinov2", 86_579_712),
        ("vit_large_patch14_dinov2", 304_367_616),
        // Of a file that says nothing else, a position for the class token is expected, as in Facebook's; timm's has none.
        ("vit_large_patch14_reg4_dinov2", 304_370_688 + 1024),
        ("swin_t", 28_288_354 - 769_000), ("swin_s", 49_606_258 - 769_000),
        ("swin_b", 87_768_224 - 1_025_000), ("swin_base_patch4_window12_384", 86_878_584),
        ("swin_v2_t", 28_351_570 - 769_000), ("swin_v2_b", 87_930_848 - 1_025_000),
    ])
    func theNumberOfParametersIsThePublishedOne(name: String, count: Int) throws {
        let found = BackboneRegistry.families.lazy.compactMap { family in
            family.entries.first { $0.name == name }.map { (family, $0) }
        }.first
        let (family, entry) = try #require(found)
        let tensors = try entry.expectedTensors(of: family)
        #expect(tensors.values.reduce(0) { $0 + $1.reduce(1, *) } == count)
    }
}

@Suite struct PositionResamplingTests {
    @Test(arguments: [(3, 4), (9, 7), (5, 12), (2, 2), (5, 5)])
    func agreesWithTimm(height: Int, width: Int) throws {
        let grid = Tensor(shape: [5, 5, 3], values: HashedNumbers.units("grid", count: 75).map { Float($0) })
        let expected = try TransformerFamiliesTests.expected("grid \(height)x\(width)")
        let resampled = grid.resampledBicubically(to: SpatialSize(height: height, width: width))
        #expect(resampled.shape == expected.shape)
        #expect(worstDifference(resampled.values, expected.values) < 1e-6)
    }
}
