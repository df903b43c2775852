import DataSharding
import DurableFiles
import Synchronization
public import SystemPackage

/// A cache, for reading any sample's features in any order, from any thread.
///
/// It is complete, or holds at least the files that one rank of several is responsible for. A file is opened when it is first
/// read from, and may be closed again when others are. Every feature map is verified when it is first read, and again when its
/// file has changed; what is damaged is an error, or is made anew where the cache was given somebody who can (`CacheMender`).
public final class FeatureCache: Sendable {
    public let directory: FilePath
    let index: CacheIndex
    let shards: [CacheShard]
    let files: OpenShards
    let counters: TrafficCounters
    let mending: CacheMending
    /// The shards whose files are read past the system's memory (`keepInMemory`).
    let onDisk = Mutex<Set<Int>>([])
    /// Whether the last one to read ahead found that nothing has to wait for the disk. The next one then begins with that.
    let readsWithoutWaiting = Atomic(false)
    /// The shards that this rank is responsible for; nil for all.
    package let ownShards: Set<Int>?

    /// Opens the cache in `directory`. Throws `FeatureCacheError` when there is none, when it is damaged or not complete,
    /// and when its identity is not `expected`; `DurableFileError`.
    ///
    /// - Parameters:
    ///   - rank: if the ranks of a run share out the cache, this one and their number: this rank is responsible for the
    ///     logical shards that it hosts, and only their files must be there.
    ///   - openFileLimit: files that may be open at a time; if nil, most of what the process is allowed.
    ///   - mender: makes anew what is damaged.
    package init(
        directory: FilePath, expecting expected: CacheIdentity? = nil, rank: (number: Int, of: Int)?,
        openFileLimit: Int? = nil, mender: CacheMender? = nil
    ) throws {
        let index = try CacheIndex(directory: directory)
        if let expected {
            let differences = index.identity.differences(from: expected)
            guard differences.isEmpty else {
                throw FeatureCacheError.mismatch(directory: directory, differences: differences)
            }
        }
        self.directory = directory
        self.index = index
        ownShards = rank.flatMap { index.shards(ofRank: $0.number, of: $0.of) }
        shards = index.shards.map { _ in CacheShard() }
        files = OpenShards(limit: openFileLimit)
        counters = TrafficCounters(shardCount: index.shards.count)
        mending = CacheMending(mender)
        let missing = index.shards.indices.filter {
            ownShards?.contains($0) != false && !DurableFile.exists(path(ofShard: $0))
        }
        guard missing.isEmpty else {
            throw FeatureCacheError.incomplete(
                directory: directory, missingShards: missing, shardCount: index.shards.count)
        }
    }

    /// Opens the cache in `directory`, all of it. Throws as above.
    public convenience init(directory: FilePath, expecting expected: CacheIdentity? = nil) throws {
        try self.init(directory: directory, expecting: expected, rank: nil)
    }

    /// The cache that `writer` has made, with the other ranks of a run or alone.
    ///
    /// - Parameters:
    ///   - ownShards: the shards that this rank is responsible for, which are known to be there; all if nil.
    ///   - skipped: the skipped samples of all ranks.
    package init(
        _ writer: FeatureCacheWriter, ownShards: Set<Int>?, skipped: [SkippedSample], mender: CacheMender?
    ) {
        directory = writer.directory
        index = writer.index.replacing(skipped: skipped)
        self.ownShards = ownShards
        shards = index.shards.map { _ in CacheShard() }
        files = OpenShards()
        counters = TrafficCounters(shardCount: index.shards.count)
        mending = CacheMending(mender)
    }

    /// Whether there is a cache in `directory`, complete or not.
    public static func exists(in directory: FilePath) -> Bool {
        DurableFile.exists(CacheIndex.path(in: directory))
    }

    public var identity: CacheIdentity { index.identity }
    public var samples: CacheSamples { index.samples }
    public var shardCount: Int { shards.count }
    /// The logical shards that the files are cut by, V; nil in a cache of an older version, whose files hold samples of all.
    public var logicalShardCount: Int? { index.logicalShardCount }

    /// Views of each training image; view 0 is the plain one, which test images have too.
    public var viewCount: Int { identity.viewCount }
    /// The samples whose images could not be decoded.
    public var skipped: [SkippedSample] { index.skipped }
    /// What this process has read of the cache so far.
    public var traffic: CacheTraffic { counters.traffic }

    /// Files that are open now, beside those that threads are reading from although others have taken their place.
    package var openFileCount: Int { files.count }

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

    func path(ofShard shard: Int) -> FilePath { CacheIndex.shardPath(shard, in: directory) }
}

extension CacheIndex {
    /// The shards of the logical shards that a rank hosts; nil if the cache is not cut by logical shards, or by fewer than
    /// there are ranks.
    func shards(ofRank rank: Int, of rankCount: Int) -> Set<Int>? {
        guard rankCount > 1, let logicalShardCount, let logicalShards,
            let hosting = try? ShardHosting(shardCount: logicalShardCount, rankCount: rankCount)
        else { return nil }
        let hosted = hosting.shards(ofRank: rank)
        return Set(shards.indices.filter { hosted.contains(logicalShards[$0]) })
    }
}
