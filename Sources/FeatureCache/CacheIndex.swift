import DurableFiles
import StrictJSON
import SystemPackage

/// The plan of a cache: what it is, and which sample is in which row of which shard.
struct CacheIndex: Sendable {
    /// Raised whenever the files change in a way that older programs cannot read.
    static let schemaVersion = 1

    /// The largest number of samples; labels, shards and rows are kept in 32 bits.
    static let sampleLimit = Int(Int32.max)

    struct Shard: Equatable, Sendable {
        let split: String
        let sampleCount: Int
    }

    let identity: CacheIdentity
    let shards: [Shard]
    let samples: CacheSamples
    /// The samples of shard s, in the order of their rows, are `order[shardStarts[s]..<shardStarts[s + 1]]`.
    private let order: [Int32]
    private let shardStarts: [Int]

    init(identity: CacheIdentity, shards: [Shard], samples: CacheSamples) {
        self.identity = identity
        self.shards = shards
        self.samples = samples
        shardStarts = shards.reduce(into: [0]) { $0.append($0.last! + $1.sampleCount) }
        var order = [Int32](repeating: 0, count: samples.count)
        for index in samples.indices {
            order[shardStarts[samples.shard(of: index)] + samples.row(of: index)] = Int32(index)
        }
        self.order = order
    }

    /// Cuts the samples into shards: those of each split and group, in the given order, `samplesPerShard` at a time.
    ///
    /// The samples of a split are dealt out to the groups in turn: sample i of a split belongs to group i mod G.
    init(
        identity: CacheIdentity, samples list: [(path: String, label: Int, split: String)], samplesPerShard: Int,
        groupCount: Int = 1
    ) {
        precondition(samplesPerShard > 0, "a shard needs room for a sample")
        precondition(groupCount > 0, "samples belong to at least one group")
        precondition(list.count <= Self.sampleLimit, "a cache holds at most \(Self.sampleLimit) samples")
        var splits: [String] = []
        var counts: [String: Int] = [:]
        for sample in list {
            if counts[sample.split] == nil { splits.append(sample.split) }
            counts[sample.split, default: 0] += 1
        }
        var shards: [Shard] = []
        // Where the next sample of each group of a split goes, and the position in the split of the next sample.
        var next: [String: [(shard: Int, row: Int)]] = [:]
        var positions: [String: Int] = [:]
        for split in splits {
            for group in 0..<groupCount {
                next[split, default: []].append((shards.count, 0))
                let count = (counts[split]! - group + groupCount - 1) / groupCount
                for start in stride(from: 0, to: count, by: samplesPerShard) {
                    shards.append(Shard(split: split, sampleCount: min(samplesPerShard, count - start)))
                }
            }
        }
        var samples = CacheSamples(shardSplits: shards.map(\.split))
        samples.reserveCapacity(list.count)
        for sample in list {
            precondition(
                identity.classNames.indices.contains(sample.label),
                "\(sample.path) has the label \(sample.label), of \(identity.classNames.count) classes")
            let group = positions[sample.split, default: 0] % groupCount
            positions[sample.split, default: 0] += 1
            var place = next[sample.split]![group]
            samples.append(label: sample.label, shard: place.shard, row: place.row) {
                $0.append(contentsOf: sample.path.utf8)
            }
            place = place.row + 1 < samplesPerShard ? (place.shard, place.row + 1) : (place.shard + 1, 0)
            next[sample.split]![group] = place
        }
        self.init(identity: identity, shards: shards, samples: samples)
    }

    /// How the division into shards differs from that of `expected`, which has the same samples; nil if it does not.
    func divisionDifference(from expected: CacheIndex) -> CacheDifference? {
        guard shards != expected.shards || order != expected.order else { return nil }
        return CacheDifference(
            field: "division into shards", found: "\(shards.count) shards",
            expected: "\(expected.shards.count) shards, cut by logical shard")
    }

    /// The indices of a shard's samples, in the order of their rows.
    func sampleIndices(inShard shard: Int) -> [Int] {
        order[shardStarts[shard]..<shardStarts[shard + 1]].map(Int.init)
    }

    /// The SHA-256 of everything that a shard's bytes depend on.
    func origin(ofShard shard: Int) -> ContentDigest {
        var hasher = ContentHasher()
        var network: [String: JSONValue] = [
            "backbone": .string(identity.backbone), "weights": .string(identity.weightDigest.hexadecimal),
            "input": (try? JSONValue(encoding: identity.input)) ?? .null,
            "precision": .string(identity.precision.rawValue), "features": .string("\(identity.featureMap)"),
        ]
        if identity.usesEMA { network["use_ema"] = .bool(true) }
        hasher.update(JSONValue.object(network).text())
        for index in sampleIndices(inShard: shard) {
            // A path cannot hold a zero byte, so that no two lists have the same bytes.
            hasher.update(Array(samples.pathBytes(of: index)) + Array("\0\(samples.label(of: index))\0".utf8))
        }
        return hasher.finalize()
    }

    static func path(in directory: FilePath) -> FilePath {
        directory.appending("index.json")
    }

    static func shardPath(_ shard: Int, in directory: FilePath) -> FilePath {
        let digits = String(shard)
        return directory.appending(
            "shard-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).safetensors")
    }
}
