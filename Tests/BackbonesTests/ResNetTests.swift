import Backbones
import ImageCoding
import Tensors
import Testing
import WeightFiles

/// Whole narrow networks against PyTorch in double precision. The fixtures' weights describe their own architecture.
@Suite struct ResNetTests {
    static let kinds = ["basic", "bottleneck"]

    static func load(_ kind: String) throws -> (Backbone, expected: SafetensorsFile) {
        (
            try Backbone.load(name: "resnet_described", weights: Fixtures.safetensors("narrow-\(kind).safetensors")),
            try Fixtures.safetensors("narrow-\(kind).expected.safetensors")
        )
    }

    @Test(arguments: kinds)
    func featureMapsAgreeWithPyTorch(kind: String) throws {
        let (backbone, expected) = try Self.load(kind)
        let maps = backbone.featureMaps(of: try expected.tensor("images"), workspace: backbone.makeWorkspace())
        let reference = try expected.tensor("features")
        #expect(maps.shape == reference.shape)
        #expect(maps.shape[3] == backbone.channelCount)
        #expect(relativeError(maps.values, reference.values) < 1e-4)
    }

    @Test(arguments: kinds)
    func theClassifierOnTheMeanMapGivesPyTorchsLogits(kind: String) throws {
        let (backbone, expected) = try Self.load(kind)
        let classifier = try #require(backbone.classifier)
        let workspace = backbone.makeWorkspace()
        let maps = backbone.featureMaps(of: try expected.tensor("images"), workspace: workspace)
        let layer = Linear(
            inputCount: classifier.channelCount, outputCount: classifier.classCount, weights: classifier.weights,
            biases: classifier.biases)
        let mean = Activations(copying: maps, in: workspace).spatialMean(in: workspace)
        #expect(relativeError(layer(mean, in: workspace).tensor().values, try expected.floats("logits")) < 1e-4)
    }

    @Test(arguments: kinds)
    func anImageDoesNotDependOnItsBatch(kind: String) throws {
        let backbone = try Self.load(kind).0
        let images = Tensor(
            shape: [5, 37, 45, 3], values: HashedNumbers.units("batch", count: 5 * 37 * 45 * 3).map { Float($0) })
        let together = backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
        let workspace = backbone.makeWorkspace()
        for image in 0..<5 {
            let alone = backbone.featureMaps(of: images.images(image..<image + 1), workspace: workspace)
            #expect(alone == together.images(image..<image + 1))
        }
        let reversed = Tensor(
            shape: images.shape, values: (0..<5).reversed().flatMap { images.images($0..<$0 + 1).values })
        let maps = backbone.featureMaps(of: reversed, workspace: workspace)
        #expect(maps.images(0..<1) == together.images(4..<5))
    }

    @Test func threadsShareABackbone() throws {
        let backbone = try Self.load("basic").0
        let images = Tensor(
            shape: [8, 40, 40, 3], values: HashedNumbers.units("threads", count: 8 * 40 * 40 * 3).map { Float($0) })
        let expected = backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
        WorkerTeam(workerCount: 4).forEach(8) { _, image in
            let alone = backbone.featureMaps(
                of: images.images(image..<image + 1), workspace: backbone.makeWorkspace())
            #expect(alone == expected.images(image..<image + 1))
        }
    }

    @Test(arguments: [1, 16, 31, 64, 97])
    func anyInputSizeGivesTheAnnouncedMapSize(side: Int) throws {
        let backbone = try Self.load("basic").0
        let images = Tensor(shape: [1, side, side, 3], values: Array(repeating: 0.5, count: side * side * 3))
        let maps = backbone.featureMaps(of: images, workspace: backbone.makeWorkspace())
        let announced = backbone.featureMapShape(crop: side)
        #expect(maps.shape == [1, announced.height, announced.width, backbone.channelCount])
        #expect(maps.values.allSatisfy { $0.isFinite })
    }

    @Test func anEmptyBatchGivesAnEmptyResult() throws {
        let backbone = try Self.load("basic").0
        let maps = backbone.featureMaps(of: Tensor(zeros: [0, 32, 32, 3]), workspace: backbone.makeWorkspace())
        #expect(maps.shape == [0, 1, 1, 12])
    }

    /// A patch in a corner of the image must show in that corner of the map: rows are rows and columns columns.
    @Test(arguments: kinds, [(0, 0), (0, 1), (1, 0), (1, 1)])
    func aBrightPatchLightsItsOwnCorner(kind: String, corner: (bottom: Int, right: Int)) throws {
        let patch = CornerPatch(
            of: try Self.load(kind).0, in: Tensor(zeros: [1, 128, 256, 3]), side: 24, brightness: 3, corner: corner)
        #expect(patch.corner == corner)
        #expect(patch[1 - corner.bottom, 1 - corner.right] < patch.largest / 100, "the opposite corner stays as it was")
    }

    @Test func theInputPresetComesFromTheMetadata() throws {
        #expect(
            try Self.load("basic").0.defaultInput
                == InputTransform(
                    resize: 40, crop: 32, interpolation: .bicubic, mean: [0.5, 0.4, 0.3],
                    standardDeviation: [0.2, 0.25, 0.3]))
    }
}
