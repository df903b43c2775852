import DurableFiles
import StrictJSON
import SystemPackage

extension CacheIndex {
    /// Reads and checks the index of the cache in `directory`. Throws `FeatureCacheError`, `DurableFileError`.
    init(directory: FilePath) throws {
        let path = Self.path(in: directory)
        let text: [UInt8]
        do {
            text = try DurableFile.read(path)
        } catch DurableFileError.missing {
            throw FeatureCacheError.noIndex(directory: directory)
        }
        do {
            self = try text.withUnsafeBytes { bytes in
                // The version is looked at first: another one may have its digest in another place.
                var reader = JSONReader(bytes)
                let members = try Members(from: &reader)
                try reader.finish()
                guard Self.isDigestRight(bytes) else { throw reader.failure("its digest is not that of its content") }
                return try members.index()
            }
        } catch let error as JSONError {
            throw FeatureCacheError.corruptIndex(path: path, problem: "\(error)")
        } catch let version as UnknownVersion {
            throw FeatureCacheError.unknownVersion(path: path, found: version.found, supported: Self.schemaVersion)
        }
    }

    private struct UnknownVersion: Error { let found: Int }

    private static func isDigestRight(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let tailCount = digestKey.utf8.count + 64 + end.utf8.count
        guard bytes.count >= tailCount else { return false }
        let body = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - tailCount)])
        let tail = digestKey + ContentDigest(of: body).hexadecimal + end
        return bytes[(bytes.count - tailCount)...].elementsEqual(tail.utf8)
    }

    /// The members of the object, before they are checked against each other.
    private struct Members {
        var version = 0
        var identity: [String: JSONValue] = [:]
        var logicalShardCount: Int?
        var shards: [Shard]?
        var samples: CacheSamples?
        var skipped: [SkippedSample] = []

        init(from reader: inout JSONReader) throws {
            var isFirst = true
            try reader.readObject { key, reader in
                if isFirst {
                    guard key == "schema_version" else { throw reader.failure("\"schema_version\" must come first") }
                    isFirst = false
                }
                switch key {
                case "schema_version":
                    version = try reader.readInteger()
                    guard (1...CacheIndex.schemaVersion).contains(version) else {
                        throw UnknownVersion(found: version)
                    }
                case "logical_shards" where version > CacheIndex.wholeFilesVersions.upperBound:
                    let count = try reader.readCount()
                    guard (1...CacheIndex.sampleLimit).contains(count) else {
                        throw reader.failure("it cannot be cut by \(count) logical shards")
                    }
                    logicalShardCount = count
                case "shards": shards = try Self.readShards(from: &reader)
                case "skipped":
                    let text = try reader.readValue().text()
                    guard let list = SkippedSample.list(Array(text.utf8)) else {
                        throw reader.failure("the skipped samples are not numbers with reasons, in rising order")
                    }
                    skipped = list.map { SkippedSample(sample: $0.number, reason: $0.reason) }
                case "columns":
                    guard try reader.readValue() == .array(["path", "label", "shard", "row"].map { .string($0) }) else {
                        throw reader.failure("the columns are not path, label, shard, row")
                    }
                case "samples":
                    guard let shards else { throw reader.failure("\"shards\" must come before \"samples\"") }
                    samples = try Self.readSamples(from: &reader, shards)
                case "digest": _ = try reader.readString()
                default: identity[key] = try reader.readValue()
                }
            }
        }

        private static func readShards(from reader: inout JSONReader) throws -> [Shard] {
            var shards: [Shard] = []
            try reader.readArray { reader in
                var split: String?
                var count: Int?
                try reader.readObject { key, reader in
                    switch key {
                    case "split": split = try reader.readString()
                    case "samples": count = try reader.readCount()
                    default: throw reader.failure("a shard has the unknown key \"\(key)\"")
                    }
                }
                guard let split, let count, count > 0, count <= CacheIndex.sampleLimit else {
                    throw reader.failure("a shard needs a split and a number of samples")
                }
                shards.append(Shard(split: split, sampleCount: count))
            }
            return shards
        }

        /// Rows of a shard must come in order, each once.
        private static func readSamples(from reader: inout JSONReader, _ shards: [Shard]) throws -> CacheSamples {
            var samples = CacheSamples(shardSplits: shards.map(\.split))
            var nextRows = [Int](repeating: 0, count: shards.count)
            try reader.readArray { reader in
                var column = 0
                var (label, shard, row) = (0, 0, 0)
                try reader.readArray { reader in
                    switch column {
                    case 0: try samples.appendPath { try reader.readString(appendingTo: &$0) }
                    case 1: label = try reader.readCount()
                    case 2: shard = try reader.readCount()
                    case 3: row = try reader.readCount()
                    default: throw reader.failure("a sample has more than four columns")
                    }
                    column += 1
                }
                guard column == 4, label <= CacheIndex.sampleLimit else {
                    throw reader.failure("a sample needs four columns")
                }
                guard shard < shards.count, row == nextRows[shard], row < shards[shard].sampleCount else {
                    throw reader.failure("a sample cannot be in row \(row) of shard \(shard)")
                }
                guard samples.pathBytes.count <= Int(UInt32.max) else { throw reader.failure("the paths are too long") }
                nextRows[shard] += 1
                samples.appendPlace(label: label, shard: shard, row: row)
            }
            guard nextRows == shards.map(\.sampleCount) else { throw reader.failure("a shard lacks samples") }
            return samples
        }

        func index() throws -> CacheIndex {
            guard let shards, let samples else { throw JSONError(offset: 0, problem: "it has no list of samples") }
            let identity: CacheIdentity
            do {
                identity = try JSONValue.object(self.identity).decoded()
            } catch {
                throw JSONError(offset: 0, problem: "it does not say what the cache is: \(error)")
            }
            let map = identity.featureMap
            guard [map.height, map.width, map.channelCount].allSatisfy({ (1...1 << 20).contains($0) }),
                map.elementCount <= CacheIndex.mapLimit
            else {
                throw JSONError(offset: 0, problem: "feature maps cannot be \(map)")
            }
            guard samples.labels.allSatisfy({ $0 < identity.classNames.count }) else {
                throw JSONError(
                    offset: 0, problem: "a label is not below \(identity.classNames.count), the number of classes")
            }
            if let views = identity.views {
                guard (2...CacheViews.countLimit).contains(views.count), views.augmentation.isUsable else {
                    throw JSONError(offset: 0, problem: "its views cannot be \(views)")
                }
            }
            guard skipped.allSatisfy({ $0.sample < samples.count }) else {
                throw JSONError(offset: 0, problem: "a skipped sample is not below \(samples.count)")
            }
            guard version > 3 || CacheIndex.schemaVersion(of: identity) <= 3 else {
                throw JSONError(
                    offset: 0,
                    problem: "caches of the schema version \(version) have no features in "
                        + (identity.precision == .int8 ? "int8" : "products of \(identity.compute.rawValue)"))
            }
            let isOld = CacheIndex.wholeFilesVersions.contains(version)
            guard isOld || logicalShardCount != nil else {
                throw JSONError(offset: 0, problem: "it does not say by how many logical shards it is cut")
            }
            let index = CacheIndex(
                identity: identity, format: isOld ? .wholeFiles : .rows, logicalShardCount: logicalShardCount,
                plainShards: shards, samples: samples, skipped: skipped)
            guard isOld || index.logicalShards != nil else {
                throw JSONError(offset: 0, problem: "a shard holds samples of several logical shards")
            }
            return index
        }
    }
}
