import DurableFiles
public import SystemPackage
import WeightFiles

/// Makes a cache, or goes on with one that was begun.
///
///     let writer = try FeatureCacheWriter(directory: cache, identity: identity, samples: samples)
///     for shard in writer.missingShards {
///         var builder = writer.makeShard(shard)
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
    /// shards). Throws `FeatureCacheError.mismatch` when that one was made from anything else, `DurableFileError`.
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
        var differences = found.identity.differences(from: identity)
        if let difference = found.samples.firstDifference(from: samples) { differences.append(difference) }
        if differences.isEmpty, groupCount != nil, let difference = found.divisionDifference(from: newIndex()) {
            differences.append(difference)
        }
        guard differences.isEmpty else {
            throw FeatureCacheError.mismatch(directory: directory, differences: differences)
        }
        index = found
    }

    /// The shards that are not there, or are there and not what the index says; their data are not read.
    public var missingShards: [Int] {
        index.shards.indices.filter { !isPresent(shard: $0) }
    }

    /// Whether the file of a shard is there and what the index says; its data are not read.
    package func isPresent(shard: Int) -> Bool {
        (try? CacheShard.open(CacheIndex.shardPath(shard, in: directory), shard, of: index)) != nil
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
            _ = try CacheShard(path: path).open(shard, of: index)
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
        var builder = makeShard(shard)
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

    /// The features of a shard as they come, batch by batch.
    public struct ShardBuilder {
        private let writer: FeatureCacheWriter
        private let shard: Int
        private var halves: [Float16] = []
        private var floats: [Float] = []

        fileprivate init(_ writer: FeatureCacheWriter, shard: Int) {
            self.writer = writer
            self.shard = shard
            let count = writer.index.shards[shard].sampleCount * writer.identity.featureMap.elementCount
            switch writer.identity.precision {
            case .f16: halves.reserveCapacity(count)
            case .f32: floats.reserveCapacity(count)
            }
        }

        /// Features that are still to be appended.
        private var missingCount: Int {
            writer.index.shards[shard].sampleCount * writer.identity.featureMap.elementCount - halves.count
                - floats.count
        }

        /// Adds the feature maps [k, H, W, D] of the next k samples.
        /// Throws `FeatureCacheError.notRepresentable`, naming the sample.
        public mutating func append(_ features: [Float]) throws {
            try features.withUnsafeBufferPointer { try append($0) }
        }

        /// Adds the feature maps [k, H, W, D] of the next k samples.
        package mutating func append(_ features: UnsafeBufferPointer<Float>) throws {
            let elementCount = writer.identity.featureMap.elementCount
            precondition(
                features.count % elementCount == 0 && features.count <= missingCount,
                "\(features.count) features do not fit: shard \(shard) lacks \(missingCount), \(elementCount) a sample")
            let firstBad: Int?
            let start = halves.count + floats.count
            switch writer.identity.precision {
            case .f16:
                var bad: Int?
                halves += [Float16](unsafeUninitializedCapacity: features.count) { buffer, count in
                    bad = FeatureConversion.narrow(
                        features, into: UnsafeMutableBufferPointer(rebasing: buffer[..<features.count]))
                    count = features.count
                }
                firstBad = bad
            case .f32:
                firstBad = FeatureConversion.firstNotFinite(features)
                floats += features
            }
            if let firstBad {
                let sample = writer.index.sampleIndices(inShard: shard)[(start + firstBad) / elementCount]
                throw FeatureCacheError.notRepresentable(
                    sample: writer.samples.path(of: sample), value: features[firstBad],
                    precision: writer.identity.precision)
            }
        }

        /// Writes the shard, all or nothing. Throws `DurableFileError`.
        public func write() throws {
            precondition(missingCount == 0, "shard \(shard) still lacks \(missingCount) features")
            let index = writer.index
            let map = index.identity.featureMap
            let labels = index.sampleIndices(inShard: shard).map { Int64(index.samples.label(of: $0)) }
            let shape = [labels.count, map.height, map.width, map.channelCount]
            var hasher = ContentHasher()
            labels.withUnsafeBytes { hasher.update($0) }
            halves.withUnsafeBytes { hasher.update($0) }
            floats.withUnsafeBytes { hasher.update($0) }
            try SafetensorsWriter.write(
                [
                    .int64("labels", [labels.count], labels),
                    index.identity.precision == .f16
                        ? .init(name: "features", elementType: .float16, shape: shape, elements: halves)
                        : .init(name: "features", elementType: .float32, shape: shape, elements: floats),
                ],
                metadata: [
                    CacheShard.MetadataKey.format: CacheShard.MetadataKey.formatName,
                    CacheShard.MetadataKey.data: hasher.finalize().hexadecimal,
                    CacheShard.MetadataKey.origin: index.origin(ofShard: shard).hexadecimal,
                ], to: CacheIndex.shardPath(shard, in: writer.directory))
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
