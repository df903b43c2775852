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
            try Backbone.load(name: "demo", weights: Fixtures.safetensors("narrow-\(kind).safetensors")),
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
        let announced = backbone.featureMapSize(crop: side)
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
        let backbone = try Self.load(kind).0
        // Not square, so that swapped axes cannot pass.
        let (height, width, patch) = (128, 256, 24)
        var images = Tensor(zeros: [1, height, width, 3])
        let workspace = backbone.makeWorkspace()
        let dark = backbone.featureMaps(of: images, workspace: workspace)
        for y in 0..<patch {
            for x in 0..<patch {
                let row = corner.bottom == 1 ? height - 1 - y : y
                let column = corner.right == 1 ? width - 1 - x : x
                for channel in 0..<3 { images.values[(row * width + column) * 3 + channel] = 3 }
            }
        }
        let bright = backbone.featureMaps(of: images, workspace: workspace)
        let (h, w, d) = (bright.shape[1], bright.shape[2], bright.shape[3])
        let change = (0..<h * w).map { pixel in
            (0..<d).reduce(0) { $0 + abs(bright.values[pixel * d + $1] - dark.values[pixel * d + $1]) }
        }
        let brightest = change.indices.max { change[$0] < change[$1] }!
        #expect((brightest / w >= h / 2) == (corner.bottom == 1))
        #expect((brightest % w >= w / 2) == (corner.right == 1))
        let far = (corner.bottom == 1 ? 0 : h - 1) * w + (corner.right == 1 ? 0 : w - 1)
        #expect(change[far] < change[brightest] / 100, "the opposite corner stays as it was")
    }

    @Test func theInputPresetComesFromTheMetadata() throws {
        #expect(
            try Self.load("basic").0.defaultInput
                == InputTransform(
                    resize: 40, crop: 32, interpolation: .bicubic, mean: [0.5, 0.4, 0.3],
                    standardDeviation: [0.2, 0.25, 0.3]))
    }
}
