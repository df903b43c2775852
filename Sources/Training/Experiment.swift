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
    public let weights: any WeightSource
    public let backbone: Backbone
    public let input: InputTransform
    public let cacheIdentity: CacheIdentity

    /// Reads the dataset's listing and the weights of the backbone.
    /// - Throws: the error of the dataset or the weight file that is missing or not what it should be.
    public init(_ configuration: RunConfiguration) throws {
        self.configuration = configuration
        for (key, directory) in [
            ("run.directory", configuration.run.directory), ("cache.directory", configuration.cache.directory),
        ] where directory.absolute.starts(with: configuration.dataset.root.absolute) {
            throw TrainingError.insideDataset(key: key, directory: directory, dataset: configuration.dataset.root)
        }
        dataset = try Self.loadDataset(configuration)
        weights = try SafetensorsFile(configuration.backbone.weights ?? DemoBackbone.weights)
        // A wrong name is found before large weights are read.
        _ = try BackboneRegistry.description(named: configuration.backbone.name).input(
            preset: configuration.input.preset)
        backbone = try Backbone.load(name: configuration.backbone.name, weights: weights)
        input = configuration.input.applied(to: try backbone.input(preset: configuration.input.preset))
        try input.validate()
        let size = backbone.featureMapSize(crop: input.crop)
        cacheIdentity = CacheIdentity(
            backbone: backbone.name, weightDigest: try weights.digest(), input: input,
            datasetFingerprint: dataset.fingerprint,
            precision: CachePrecision(rawValue: configuration.cache.precision.rawValue)!,
            featureMap: FeatureMapShape(height: size.height, width: size.width, channelCount: backbone.channelCount),
            classNames: dataset.classNames)
    }

    private static func loadDataset(_ configuration: RunConfiguration) throws -> Dataset {
        func classFolders() throws -> Dataset {
            try ClassFolders.load(
                root: configuration.dataset.root, testFraction: configuration.dataset.testFraction,
                seed: UInt64(configuration.dataset.splitSeed))
        }
        switch configuration.dataset.kind {
        case .classFolders:
            return try classFolders()
        case .parts:
            // A part dataset is class folders with a manifest; reading that checks that it is one.
            _ = try PartDataset.manifest(of: configuration.dataset.root)
            return try classFolders()
        }
    }
}

extension RunConfiguration.Input {
    /// A preset with what this section sets beside it.
    func applied(to preset: InputTransform) -> InputTransform {
        var result = preset
        if let resize { result.resize = resize }
        if let crop { result.crop = crop }
        if let interpolation { result.interpolation = ImageCoding.Interpolation(rawValue: interpolation.rawValue)! }
        if let mean { result.mean = mean.map { Float($0) } }
        if let standardDeviation { result.standardDeviation = standardDeviation.map { Float($0) } }
        return result
    }
}

extension CacheIdentity {
    /// A feature map with the precision of the cache, so that an image gives the same scores from the cache and without.
    package func rounded(_ features: Tensor) -> Tensor {
        guard precision == .f16 else { return features }
        return Tensor(shape: features.shape, values: features.values.map { Float(Float16($0)) })
    }
}
