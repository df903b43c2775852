import DurableFiles
public import SystemPackage
import WeightFiles

/// A cache, for reading any sample's features in any order, from any thread.
///
/// It is complete, or holds at least the shards that one rank of several is responsible for.
///
/// Shards are mapped and checked (digest, labels, origin) when they are first read from; nothing is copied before it is
/// asked for, and the system takes the memory of the maps back when it needs it.
public final class FeatureCache: Sendable {
    public let directory: FilePath
    private let index: CacheIndex
    private let shards: [CacheShard]
    /// The shards that this rank is responsible for; nil for all.
    package let ownShards: Set<Int>?

    /// Opens the cache in `directory`. Throws `FeatureCacheError` when there is none, when it is damaged or not complete,
    /// and when its identity is not `expected`; `DurableFileError`.
    ///
    /// - Parameters:
    ///   - ownShards: the shards that must be there; all of them if nil.
    ///   - skipped: the skipped samples where they are known already; what the index says if nil.
    public init(
        directory: FilePath, expecting expected: CacheIdentity? = nil, ownShards: Set<Int>? = nil,
        skipped: [SkippedSample]? = nil
    ) throws {
        self.directory = directory
        var index = try CacheIndex(directory: directory)
        if let skipped { index = index.replacing(skipped: skipped) }
        if let expected {
            let differences = index.identity.differences(from: expected)
            guard differences.isEmpty else {
                throw FeatureCacheError.mismatch(directory: directory, differences: differences)
            }
        }
        let paths = index.shards.indices.map { CacheIndex.shardPath($0, in: directory) }
        let missing = paths.indices.filter {
            ownShards?.contains($0) != false && !DurableFile.exists(paths[$0])
        }
        guard missing.isEmpty else {
            throw FeatureCacheError.incomplete(directory: directory, missingShards: missing, shardCount: paths.count)
        }
        self.index = index
        self.ownShards = ownShards
        shards = paths.map { CacheShard(path: $0) }
    }

    /// Whether there is a cache in `directory`, complete or not.
    public static func exists(in directory: FilePath) -> Bool {
        DurableFile.exists(CacheIndex.path(in: directory))
    }

    public var identity: CacheIdentity { index.identity }
    public var samples: CacheSamples { index.samples }
    public var shardCount: Int { shards.count }

    /// Views of each training image; view 0 is the plain one, which test images have too.
    public var viewCount: Int { identity.viewCount }
    /// The samples whose images could not be decoded.
    public var skipped: [SkippedSample] { index.skipped }

    /// Feature maps in the whole cache, of all views.
    public var mapCount: Int {
        (0..<shardCount).reduce(0) { $0 + index.shards[$1].sampleCount }
            - skipped.reduce(0) { count, entry in
                count + (samples.split(of: entry.sample) == CacheIndex.viewedSplit ? viewCount : 1)
            }
    }

    /// The samples of a split ("train" or "test") that have features, in the dataset's order.
    public func indices(of split: String) -> [Int] {
        samples.indices.filter { samples.split(of: $0) == split && !index.isSkipped($0) }
    }

    /// All samples of a split, also the skipped ones, in the dataset's order.
    public func allIndices(of split: String) -> [Int] {
        samples.indices.filter { samples.split(of: $0) == split }
    }

    /// The feature maps of a view of samples, [n, H, W, D]; those of skipped samples are zero.
    ///
    /// - Parameter view: below `viewCount` for training images, 0 for others.
    /// - Throws: `FeatureCacheError.corruptShard`, `DurableFileError`.
    public func features(of sampleIndices: [Int], view: Int = 0) throws -> [Float] {
        let elementCount = identity.featureMap.elementCount
        return try [Float](unsafeUninitializedCapacity: sampleIndices.count * elementCount) { buffer, count in
            for (position, sample) in sampleIndices.enumerated() {
                let range = position * elementCount..<(position + 1) * elementCount
                try readFeatures(of: sample, view: view, into: UnsafeMutableBufferPointer(rebasing: buffer[range]))
                count = range.upperBound
            }
        }
    }

    /// Fills `destination` with the feature map [H, W, D] of a sample. Throws as `features(of:)`.
    package func readFeatures(
        of sampleIndex: Int, view: Int = 0, into destination: UnsafeMutableBufferPointer<Float>
    ) throws {
        precondition(
            destination.count == identity.featureMap.elementCount,
            "room for \(destination.count) features where a sample has \(identity.featureMap.elementCount)")
        guard let shard = index.shard(ofView: view, plainShard: samples.shard(of: sampleIndex)) else {
            preconditionFailure("\(samples.path(of: sampleIndex)) has no view \(view)")
        }
        let file = try shards[shard].open(shard, of: index)
        let byteCount = identity.sampleByteCount
        let start = samples.row(of: sampleIndex) * byteCount
        try file.withBytes(of: "features") { bytes in
            let row = UnsafeRawBufferPointer(rebasing: bytes[start..<start + byteCount])
            switch identity.precision {
            case .f16: FeatureConversion.widen(row, into: destination)
            case .f32: UnsafeMutableRawBufferPointer(destination).copyMemory(from: row)
            }
        }
    }

    /// Starts to read the features of samples that will be asked for soon; returns at once unless a shard has to be
    /// checked first. Throws as `features(of:)`.
    package func prefetch(_ sampleIndices: some Sequence<Int>) throws {
        for sample in sampleIndices {
            let shard = samples.shard(of: sample)
            let file = try shards[shard].open(shard, of: index)
            let start =
                file.entry("features")!.byteRange.lowerBound + samples.row(of: sample) * identity.sampleByteCount
            file.advise(.soon, range: start..<start + identity.sampleByteCount)
        }
    }

    /// Checks every own shard; `progress` is called after each with the number checked so far.
    /// Throws `FeatureCacheError.corruptShard` for the first that is damaged, `DurableFileError`.
    public func verify(progress: (_ checkedShardCount: Int) -> Void = { _ in }) throws {
        for (count, shard) in (ownShards?.sorted() ?? Array(shards.indices)).enumerated() {
            _ = try CacheShard(path: CacheIndex.shardPath(shard, in: directory)).open(shard, of: index)
            progress(count + 1)
        }
    }
}
