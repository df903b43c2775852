import DataSharding
import DurableFiles
import StrictJSON
import SystemPackage

/// The plan of a cache: what it is, and which sample is in which row of which shard.
struct CacheIndex: Sendable {
    /// Raised whenever the files change in a way that older programs cannot read.
    static let schemaVersion = 4

    /// The version that an index says: the first one whose programs can read such a cache, so that the others refuse it by its
    /// version and what they can read keeps its bytes.
    static func schemaVersion(of identity: CacheIdentity) -> Int {
        identity.precision == .int8 || identity.compute != .f32 ? 4 : 3
    }

    /// The split whose images have further views.
    static let viewedSplit = "train"

    /// The largest number of samples; labels, shards and rows are kept in 32 bits.
    static let sampleLimit = Int(Int32.max)

    /// The largest number of features of an image, so that the size of a file of `sampleLimit` of them is a number.
    static let mapLimit = 1 << 28

    struct Shard: Equatable, Sendable {
        let split: String
        let sampleCount: Int
        /// 0 is the plain view.
        var view = 0
        /// For another view: the shard that has the same samples in the plain one.
        var plainShard: Int?
    }

    let identity: CacheIdentity
    /// How the files of the shards are laid out and verified.
    let format: CacheFormat
    /// The logical shards that the samples were dealt out to; nil in a cache of an older version, which does not say it.
    let logicalShardCount: Int?
    /// The shards of plain views, then those of view 1 for each of them that holds training images, of view 2, ...
    let shards: [Shard]
    let plainShardCount: Int
    let samples: CacheSamples
    /// By rising number.
    let skipped: [SkippedSample]
    /// Whether each sample is one of `skipped`; empty if there are none.
    private let isSkipped: [Bool]
    /// The place of each plain shard among those that have further views.
    private let viewedPlaces: [Int?]
    private let viewedCount: Int
    /// The samples of shard s, in the order of their rows, are `order[shardStarts[s]..<shardStarts[s + 1]]`.
    let order: [Int32]
    private let shardStarts: [Int]

    /// - Parameter plainShards: the shards of plain views; those of other views follow from `identity`.
    init(
        identity: CacheIdentity, format: CacheFormat, logicalShardCount: Int?, plainShards: [Shard],
        samples: CacheSamples, skipped: [SkippedSample] = []
    ) {
        self.identity = identity
        self.format = format
        self.logicalShardCount = logicalShardCount
        self.samples = samples
        self.skipped = skipped
        plainShardCount = plainShards.count
        let viewed = plainShards.indices.filter { plainShards[$0].split == Self.viewedSplit }
        viewedCount = viewed.count
        var places = [Int?](repeating: nil, count: plainShards.count)
        for (place, shard) in viewed.enumerated() { places[shard] = place }
        viewedPlaces = places
        shards =
            plainShards
            + (1..<identity.viewCount).flatMap { view in
                viewed.map { shard in
                    var copy = plainShards[shard]
                    (copy.view, copy.plainShard) = (view, shard)
                    return copy
                }
            }
        var isSkipped = [Bool](repeating: false, count: skipped.isEmpty ? 0 : samples.count)
        for entry in skipped { isSkipped[entry.sample] = true }
        self.isSkipped = isSkipped
        shardStarts = plainShards.reduce(into: [0]) { $0.append($0.last! + $1.sampleCount) }
        var order = [Int32](repeating: 0, count: samples.count)
        for index in samples.indices {
            order[shardStarts[samples.shard(of: index)] + samples.row(of: index)] = Int32(index)
        }
        self.order = order
    }

    /// Cuts the samples into shards: those of each split and logical shard (`ShardAssignment`), in the given order,
    /// `samplesPerShard` at a time.
    init(
        identity: CacheIdentity, samples list: [(path: String, label: Int, split: String)], samplesPerShard: Int,
        logicalShardCount: Int
    ) {
        precondition(samplesPerShard > 0, "a shard needs room for a sample")
        let assignment = ShardAssignment(shardCount: logicalShardCount)
        precondition(list.count <= Self.sampleLimit, "a cache holds at most \(Self.sampleLimit) samples")
        var splits: [String] = []
        var counts: [String: Int] = [:]
        for sample in list {
            if counts[sample.split] == nil { splits.append(sample.split) }
            counts[sample.split, default: 0] += 1
        }
        var shards: [Shard] = []
        // Where the next sample of each logical shard of a split goes, and the position in the split of the next sample.
        var next: [String: [(shard: Int, row: Int)]] = [:]
        var positions: [String: Int] = [:]
        for split in splits {
            for logicalShard in 0..<logicalShardCount {
                next[split, default: []].append((shards.count, 0))
                let count = assignment.count(ofShard: logicalShard, of: counts[split]!)
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
            let logicalShard = assignment.shard(ofSample: positions[sample.split, default: 0])
            positions[sample.split, default: 0] += 1
            var place = next[sample.split]![logicalShard]
            samples.append(label: sample.label, shard: place.shard, row: place.row) {
                $0.append(contentsOf: sample.path.utf8)
            }
            place = place.row + 1 < samplesPerShard ? (place.shard, place.row + 1) : (place.shard + 1, 0)
            next[sample.split]![logicalShard] = place
        }
        self.init(
            identity: identity, format: .rows, logicalShardCount: logicalShardCount, plainShards: shards,
            samples: samples)
    }

    /// The same samples in the same shards, with other skipped ones or other views.
    func replacing(skipped: [SkippedSample]? = nil, identity: CacheIdentity? = nil) -> CacheIndex {
        CacheIndex(
            identity: identity ?? self.identity, format: format, logicalShardCount: logicalShardCount,
            plainShards: Array(shards[..<plainShardCount]), samples: samples, skipped: skipped ?? self.skipped)
    }

    func isSkipped(_ sample: Int) -> Bool { !isSkipped.isEmpty && isSkipped[sample] }

    /// The shard that holds a view of the samples of a plain shard; nil for views that those do not have.
    func shard(ofView view: Int, plainShard: Int) -> Int? {
        guard view > 0 else { return plainShard }
        guard view < identity.viewCount, let place = viewedPlaces[plainShard] else { return nil }
        return plainShardCount + (view - 1) * viewedCount + place
    }

    /// The skipped samples of a shard, as rows with their reasons.
    func skippedRows(inShard shard: Int) -> [(number: Int, reason: String)] {
        guard !skipped.isEmpty else { return [] }
        let plain = shards[shard].plainShard ?? shard
        return skipped.filter { samples.shard(of: $0.sample) == plain }
            .map { (samples.row(of: $0.sample), $0.reason) }.sorted { $0.0 < $1.0 }
    }

    /// The indices of a shard's samples, in the order of their rows.
    func sampleIndices(inShard shard: Int) -> [Int] {
        let plain = shards[shard].plainShard ?? shard
        return order[shardStarts[plain]..<shardStarts[plain + 1]].map(Int.init)
    }

    /// The SHA-256 of everything that a shard's bytes depend on.
    func origin(ofShard shard: Int) throws -> ContentDigest {
        var hasher = ContentHasher()
        var network: [String: JSONValue] = [
            "backbone": .string(identity.backbone), "weights": .string(identity.weightDigest.hexadecimal),
            "input": try JSONValue(encoding: identity.input),
            "precision": .string(identity.precision.rawValue), "features": .string("\(identity.featureMap)"),
        ]
        if identity.usesEMA { network["use_ema"] = .bool(true) }
        if identity.compute != .f32 { network["compute"] = .string(identity.compute.rawValue) }
        hasher.update(JSONValue.object(network).text())
        let view = shards[shard].view
        if view > 0, let views = identity.views {
            let drawing = JSONValue.object([
                "view": .integer(view), "seed": .integer(views.seed),
                "augmentation": try JSONValue(encoding: views.augmentation),
            ])
            hasher.update(drawing.text())
        }
        for index in sampleIndices(inShard: shard) {
            // What is drawn depends on the sample's number.
            if view > 0 { hasher.update("\(index)\0") }
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
