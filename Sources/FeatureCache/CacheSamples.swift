/// A sample of a cache and where its features are.
public struct CacheSample: Codable, Equatable, Sendable {
    /// Relative to the dataset's root.
    public let path: String
    public let label: Int
    /// "train" or "test".
    public let split: String
    public let shard: Int
    /// The sample's place in its shard.
    public let row: Int

    public init(path: String, label: Int, split: String, shard: Int, row: Int) {
        self.path = path
        self.label = label
        self.split = split
        self.shard = shard
        self.row = row
    }
}

/// The samples of a cache, in the dataset's order: 20 bytes each and the bytes of their paths.
public struct CacheSamples: RandomAccessCollection, Sendable {
    /// All paths, one after the other, in UTF-8.
    private(set) var pathBytes: [UInt8] = []
    /// Where each path ends; 4 GB of paths are more than a list of images has.
    private var pathEnds: [UInt32] = []
    private(set) var labels: [Int32] = []
    private var shards: [Int32] = []
    private var rows: [Int32] = []
    /// The split of each shard.
    let shardSplits: [String]

    public let startIndex = 0
    public var endIndex: Int { labels.count }

    init(shardSplits: [String]) {
        self.shardSplits = shardSplits
    }

    mutating func reserveCapacity(_ count: Int) {
        pathEnds.reserveCapacity(count)
        labels.reserveCapacity(count)
        shards.reserveCapacity(count)
        rows.reserveCapacity(count)
    }

    /// Adds a sample whose path `appendPath` appends to the bytes it is given.
    mutating func append(
        label: Int, shard: Int, row: Int, appendPath: (inout [UInt8]) throws -> Void
    ) rethrows {
        try appendPath(&pathBytes)
        appendPlace(label: label, shard: shard, row: row)
    }

    /// Reads a path first and its numbers later; `appendPlace` must follow.
    mutating func appendPath(_ body: (inout [UInt8]) throws -> Void) rethrows {
        try body(&pathBytes)
    }

    mutating func appendPlace(label: Int, shard: Int, row: Int) {
        pathEnds.append(UInt32(pathBytes.count))
        labels.append(Int32(label))
        shards.append(Int32(shard))
        rows.append(Int32(row))
    }

    public subscript(index: Int) -> CacheSample {
        CacheSample(
            path: path(of: index), label: label(of: index), split: shardSplits[shard(of: index)],
            shard: shard(of: index), row: row(of: index))
    }

    public func label(of index: Int) -> Int { Int(labels[index]) }
    public func shard(of index: Int) -> Int { Int(shards[index]) }
    public func row(of index: Int) -> Int { Int(rows[index]) }
    public func split(of index: Int) -> String { shardSplits[shard(of: index)] }

    public func path(of index: Int) -> String {
        String(decoding: pathBytes(of: index), as: UTF8.self)
    }

    func pathBytes(of index: Int) -> ArraySlice<UInt8> {
        let start = index == 0 ? 0 : Int(pathEnds[index - 1])
        return pathBytes[start..<Int(pathEnds[index])]
    }
}
