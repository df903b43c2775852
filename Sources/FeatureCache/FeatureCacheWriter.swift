import DurableFiles
public import SystemPackage
import WeightFiles

/// Makes a cache, or goes on with one that was begun.
///
///     let writer = try FeatureCacheWriter(directory: cache, identity: identity, samples: samples)
///     for shard in writer.missingShards {
///         let builder = writer.makeShard(shard)
///         for batch in batches(of: writer.samples(inShard: shard)) { try builder.append(features(of: batch)) }
///         try builder.write()
///     }
///     try writer.finish()
///
/// A kill at any moment leaves complete shards and at most some temporaries, which the next writer removes. Different
/// shards may be written from different threads or processes.
public final class FeatureCacheWriter: Sendable {
    public let directory: FilePath
    let index: CacheIndex

    public var identity: CacheIdentity { index.identity }
    public var samples: CacheSamples { index.samples }
    public var shardCount: Int { index.shards.count }

    /// Starts a cache of `samples` in `directory`, or goes on with the one that is there (with its own division into
    /// shards; views that it lacks are added). Throws `FeatureCacheError.mismatch` when that one was made from anything else, `DurableFileError`.
    ///
    /// - Parameter groupCount: if not nil, sample i of a split belongs to group i mod `groupCount`, no shard holds samples
    ///   of several groups, and a cache that is there must be divided in the same way.
    public init(
        directory: FilePath, identity: CacheIdentity, samples: [(path: String, label: Int, split: String)],
        samplesPerShard: Int? = nil, groupCount: Int? = nil
    ) throws {
        self.directory = directory
        try DurableFile.createDirectory(directory)
        try DurableFile.removeStaleTemporaries(in: directory)
        func newIndex() -> CacheIndex {
            CacheIndex(
                identity: identity, samples: samples,
                samplesPerShard: samplesPerShard ?? identity.defaultSamplesPerShard, groupCount: groupCount ?? 1)
        }
        let found: CacheIndex
        do {
            found = try CacheIndex(directory: directory)
        } catch FeatureCacheError.noIndex {
            index = newIndex()
            try index.write(to: CacheIndex.path(in: directory))
            return
        }
        let extended = found.identity.adding(viewsOf: identity)
        var differences = (extended ?? found.identity).differences(from: identity)
        if let difference = found.samples.firstDifference(from: samples) { differences.append(difference) }
        if differences.isEmpty, groupCount != nil, let difference = found.divisionDifference(from: newIndex()) {
            differences.append(difference)
        }
        guard differences.isEmpty else {
            throw FeatureCacheError.mismatch(directory: directory, differences: differences)
        }
        guard let extended, extended != found.identity else {
            index = found
            return
        }
        index = found.replacing(identity: extended)
        try index.write(to: CacheIndex.path(in: directory))
    }

    /// The shards that are not there, or are there and not what the index says; their data are not read.
    public var missingShards: [Int] {
        index.shards.indices.filter { !isPresent(shard: $0) }
    }

    /// Whether the file of a shard is there and what the index says; its data are not read.
    package func isPresent(shard: Int) -> Bool {
        (try? CacheShard.open(CacheIndex.shardPath(shard, in: directory), shard, of: index)) != nil
    }

    /// What view of its samples a shard holds; 0 is the plain one.
    package func view(ofShard shard: Int) -> Int { index.shards[shard].view }

    /// The samples that the given shards leave out. Shards of other than plain views say the same and are not read.
    /// Throws `FeatureCacheError.corruptShard`, `DurableFileError`.
    package func skippedSamples(inShards shards: some Sequence<Int>) throws -> [SkippedSample] {
        var skipped: [SkippedSample] = []
        for shard in shards where index.shards[shard].view == 0 {
            let file = try CacheShard.open(CacheIndex.shardPath(shard, in: directory), shard, of: index)
            let rows = try CacheShard.skippedRows(of: file, shard, of: index)
            guard !rows.isEmpty else { continue }
            let samples = index.sampleIndices(inShard: shard)
            skipped += rows.map { SkippedSample(sample: samples[$0.number], reason: $0.reason) }
        }
        return skipped.sorted { $0.sample < $1.sample }
    }

    /// Says in the index which samples are left out, all of them. Throws `DurableFileError`.
    package func record(skipped: [SkippedSample]) throws {
        guard try skipped != CacheIndex(directory: directory).skipped else { return }
        try index.replacing(skipped: skipped).write(to: CacheIndex.path(in: directory))
    }

    /// The group of each shard, for a cache that was divided into `groupCount` groups.
    package func groups(groupCount: Int) -> [Int] {
        var groups = [Int](repeating: 0, count: shardCount)
        var positions: [String: Int] = [:]
        for sample in samples.indices {
            let split = samples.split(of: sample)
            groups[samples.shard(of: sample)] = positions[split, default: 0] % groupCount
            positions[split, default: 0] += 1
        }
        for (shard, entry) in index.shards.enumerated() {
            if let plain = entry.plainShard { groups[shard] = groups[plain] }
        }
        return groups
    }

    /// The bytes of a shard's file, to be given to `adopt(_:as:)` elsewhere. Throws `DurableFileError`.
    package func fileBytes(ofShard shard: Int) throws -> [UInt8] {
        try DurableFile.read(CacheIndex.shardPath(shard, in: directory))
    }

    /// Writes the file of a shard from the bytes it has elsewhere; false, and no file, if they are not that shard.
    /// Throws `DurableFileError`.
    package func adopt(_ bytes: [UInt8], as shard: Int) throws -> Bool {
        let path = CacheIndex.shardPath(shard, in: directory)
        try DurableFile.write(bytes, to: path)
        do {
            // What it leaves out need not be in the index yet.
            try CacheShard.checkData(of: CacheShard.open(path, shard, of: index), shard, of: index)
            return true
        } catch FeatureCacheError.corruptShard {
            try DurableFile.remove(path)
            return false
        }
    }

    /// The samples of a shard, in the order in which their features must be given.
    public func samples(inShard shard: Int) -> [CacheSample] {
        index.sampleIndices(inShard: shard).map { index.samples[$0] }
    }

    /// The numbers among all samples of those of a shard, in the order in which their features must be given.
    public func sampleIndices(inShard shard: Int) -> [Int] {
        index.sampleIndices(inShard: shard)
    }

    /// An empty shard to be filled; it keeps its features in the cache's precision in memory until it is written.
    public func makeShard(_ shard: Int) -> ShardBuilder {
        ShardBuilder(self, shard: shard)
    }

    /// Writes a shard at once: `features` [n, H, W, D] and `labels` [n] of `samples(inShard:)`.
    /// Throws `FeatureCacheError.notRepresentable`, `DurableFileError`.
    public func write(shard: Int, features: [Float], labels: [Int]) throws {
        precondition(labels == samples(inShard: shard).map(\.label), "the labels are not those of shard \(shard)")
        let builder = makeShard(shard)
        try builder.append(features)
        try builder.write()
    }

    /// Checks that nothing is missing. Throws `FeatureCacheError.incomplete`.
    public func finish() throws {
        let missing = missingShards
        guard missing.isEmpty else {
            throw FeatureCacheError.incomplete(
                directory: directory, missingShards: missing, shardCount: index.shards.count)
        }
    }
}

extension CacheSamples {
    /// The first place where the samples are not those of `list`.
    fileprivate func firstDifference(from list: [(path: String, label: Int, split: String)]) -> CacheDifference? {
        if count != list.count {
            return CacheDifference(field: "number of samples", found: "\(count)", expected: "\(list.count)")
        }
        for (index, expected) in list.enumerated() {
            let found = (path: path(of: index), label: label(of: index), split: split(of: index))
            if found != expected {
                return CacheDifference(
                    field: "sample \(index)", found: "\(found.path) (class \(found.label), \(found.split))",
                    expected: "\(expected.path) (class \(expected.label), \(expected.split))")
            }
        }
        return nil
    }
}
