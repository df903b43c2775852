import Backbones
import Benchmarks
import Datasets
import DisentangledHead
import DurableFiles
import FeatureCache
import ImageCoding
public import Inference
public import RunConfiguration
import SystemPackage
public import Tensors
import WeightFiles

/// How large a dataset is that need not be there.
public struct DatasetSize: Equatable, Sendable {
    public var trainCount: Int
    public var testCount: Int
    public var classCount: Int
    /// Of a usual image, in pixels.
    public var image: SpatialSize

    public init(trainCount: Int, testCount: Int, classCount: Int, image: SpatialSize) {
        precondition(trainCount > 0 && testCount >= 0 && classCount > 0, "a dataset of nothing")
        self.trainCount = trainCount
        self.testCount = testCount
        self.classCount = classCount
        self.image = image
    }
}

/// A run whose costs are to be measured: what it computes, and what is computed meanwhile.
public struct PlannedRun: Sendable {
    public let workload: Workload
    public let backbone: Backbone
    let input: InputTransform
    let head: HeadConfiguration
    /// Half-way through the run: how far a step turns the channel map, and so how long that takes, depends on it.
    let channelMapLearningRate: Double
    /// What the network sees of an image, decoded anew each time; any number is one of an image.
    let pixels: @Sendable (Int) throws -> PixelImage

    /// The run of an experiment, measured on some of its images.
    /// - Throws: the error of an image that cannot be read.
    public init(_ experiment: Experiment) throws {
        let dataset = experiment.dataset
        // From everywhere in the dataset: images of a class are like each other.
        let train = dataset.train
        let samples = stride(from: 0, to: train.count, by: max(1, train.count / 16)).map {
            train[train.startIndex + $0]
        }
        let madeUp = Self.photograph(SpatialSize(height: 375, width: 500))
        self.init(
            Workload(experiment), backbone: experiment.backbone, input: experiment.input,
            configuration: experiment.configuration
        ) { index in
            guard !samples.isEmpty else { return try experiment.pixels(of: madeUp, path: "made-up.jpeg") }
            let sample = samples[index % samples.count]
            return try experiment.pixels(of: sample, bytes: dataset.bytes(of: sample))
        }
    }

    /// The run of a dataset that is not there, of which `configuration` says nothing but how it is to be used. The backbone
    /// has random weights if its weight file is not there either.
    /// - Throws: `ExperimentError.backboneNotNamed` or `.mapRankTooLarge`, `BackboneError`, the errors of a weight file that is there.
    public init(_ configuration: RunConfiguration, dataset size: DatasetSize) throws {
        guard let name = configuration.backbone.name else {
            throw ExperimentError.backboneNotNamed(dataset: configuration.dataset.root)
        }
        try BackboneRegistry.check(name: name, preset: configuration.input.preset)
        let backbone: Backbone
        let weights = configuration.backbone.weights ?? DemoBackbone.weights
        if DurableFile.exists(weights) || DurableDirectory.exists(weights) {
            backbone = try Backbone.load(
                name: name, weights: WeightFile.open(weights), choice: configuration.backbone.networkChoice,
                compute: configuration.backbone.compute)
        } else {
            backbone = try Backbone.withRandomWeights(name: name, compute: configuration.backbone.compute)
        }
        let input = configuration.input.applied(to: try backbone.input(preset: configuration.input.preset))
        try input.validate()
        try configuration.head.requireMapRank(within: backbone.channelCount)
        var configuration = configuration
        _ = configuration.training.lowerLogicalShards(for: size.trainCount)
        let none = ContentDigest(of: "")
        let identity = CacheIdentity(
            backbone: name, weightDigest: none, input: input, datasetFingerprint: none,
            precision: configuration.cache.precision, featureMap: backbone.featureMapShape(crop: input.crop),
            classNames: [], compute: configuration.backbone.compute, views: try configuration.cache.cacheViews())
        let photograph = Self.photograph(size.image)
        self.init(
            Workload(
                configuration, identity, trainCount: size.trainCount, testCount: size.testCount,
                classCount: size.classCount),
            backbone: backbone, input: input, configuration: configuration
        ) { _ in try input.pixels(ofFile: photograph, path: "made-up.jpeg") }
    }

    private init(
        _ workload: Workload, backbone: Backbone, input: InputTransform, configuration: RunConfiguration,
        pixels: @escaping @Sendable (Int) throws -> PixelImage
    ) {
        self.workload = workload
        self.backbone = backbone
        self.input = input
        head = configuration.headConfiguration(totalSteps: workload.stepCount)
        let training = configuration.training
        channelMapLearningRate = training.learningRateSchedule.learningRate(
            base: training.channelMapLearningRate ?? training.learningRate, step: workload.stepCount / 2,
            totalSteps: workload.stepCount)
        self.pixels = pixels
    }

    /// A JPEG file that takes about as long to decode as a photograph: smooth shapes with a little noise.
    private static func photograph(_ size: SpatialSize) -> [UInt8] {
        var pixels: [UInt8] = []
        pixels.reserveCapacity(3 * size.height * size.width)
        for row in 0..<size.height {
            for column in 0..<size.width {
                let shape = ((row / 40) * 29 + (column / 56) * 53) % 160
                for channel in 0..<3 {
                    // Fibonacci hashing of the position: noise of 0...31.
                    let noise = (UInt64((row * size.width + column) * 3 + channel) &* 0x9E37_79B9_7F4A_7C15) >> 59
                    pixels.append(UInt8(shape + 20 * channel) + UInt8(noise))
                }
            }
        }
        return ImageEncoder.jpeg(PixelImage(width: size.width, height: size.height, pixels: pixels))
    }
}
