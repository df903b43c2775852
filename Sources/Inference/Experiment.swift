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
    /// With the backbone's name, and no more logical shards than the dataset has training images.
    public private(set) var configuration: RunConfiguration
    public let dataset: Dataset
    public let weights: WeightFile
    public let backbone: Backbone
    public let input: InputTransform
    public let cacheIdentity: CacheIdentity
    private let shardNote: String?
    /// Of the weight file's bytes.
    let weightDigest: ContentDigest

    /// Reads the dataset's listing and the weights of the backbone.
    ///
    /// - Parameters:
    ///   - makesCache: whether the cache's folder may be made, for indexes of the dataset's archives.
    ///   - team: who lists the dataset.
    /// - Throws: the error of the dataset or the weight file that is missing or not what it should be.
    public init(
        _ configuration: RunConfiguration, makesCache: Bool = false, team: WorkerTeam = WorkerTeam()
    ) throws {
        try self.init(
            configuration,
            dataset: { try Self.loadDataset($0, makesCache: makesCache, team: team) }, weightDigest: { try $0.digest() }
        )
    }

    /// - Parameters:
    ///   - dataset: finds the listing.
    ///   - weightDigest: finds the digest of the weight file.
    init(
        _ configuration: RunConfiguration, dataset find: (RunConfiguration) throws -> Dataset,
        weightDigest: (WeightFile) throws -> ContentDigest
    ) throws {
        try Self.requireOutsideDataset(configuration, "cache.directory", configuration.cache.directory)
        var configuration = configuration
        // A wrong name is found before a large dataset is listed, or large weights are read.
        if configuration.backbone.name == nil, ![.auto, .parts].contains(configuration.dataset.kind) {
            throw ExperimentError.backboneNotNamed(dataset: configuration.dataset.root)
        }
        try configuration.backbone.compute.requireProcessor()
        if let name = configuration.backbone.name {
            try BackboneRegistry.check(name: name, preset: configuration.input.preset)
        }
        dataset = try find(configuration)
        if configuration.backbone.name == nil, dataset.kind != DatasetKind.parts.rawValue {
            throw ExperimentError.backboneNotNamed(dataset: configuration.dataset.root)
        }
        let name = configuration.backbone.name ?? DemoBackbone.name
        configuration.backbone.name = name
        shardNote = configuration.training.lowerLogicalShards(for: dataset.train.count)
        self.configuration = configuration
        weights = try WeightFile.open(configuration.backbone.weights ?? DemoBackbone.weights)
        backbone = try Backbone.load(
            name: name, weights: weights, choice: configuration.backbone.networkChoice,
            compute: configuration.backbone.compute)
        input = configuration.input.applied(to: try backbone.input(preset: configuration.input.preset))
        try input.validate()
        try configuration.head.requireMapRank(within: backbone.channelCount)
        self.weightDigest = try weightDigest(weights)
        cacheIdentity = CacheIdentity(
            backbone: backbone.name, weightDigest: backbone.identity(ofFile: self.weightDigest), input: input,
            datasetFingerprint: dataset.fingerprint,
            precision: configuration.cache.precision,
            featureMap: backbone.featureMapShape(crop: input.crop),
            classNames: dataset.classNames, usesEMA: configuration.backbone.useEMA,
            compute: configuration.backbone.compute, views: try configuration.cache.cacheViews())
    }

    /// The same experiment with another run, head or training, on which dataset, weights and cache do not depend.
    package func changing(_ change: (inout RunConfiguration) -> Void) -> Experiment {
        var result = self
        change(&result.configuration)
        let (own, other) = (configuration, result.configuration)
        precondition(
            own.dataset == other.dataset && own.backbone == other.backbone && own.input == other.input
                && own.cache == other.cache, "only what an experiment is not made of can be changed")
        return result
    }

    /// Checks that a folder that is going to be written to does not lie inside the dataset, whichever way the paths go.
    /// - Throws: `ExperimentError.insideDataset`.
    public func requireOutsideDataset(_ key: String, _ directory: FilePath) throws {
        try Self.requireOutsideDataset(configuration, key, directory)
    }

    private static func requireOutsideDataset(
        _ configuration: RunConfiguration, _ key: String, _ directory: FilePath
    ) throws {
        let root = configuration.dataset.root
        guard directory.resolved.starts(with: root.resolved) else { return }
        throw ExperimentError.insideDataset(key: key, directory: directory, dataset: root)
    }

    /// What a user should know of how the dataset and the weights were found, a sentence each.
    public var notes: [String] {
        dataset.notes + (shardNote.map { [$0] } ?? [])
            + backbone.notes.map { "\(weights.path): \($0)" }
    }

    private static func loadDataset(
        _ configuration: RunConfiguration, makesCache: Bool, team: WorkerTeam
    ) throws -> Dataset {
        var options = configuration.dataset.options
        let cache = configuration.cache.directory
        if makesCache || DurableFile.exists(cache) { options.indexFolder = cache.appending("archives") }
        return try Dataset.load(root: configuration.dataset.root, options: options, team: team)
    }
}

extension RunConfiguration.Backbone {
    /// Which network of the weight file is meant.
    package var networkChoice: NetworkChoice { NetworkChoice(prefix: prefix, useEMA: useEMA) }
}

extension RunConfiguration.Head {
    /// Checks that the channel map is not to turn more channels than there are.
    /// - Throws: `ExperimentError.mapRankTooLarge`.
    package func requireMapRank(within channelCount: Int) throws {
        guard case .channels(let rank) = mapRank, rank > channelCount else { return }
        throw ExperimentError.mapRankTooLarge(rank: rank, channelCount: channelCount)
    }
}

extension RunConfiguration.Input {
    /// A preset with what this section sets beside it.
    package func applied(to preset: InputTransform) -> InputTransform {
        var result = preset
        if let resize { result.resize = resize }
        if let squash { result.squash = squash }
        if let crop { result.crop = crop }
        if let interpolation { result.interpolation = interpolation }
        if let exif { result.exif = exif }
        if let mean { result.mean = mean.map { Float($0) } }
        if let standardDeviation { result.standardDeviation = standardDeviation.map { Float($0) } }
        return result
    }
}

extension RunConfiguration.Training {
    /// Makes the logical shards as many as the training images if they are more, or a few less, so that the batch size is a
    /// multiple of them.
    /// - Returns: a sentence about it; nil if nothing was changed.
    package mutating func lowerLogicalShards(for sampleCount: Int) -> String? {
        guard sampleCount > 0, sampleCount < logicalShards else { return nil }
        let asked = logicalShards
        logicalShards = (1...sampleCount).last { batchSize % $0 == 0 } ?? 1
        return
            "training.logical_shards is \(logicalShards), not \(asked): there are \(sampleCount) training images, and "
            + "each logical shard needs one."
    }
}

extension RunConfiguration.Cache {
    /// The views beside the plain one; nil for none.
    /// - Throws: `ImageCodingError.invalidAugmentation`.
    package func cacheViews() throws -> CacheViews? {
        guard views > 1 else { return nil }
        try augmentation.validate()
        return CacheViews(count: views, seed: viewSeed, augmentation: augmentation)
    }
}
