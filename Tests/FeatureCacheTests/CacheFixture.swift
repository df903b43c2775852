import DurableFiles
import FeatureCache
import ImageCoding
import SystemPackage
import TemporaryFolders
import Tensors

/// A small cache with features that tell where they belong.
struct CacheFixture {
    var identity = CacheIdentity(
        backbone: "resnet18", weightDigest: ContentDigest(of: "weights"), input: InputTransform(resize: 256, crop: 224),
        datasetFingerprint: ContentDigest(of: "dataset"), precision: .f16,
        featureMap: FeatureMapShape(height: 2, width: 3, channelCount: 5), classNames: ["crane", "gull", "Ärger \"q\""])
    var samples: [(path: String, label: Int, split: String)] = (0..<23).map { index in
        (path: "images/\(index % 3)/\(index) é.jpg", label: index % 3, split: index % 4 == 3 ? "test" : "train")
    }

    /// Whether most features are zero.
    var isSparse = false

    /// The feature map of a sample: halves, so that both precisions hold them.
    func features(of sample: Int) -> [Float] {
        (0..<identity.featureMap.elementCount).map {
            isSparse && ($0 + sample) % 3 > 0 ? 0 : Float(sample * 32 + $0) / 4 * ($0 % 2 == 0 ? 1 : -1)
        }
    }

    /// The feature map of a sample as the cache gives it.
    func stored(_ sample: Int) -> [Float] {
        let map = identity.featureMap
        return identity.precision.rounded(
            Tensor(shape: [1, map.height, map.width, map.channelCount], values: features(of: sample))
        ).values
    }

    func writer(
        in directory: FilePath, samplesPerShard: Int = 4, logicalShardCount: Int = 1, requiresDivision: Bool = false
    ) throws -> FeatureCacheWriter {
        try FeatureCacheWriter(
            directory: directory, identity: identity, samples: samples, samplesPerShard: samplesPerShard,
            logicalShardCount: logicalShardCount, requiresDivision: requiresDivision)
    }

    /// Writes a shard, batch by batch.
    func write(_ shard: Int, with writer: FeatureCacheWriter) throws {
        let builder = writer.makeShard(shard)
        for sample in writer.samples(inShard: shard) {
            let index = samples.firstIndex { $0.path == sample.path }!
            try builder.append(features(of: index))
        }
        try builder.write()
    }

    /// Writes all that is missing.
    func fill(_ directory: FilePath, logicalShardCount: Int = 1) throws {
        let writer = try writer(in: directory, logicalShardCount: logicalShardCount)
        for shard in try writer.missingShards() { try write(shard, with: writer) }
        try writer.finish()
    }

    /// The digest of each file of a cache.
    static func digests(of directory: FilePath) throws -> [String: ContentDigest] {
        try DurableDirectory.names(in: directory).reduce(into: [:]) {
            $0[$1] = try ContentDigest.ofFile(directory.appending($1))
        }
    }
}
