import Backbones
import Datasets
import DurableFiles
import FeatureCache
import ImageCoding
import RunConfiguration
import SystemPackage
import Tensors
import WeightFiles

/// What a configuration resolves to: the dataset found on disk, the weight file, the input transform, and the identity
/// of the feature cache that follows from them.
public struct Experiment: Sendable {
    public let configuration: RunConfiguration
    public let dataset: Dataset
    public let weights: WeightFile
    public let backbone: Backbone
    public let input: InputTransform
    public let cacheIdentity: CacheIdentity

    /// Reads the dataset's listing and the weights of the backbone.
    ///
    /// - Parameter makesCache: whether the cache's folder may be made, for indexes of the dataset's archives.
    /// - Throws: the error of the dataset or the weight file that is missing or not what it should be.
    public init(_ configuration: RunConfiguration, makesCache: Bool = false) throws {
        self.configuration = configuration
        for (key, directory) in [
            ("run.directory", configuration.run.directory), ("cache.directory", configuration.cache.directory),
        ] where directory.absolute.starts(with: configuration.dataset.root.absolute) {
            throw TrainingError.insideDataset(key: key, directory: directory, dataset: configuration.dataset.root)
        }
        dataset = try Self.loadDataset(configuration, makesCache: makesCache)
        // A wrong name is found before large weights are read.
        _ = try BackboneRegistry.description(named: configuration.backbone.name).input(
            preset: configuration.input.preset)
        weights = try WeightFile.open(
            configuration.backbone.weights ?? DemoBackbone.weights, useEMA: configuration.backbone.useEMA)
        backbone = try Backbone.load(name: configuration.backbone.name, weights: weights)
        input = configuration.input.applied(to: try backbone.input(preset: configuration.input.preset))
        try input.validate()
        let size = backbone.featureMapSize(crop: input.crop)
        cacheIdentity = CacheIdentity(
            backbone: backbone.name, weightDigest: try weights.digest(), input: input,
            datasetFingerprint: dataset.fingerprint,
            precision: CachePrecision(rawValue: configuration.cache.precision.rawValue)!,
            featureMap: FeatureMapShape(height: size.height, width: size.width, channelCount: backbone.channelCount),
            classNames: dataset.classNames, usesEMA: configuration.backbone.useEMA,
            views: try configuration.cache.cacheViews())
    }

    /// What a user should know of how the dataset and the weights were found, a sentence each.
    public var notes: [String] {
        dataset.notes + (weights.layout.notes + backbone.notes).map { "\(weights.path): \($0)" }
    }

    private static func loadDataset(_ configuration: RunConfiguration, makesCache: Bool) throws -> Dataset {
        var options = configuration.dataset.options
        let cache = configuration.cache.directory
        if makesCache || DurableFile.exists(cache) { options.indexFolder = cache.appending("archives") }
        return try Dataset.load(root: configuration.dataset.root, options: options)
    }
}

extension RunConfiguration.Dataset {
    /// The options of the data set's reader.
    package var options: DatasetOptions {
        DatasetOptions(
            kind: DatasetKind(rawValue: kind.rawValue)!, split: DatasetSplit(rawValue: split.rawValue)!,
            testFraction: testFraction, splitSeed: UInt64(splitSeed),
            crop: crop.map { DatasetCrop(rawValue: $0.rawValue)! }, testShards: testShards)
    }
}

extension RunConfiguration.Input {
    /// A preset with what this section sets beside it.
    func applied(to preset: InputTransform) -> InputTransform {
        var result = preset
        if let resize { result.resize = resize }
        if let squash { result.squash = squash }
        if let crop { result.crop = crop }
        if let interpolation { result.interpolation = ImageCoding.Interpolation(rawValue: interpolation.rawValue)! }
        if let exif { result.exif = ExifOrientation.Policy(rawValue: exif.rawValue)! }
        if let mean { result.mean = mean.map { Float($0) } }
        if let standardDeviation { result.standardDeviation = standardDeviation.map { Float($0) } }
        return result
    }
}

extension RunConfiguration.Cache {
    /// The views beside the plain one; nil for none.
    /// - Throws: `ImageCodingError.invalidAugmentation`.
    func cacheViews() throws -> CacheViews? {
        guard views > 1 else { return nil }
        var drawn = ImageCoding.Augmentation()
        drawn.flip = augmentation.flip
        drawn.cropScale = augmentation.cropScale.map { $0[0]...$0[1] }
        drawn.cropRatio = augmentation.cropRatio[0]...augmentation.cropRatio[1]
        (drawn.degrees, drawn.shear) = (augmentation.degrees, augmentation.shear)
        (drawn.brightness, drawn.contrast) = (augmentation.brightness, augmentation.contrast)
        (drawn.saturation, drawn.hue) = (augmentation.saturation, augmentation.hue)
        try drawn.validate()
        return CacheViews(count: views, seed: viewSeed, augmentation: drawn)
    }
}

extension CacheIdentity {
    /// A feature map with the precision of the cache, so that an image gives the same scores from the cache and without.
    package func rounded(_ features: Tensor) -> Tensor {
        guard precision == .f16 else { return features }
        return Tensor(shape: features.shape, values: features.values.map { Float(Float16($0)) })
    }
}
