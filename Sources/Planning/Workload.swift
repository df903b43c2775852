import DataSharding
public import DisentangledHead
public import FeatureCache
public import Inference
import RunConfiguration
public import Tensors

/// What a run computes, in the quantities that its cost depends on.
public struct Workload: Equatable, Sendable {
    public var trainCount: Int
    public var testCount: Int
    /// C.
    public var classCount: Int
    /// h x w x D.
    public var featureMap: FeatureMapShape
    public var precision: CachePrecision
    /// Views of each training image in the cache, the plain one included.
    public var viewCount: Int
    /// Samples of a cache file.
    public var samplesPerCacheShard: Int
    /// V.
    public var logicalShards: Int
    /// Samples of a step, over all logical shards.
    public var batchSize: Int
    public var epochs: Int
    /// Whether a linear classifier is fitted before the training, to start from or to learn from.
    public var isClassifierFitted: Bool
    public var channelMap: ChannelMapKind
    /// Weights that a class has for a channel.
    public var weightsPerChannel: Int
    /// Channels that the channel map turns; nil for all.
    public var turnedChannelCount: Int?
    /// Numbers that the optimizer keeps beside each parameter: 2 for Adam, 1 for SGD.
    public var momentsPerParameter: Int
    /// Numbers that a step keeps for each feature of a logical shard while it works on it: its activation, if the channel map is
    /// `riemannian`, and what a pooling with a dense gradient has of each side.
    public var numbersPerFeature: Int
    /// Whether the head learns from a teacher, whose logits are remembered.
    public var hasTeacher: Bool

    public init(
        trainCount: Int, testCount: Int, classCount: Int, featureMap: FeatureMapShape, precision: CachePrecision,
        viewCount: Int = 1, samplesPerCacheShard: Int, logicalShards: Int, batchSize: Int, epochs: Int,
        isClassifierFitted: Bool = false, channelMap: ChannelMapKind, turnedChannelCount: Int? = nil,
        weightsPerChannel: Int = 1, momentsPerParameter: Int, numbersPerFeature: Int = 0, hasTeacher: Bool = false
    ) {
        self.trainCount = trainCount
        self.testCount = testCount
        self.classCount = classCount
        self.featureMap = featureMap
        self.precision = precision
        self.viewCount = viewCount
        self.samplesPerCacheShard = samplesPerCacheShard
        self.logicalShards = logicalShards
        self.batchSize = batchSize
        self.epochs = epochs
        self.isClassifierFitted = isClassifierFitted
        self.channelMap = channelMap
        self.weightsPerChannel = weightsPerChannel
        self.turnedChannelCount = turnedChannelCount
        self.momentsPerParameter = momentsPerParameter
        self.numbersPerFeature = numbersPerFeature
        self.hasTeacher = hasTeacher
    }

    /// The workload of an experiment.
    public init(_ experiment: Experiment) {
        let dataset = experiment.dataset
        self.init(
            experiment.configuration, experiment.cacheIdentity, trainCount: dataset.train.count,
            testCount: dataset.test.count, classCount: dataset.classNames.count)
    }

    /// The workload of a configuration with a cache of the given identity, for a dataset of the given size.
    init(
        _ configuration: RunConfiguration, _ identity: CacheIdentity, trainCount: Int, testCount: Int, classCount: Int
    ) {
        self.init(
            trainCount: trainCount, testCount: testCount, classCount: classCount, featureMap: identity.featureMap,
            precision: identity.precision, viewCount: identity.viewCount,
            samplesPerCacheShard: configuration.cache.samplesPerShard ?? identity.defaultSamplesPerShard,
            logicalShards: configuration.training.logicalShards, batchSize: configuration.training.batchSize,
            epochs: configuration.training.epochs,
            isClassifierFitted: configuration.needsFittedClassifier,
            channelMap: configuration.head.channelMap,
            turnedChannelCount: configuration.head.mapRank.turnedCount(
                channelCount: identity.featureMap.channelCount, trainingImageCount: trainCount),
            weightsPerChannel: configuration.head.signs.valuesPerChannel,
            momentsPerParameter: configuration.training.optimizer == .adam ? 2 : 1,
            numbersPerFeature: (configuration.head.channelMap == .riemannian ? 1 : 0)
                + (configuration.head.pooling == .argmax ? 0 : configuration.head.signs.valuesPerChannel),
            hasTeacher: configuration.training.distillation.weight != nil)
    }

    /// Numbers in the channel map D x D, or in its part of the channels that it turns, if it is trained.
    public var channelMapCount: Int {
        let size = turnedChannelCount ?? featureMap.channelCount
        return channelMap == .identity ? 0 : size * size
    }
    /// Numbers in the classifier's weights C x D, or twice as many with one for each side of a channel.
    var classifierCount: Int { classCount * featureMap.channelCount * weightsPerChannel }
    /// E, the numbers in a gradient: of a `riemannian` channel map those above the diagonal of a skew matrix.
    public var gradientCount: Int { mapGradientCount + classifierCount }
    /// Those of the channel map among them.
    var mapGradientCount: Int {
        let size = turnedChannelCount ?? featureMap.channelCount
        return channelMap == .riemannian ? SquareMatrix<Float>.triangleCount(size: size) : channelMapCount
    }
    /// Bytes of a sample's features in the cache.
    public var sampleByteCount: Int { precision.byteCount(of: featureMap) }
    /// Bytes of a sample in the cache on disk, with its label and digests.
    public var storedByteCount: Int { sampleByteCount + CacheIdentity.storedByteCountBesideFeatures }
    /// Views of training images that a logical shard has, at most.
    var viewsPerShard: Int { samplesOfLargestShard(of: trainCount) * viewCount }
    /// Samples that one logical shard gives to a step.
    public var samplesPerShard: Int { max(1, batchSize / logicalShards) }
    public var stepsPerEpoch: Int { distribution.stepsPerEpoch }
    public var stepCount: Int { epochs * stepsPerEpoch }
    /// Full batches that an epoch's samples would make; at most the steps, of which the last may have fewer samples.
    public var batchesPerEpoch: Double {
        min(Double(stepsPerEpoch), Double(max(1, trainCount)) / Double(samplesPerShard * logicalShards))
    }

    /// The most samples that a file of the cache has: one is of one logical shard.
    public var samplesPerCacheFile: Int {
        min(samplesPerCacheShard, samplesOfLargestShard(of: max(trainCount, testCount)))
    }

    /// Of a split of `count` samples: no shard has more than the first.
    private func samplesOfLargestShard(of count: Int) -> Int {
        ShardAssignment(shardCount: logicalShards).count(ofShard: 0, of: count)
    }

    /// How ranks share the logical shards.
    var distribution: LogicalShards {
        LogicalShards(
            sampleCount: max(1, trainCount), shardCount: logicalShards, batchSize: samplesPerShard * logicalShards,
            seed: 0)
    }

    /// Which of `rankCount` ranks, at most as many as shards, hosts which.
    func hosting(rankCount: Int) -> ShardHosting {
        guard let hosting = try? ShardHosting(shardCount: logicalShards, rankCount: rankCount) else {
            preconditionFailure("\(rankCount) ranks for \(logicalShards) logical shards")
        }
        return hosting
    }

    /// Feature maps in the whole cache: one for each test image and each view of a training image.
    public var mapCount: Int { trainCount * viewCount + testCount }

    /// Training images of the given logical shards.
    func trainCount(of shards: Range<Int>) -> Int {
        let assignment = ShardAssignment(shardCount: logicalShards)
        return shards.reduce(0) { $0 + assignment.count(ofShard: $1, of: trainCount) }
    }

    /// Feature maps of the given logical shards: sample i of a split belongs to shard i mod V.
    func mapCount(of shards: Range<Int>) -> Int {
        let assignment = ShardAssignment(shardCount: logicalShards)
        return shards.reduce(0) {
            $0 + viewCount * assignment.count(ofShard: $1, of: trainCount)
                + assignment.count(ofShard: $1, of: testCount)
        }
    }
}
