import DurableFiles
import Glibc
public import SystemPackage

/// Makes a cache, or goes on with one that was begun.
///
///     let writer = try FeatureCacheWriter(directory: cache, identity: identity, samples: samples)
///     for shard in try writer.missingShards() {
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
    /// shards; views that it lacks are added). Of several that start one in the same folder at the same time, one succeeds, and
    /// the others go on with that one's division.
    ///
    /// - Parameters:
    ///   - logicalShardCount: V. Sample i of a split belongs to logical shard i mod V, and no file holds samples of two of them.
    ///   - requiresDivision: whether a cache that is there must be divided in the same way.
    ///   - mayWriteIndex: whether a cache may be started, and views added; if not, there must be one that has them.
    /// - Throws: `FeatureCacheError.mismatch` when the cache that is there was made from anything else, `.noIndex` if there is
    ///   none and none may be started; `DurableFileError`.
    public init(
        directory: FilePath, identity: CacheIdentity, samples: [(path: String, label: Int, split: String)],
        samplesPerShard: Int? = nil, logicalShardCount: Int = 1, requiresDivision: Bool = false,
        mayWriteIndex: Bool = true
    ) throws {
        self.directory = directory
        if mayWriteIndex {
            try DurableFile.createDirectory(directory)
            try DurableFile.removeStaleTemporaries(in: directory)
        }
        let path = CacheIndex.path(in: directory)
        func newIndex() -> CacheIndex {
            CacheIndex(
                identity: identity, samples: samples,
                samplesPerShard: samplesPerShard ?? identity.defaultSamplesPerShard,
                logicalShardCount: logicalShardCount)
        }
        var found: CacheIndex
        do {
            found = try CacheIndex(directory: directory)
        } catch FeatureCacheError.noIndex where mayWriteIndex {
            do {
                try newIndex().create(path)
            } catch DurableFileError.alreadyExists {
                // Somebody else was quicker.
            }
            found = try CacheIndex(directory: directory)
        }
        let extended = mayWriteIndex ? found.identity.adding(viewsOf: identity) : found.identity
        var differences = (extended ?? found.identity).differences(from: identity)
        differences += found.samples.differences(from: samples)
        if differences.isEmpty, requiresDivision, let difference = found.divisionDifference(from: newIndex()) {
            differences.append(difference)
        }
        guard differences.isEmpty else {
            throw FeatureCacheError.mismatch(directory: directory, differences: differences)
        }
        if let extended, extended != found.identity {
            found = found.replacing(identity: extended)
            try found.write(to: path)
        }
        index = found
    }

    // MARK: - What is there

    /// What is there of a shard.
    package enum Presence: Equatable {
        case missing
        /// The front of its file is what the index says. The features are verified when they are read.
        case present(skipped: [SkippedSample])
        case damaged(problem: String)
    }

    /// What is there of a shard; its features are not read. Throws `DurableFileError`.
    package func presence(ofShard shard: Int) throws -> Presence {
        let path = CacheIndex.shardPath(shard, in: directory)
        do {
            let front = try ShardFront(of: PositionedFile(path), shard, in: index)
            if let problem = front.lengthProblem { return .damaged(problem: problem) }
            // Other views leave out the same.
            guard index.shards[shard].view == 0, !front.skipped.isEmpty else { return .present(skipped: []) }
            let samples = index.sampleIndices(inShard: shard)
            return .present(
                skipped: front.skipped.map { SkippedSample(sample: samples[$0.number], reason: $0.reason) })
        } catch let fault as ShardFault {
            return .damaged(problem: fault.problem)
        } catch DurableFileError.missing {
            return .missing
        } catch DurableFileError.notAFile, DurableFileError.shorter, DurableFileError.failed(_, _, EIO) {
            return .damaged(problem: "it cannot be read")
        }
    }

    /// The shards that are not there, or are there and not what the index says; their features are not read.
    /// Throws `DurableFileError`.
    public func missingShards() throws -> [Int] {
        try index.shards.indices.filter {
            if case .present = try presence(ofShard: $0) { false } else { true }
        }
    }

    /// The samples that the shards leave out. Throws `DurableFileError`.
    package func skippedSamples() throws -> [SkippedSample] {
        try index.shards.indices.flatMap { shard -> [SkippedSample] in
            if case .present(let skipped) = try presence(ofShard: shard) { skipped } else { [] }
        }
        .sorted { $0.sample < $1.sample }
    }

    /// What view of its samples a shard holds; 0 is the plain one.
    package func view(ofShard shard: Int) -> Int { index.shards[shard].view }

    /// The logical shards that the files are cut by, V; nil in a cache of an older version, which does not say it.
    package var logicalShardCount: Int? { index.logicalShardCount }

    /// The logical shard of each shard, if the cache is cut by `logicalShardCount`.
    package func logicalShards(ofDivisionInto logicalShardCount: Int) -> [Int]? {
        index.logicalShards(ofDivisionInto: logicalShardCount)
    }

    /// The shards of the logical shards that a rank hosts; nil if the cache is not cut by logical shards, or by fewer than
    /// there are ranks.
    package func shards(ofRank rank: Int, of rankCount: Int) -> Set<Int>? {
        index.shards(ofRank: rank, of: rankCount)
    }

    /// A digest of the division into files, by which ranks find out whether they see the same cache.
    package var divisionDigest: ContentDigest { index.divisionDigest }

    // MARK: - Making it complete

    /// Says in the index which samples are left out, all of them. Throws `FeatureCacheError`, `DurableFileError`.
    package func record(skipped: [SkippedSample]) throws {
        // Views may have been added in the meantime.
        let current = try CacheIndex(directory: directory)
        guard skipped != current.skipped else { return }
        try current.replacing(skipped: skipped).write(to: CacheIndex.path(in: directory))
    }

    /// A shard to be written, with what is sound of the file that is there. Throws `DurableFileError`.
    package func pendingShard(_ shard: Int) throws -> PendingShard {
        try PendingShard(index, in: directory, shard: shard)
    }

    /// The bytes of a shard's file, to be given to `adopt(_:as:)` elsewhere. Throws `DurableFileError`.
    package func fileBytes(ofShard shard: Int) throws -> [UInt8] {
        try DurableFile.read(CacheIndex.shardPath(shard, in: directory))
    }

    /// Writes the file of a shard from the bytes it has elsewhere, and gives the samples that it leaves out; nil, and no file,
    /// if they are not that shard. Throws `DurableFileError`.
    package func adopt(_ bytes: [UInt8], as shard: Int) throws -> [SkippedSample]? {
        guard let front = try? ShardFront(of: bytes, shard, in: index), front.hasSoundRows(bytes) else { return nil }
        try DurableFile.write(bytes, to: CacheIndex.shardPath(shard, in: directory))
        let samples = index.sampleIndices(inShard: shard)
        return front.skipped.map { SkippedSample(sample: samples[$0.number], reason: $0.reason) }
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
        ShardBuilder(index, in: directory, shard: shard)
    }

    /// Writes a shard at once: `features` [n, H, W, D] and `labels` [n] of `samples(inShard:)`.
    /// Throws `FeatureCacheError.notRepresentable`, `DurableFileError`.
    public func write(shard: Int, features: [Float], labels: [Int]) throws {
        precondition(labels == samples(inShard: shard).map(\.label), "the labels are not those of shard \(shard)")
        let builder = makeShard(shard)
        try builder.append(features)
        try builder.write()
    }

    /// Checks that nothing is missing. Throws `FeatureCacheError.incomplete`, `DurableFileError`.
    public func finish() throws {
        let missing = try missingShards()
        guard missing.isEmpty else {
            throw FeatureCacheError.incomplete(
                directory: directory, missingShards: missing, shardCount: index.shards.count)
        }
    }
}
