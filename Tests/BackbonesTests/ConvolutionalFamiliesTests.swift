import Backbones
import ImageCoding
import Tensors
import Testing
import WeightFiles

/// Narrow members of the convolutional families against PyTorch in double precision; Reference/record_convnets.py says what
/// they are.
@Suite struct ConvolutionalFamiliesTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let family: BackboneFamily
        let entry: BackboneEntry

        var testDescription: String { name }

        /// The weights as their library saves them.
        func weights() throws -> WeightsInMemory {
            try WeightsInMemory(copying: Fixtures.safetensors("family-\(name).safetensors"))
        }

        func load(_ weights: WeightsInMemory? = nil) throws -> Backbone {
            try Backbone.load(entry, of: family, weights: weights ?? self.weights())
        }

        var images: Tensor { images(2, 75, 90) }

        func images(_ count: Int, _ height: Int, _ width: Int) -> Tensor {
            let shape = [count, height, width, 3]
            let units = HashedNumbers.units("\(name) images", count: shape.reduce(1, *))
            return Tensor(shape: shape, values: units.map { Float(2 * $0) })
        }
    }

    static let presets = [InputPreset("test", resize: 96, crop: 96)]

    static let resNets: [Case] = [
        ("resnext", ResNetConfiguration.narrow(.bottleneck, [8, 8, 16, 16], [1, 2, 1, 1], stem: 12, groups: (4, 32))),
        ("wide", ResNetConfiguration.narrow(.bottleneck, [8, 8, 16], [1, 1, 1], stem: 8, groups: (1, 128))),
        ("resnetd-basic", ResNetConfiguration.narrow(.basic, [8, 12, 12, 16], [1, 2, 1, 1], stem: 12).deep),
        ("resnetd-bottleneck", ResNetConfiguration.narrow(.bottleneck, [8, 12, 12, 16], [1, 1, 2, 1], stem: 12).deep),
    ].map { Case(name: $0, family: ResNet.family, entry: ResNet.entry($0, $1, presets: presets)) }

    static let denseNet: Case = {
        var configuration = DenseNetConfiguration(growth: 6, layerCounts: [2, 3, 2], stemWidth: 12)
        configuration.bottleneckFactor = 3
        return Case(
            name: "densenet", family: DenseNet.family,
            entry: DenseNet.entry("densenet", configuration, presets: presets))
    }()

    static let convNeXt = Case(
        name: "convnext", family: ConvNeXt.family,
        entry: ConvNeXt.entry(
            "convnext", ConvNeXtConfiguration(widths: [8, 12, 16, 24], blockCounts: [1, 2, 1, 1]), presets: presets))

    static let all = resNets + [denseNet, convNeXt]

    /// The early layers take large images one by one, smaller ones in groups: here of one, and of two with one left over.
    @Test(arguments: all, [(224, 240), (150, 160)])
    func largeImagesDoNotDependOnTheBatch(network: Case, size: (height: Int, width: Int)) throws {
        let backbone = try network.load()
        let images = network.images(5, size.height, size.width)
        let together = backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
        for image in 0..<5 {
            let alone = backbone.featureMaps(of: images.images(image..<image + 1), workspace: backbone.makeWorkspace())
            #expect(together.images(image..<image + 1) == alone)
        }
    }

    /// Changed copies of an image pass sooner together, and come out the same.
    @Test(arguments: all)
    func copiesThatDifferLittleHaveTheSameMaps(network: Case) throws {
        let backbone = try network.load()
        let image = network.images.values.prefix(75 * 90 * 3)
        var copies = Array(image)
        for copy in 1..<4 {
            var changed = Array(image)
            for pixel in 0..<30 { changed[(copy * 20 * 90 + 10 * copy + pixel) * 3] = 0 }
            copies += changed
        }
        let images = Tensor(shape: [4, 75, 90, 3], values: copies)
        let maps = [false, true].map {
            backbone.featureMaps(of: images, workspace: backbone.makeWorkspace(expectsSimilarImages: $0))
        }
        #expect(maps[0] == maps[1])
    }

    @Test(arguments: all)
    func featureMapsAgreeWithPyTorch(network: Case) throws {
        let backbone = try network.load()
        let expected = try Fixtures.safetensors("family-\(network.name).expected.safetensors").tensor("features")
        let maps = backbone.featureMaps(of: network.images, workspace: backbone.makeWorkspace())
        #expect(maps.shape == expected.shape)
        #expect(errorRelativeToLargest(maps.values, expected.values) < 1e-5)
        let announced = network.entry.featureMapSize(SpatialSize(height: 75, width: 90))
        #expect(maps.shape == [2, announced.height, announced.width, network.entry.channelCount])
    }

    @Test(arguments: all)
    func theClassifierOnTheMeanMapGivesPyTorchsLogits(network: Case) throws {
        let backbone = try network.load()
        let classifier = try #require(backbone.classifier)
        let expected = try Fixtures.safetensors("family-\(network.name).expected.safetensors").tensor("logits")
        let workspace = backbone.makeWorkspace()
        let maps = backbone.featureMaps(of: network.images, workspace: workspace)
        let means = Activations(copying: maps, in: workspace).spatialMean(in: workspace).tensor()
        let logits = (0..<2).flatMap { classifier.logits(ofMean: means.images($0..<$0 + 1).values) }
        #expect(errorRelativeToLargest(logits, expected.values) < 1e-5)
    }

    @Test(arguments: all)
    func anImageDoesNotDependOnItsBatch(network: Case) throws {
        let backbone = try network.load()
        let images = Tensor(
            shape: [6, 61, 67, 3], values: HashedNumbers.units("batch", count: 6 * 61 * 67 * 3).map { Float($0) })
        let together = backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
        let workspace = backbone.makeWorkspace()
        for image in 0..<6 {
            let alone = backbone.featureMaps(of: images.images(image..<image + 1), workspace: workspace)
            #expect(alone == together.images(image..<image + 1))
        }
    }

    /// A patch in a corner of the image must show in that corner of the map.
    @Test(arguments: all, [(0, 0), (0, 1), (1, 0), (1, 1)])
    func aBrightPatchLightsItsOwnCorner(network: Case, corner: (bottom: Int, right: Int)) throws {
        let patch = CornerPatch(
            of: try network.load(), in: Tensor(zeros: [1, 160, 256, 3]), side: 32, brightness: 3, corner: corner)
        #expect(patch.corner == corner)
    }

    // MARK: Layouts

    static let image = Tensor(
        shape: [1, 64, 64, 3], values: HashedNumbers.units("layouts", count: 64 * 64 * 3).map { Float($0) })

    static func maps(_ network: Case, _ weights: WeightsInMemory) throws -> (Tensor, LinearClassifierWeights?) {
        let backbone = try network.load(weights)
        return (backbone.featureMaps(of: image, workspace: backbone.makeWorkspace()), backbone.classifier)
    }

    @Test(arguments: ["timm", "facebook"])
    func theThreeLayoutsOfConvNeXtGiveTheSameBits(layout: String) throws {
        let canonical = try Self.maps(Self.convNeXt, Self.convNeXt.weights())
        let file = try Fixtures.safetensors("family-convnext-\(layout).safetensors")
        let other = try Self.maps(Self.convNeXt, WeightsInMemory(copying: file))
        #expect(other.0 == canonical.0)
        #expect(other.1 != nil && other.1 == canonical.1)
    }

    @Test func theOldNamesOfDenseNetGiveTheSameBits() throws {
        var weights = try Self.denseNet.weights()
        let canonical = try Self.maps(Self.denseNet, weights)
        let names = weights.parameters.keys.filter { $0.contains("denselayer") }
        for name in names {
            var old = name
            for part in ["norm1", "norm2", "conv1", "conv2"] {
                old = old.replacing(".\(part).", with: ".\(part.dropLast()).\(part.last!).")
            }
            #expect(old != name)
            weights.parameters[old] = weights.parameters.removeValue(forKey: name)
        }
        #expect(try Self.maps(Self.denseNet, weights) == canonical)
    }

    @Test func errorsNameTheLayoutAndTheFilesOwnNames() throws {
        var weights = try WeightsInMemory(copying: Fixtures.safetensors("family-convnext-timm.safetensors"))
        weights.parameters["stages.1.blocks.0.gamma"]!.shape = [4, 3]
        weights.parameters["stages.2.blocks.0.norm.bias"] = nil
        weights.parameters["stages.2.blocks.1.gamma"] = .init(shape: [16], values: Array(repeating: 0, count: 16))
        let error = #expect(throws: BackboneError.self) { try Self.convNeXt.load(weights) }
        guard case .unfittingWeights(let misfit) = error else { throw error! }
        #expect(
            misfit.layout == "timm"
                && misfit.knownLayouts.prefix(3) == ["torchvision", "timm", "facebookresearch/ConvNeXt"])
        #expect(misfit.missing == ["features.5.0.block.2.bias"])
        #expect(misfit.unexpected == ["stages.2.blocks.1.gamma"])
        #expect(misfit.misshapen == [.init(name: "features.3.0.layer_scale", expected: [12, 1, 1], found: [4, 3])])
    }

    @Test func twoTensorsForOneNameLeaveTheSecondOver() throws {
        var weights = try Self.denseNet.weights()
        let old = "features.denseblock1.denselayer1.norm.1.weight"
        weights.parameters[old] = weights.parameters["features.denseblock1.denselayer1.norm1.weight"]
        let error = #expect(throws: BackboneError.self) { try Self.denseNet.load(weights) }
        guard case .unfittingWeights(let misfit) = error else { throw error! }
        // Each of the two layouts has its own name for it left over.
        #expect(misfit.unexpected == [old])
        #expect(misfit.missing == [] && misfit.misshapen == [])
    }

    @Test(arguments: [[], ["classifier.0.weight", "classifier.0.bias"]])
    func aConvNeXtWithoutItsClassifierLoads(kept: [String]) throws {
        var weights = try Self.convNeXt.weights()
        for name in weights.tensorNames where name.hasPrefix("classifier.") && !kept.contains(name) {
            weights.parameters[name] = nil
        }
        #expect(try Self.convNeXt.load(weights).classifier == nil)
    }

    @Test func aClassifierWithoutItsNormalisationIsLeftOut() throws {
        var weights = try Self.convNeXt.weights()
        weights.parameters["classifier.0.bias"] = nil
        let backbone = try Self.convNeXt.load(weights)
        #expect(backbone.classifier == nil)
        #expect(backbone.notes == ["Left out: classifier (3 tensors)."])
    }

    @Test func aClassifierOfImpossiblyManyClassesIsLeftOutNotAllocated() throws {
        var weights = try Self.denseNet.weights()
        weights.parameters["classifier.weight"] = .init(shape: [1 << 62, 0], values: [])
        #expect(try Self.denseNet.load(weights).classifier == nil)
    }

    // MARK: Parts of networks

    /// Networks are taken apart and put into an nn.Sequential, or lose their classifier.
    @Test func featuresThatWereSavedAloneGiveTheSameBits() throws {
        for network in [Self.denseNet, Self.convNeXt] {
            let weights = try network.weights()
            let expected = try Self.maps(network, weights).0
            for prefix in ["", "0.", "body.0."] {
                var alone = WeightsInMemory(parameters: [:])
                for (name, parameter) in weights.parameters where name.hasPrefix("features.") {
                    alone.parameters[prefix + name.dropFirst("features.".count)] = parameter
                }
                #expect(try Self.maps(network, alone).0 == expected, "\(network.name) behind \"\(prefix)\"")
            }
        }
    }
}

extension ResNetConfiguration {
    /// Stages of these widths with the usual strides behind the usual stem.
    fileprivate static func narrow(
        _ block: Block, _ widths: [Int], _ blockCounts: [Int], stem: Int, groups: (count: Int, width: Int) = (1, 64)
    ) -> ResNetConfiguration {
        var result = ResNetConfiguration(
            block: block, stem: Stem(width: stem),
            stages: widths.indices.map {
                Stage(width: widths[$0], blockCount: blockCounts[$0], stride: $0 == 0 ? 1 : 2)
            })
        result.groupCount = groups.count
        result.groupWidth = groups.width
        return result
    }

    /// With timm's deep stem and averaged shortcuts.
    fileprivate var deep: ResNetConfiguration {
        var result = self
        result.stem.kernelSide = 3
        result.stem.isDeep = true
        result.averagesShortcuts = true
        return result
    }
}

/// Largest difference relative to the largest expected value; infinite if any number is not one.
func errorRelativeToLargest(_ actual: [Float], _ expected: [Float]) -> Double {
    worstDifference(actual, expected) / expected.map { Double(abs($0)) }.max()!
}
