import DurableFiles
import Synchronization
import SystemPackage
import WeightFiles

/// A shard of a cache: opened and checked when it is first read from.
final class CacheShard: Sendable {
    private let path: FilePath
    private let file = Mutex<SafetensorsFile?>(nil)

    init(path: FilePath) {
        self.path = path
    }

    /// The metadata of a shard's file.
    enum MetadataKey {
        static let format = "format"
        static let data = "data_sha256"
        static let origin = "origin_sha256"
        static let formatName = "infodisent-features-1"
        /// Of shards that leave samples out, which older programs must not read.
        static let skippingFormatName = "infodisent-features-2"
        /// The rows that are left out, with the reasons.
        static let skipped = "skipped"
    }

    /// The checked file. A thread that comes while another checks it waits for the result.
    func open(_ shard: Int, of index: CacheIndex) throws -> SafetensorsFile {
        try file.withLock { file in
            if let file { return file }
            let opened = try Self.open(path, shard, of: index)
            try Self.checkData(of: opened, shard, of: index)
            guard
                SkippedSample.text(try Self.skippedRows(of: opened, shard, of: index))
                    == SkippedSample.text(index.skippedRows(inShard: shard))
            else {
                throw FeatureCacheError.corruptShard(
                    path: path, problem: "it leaves out other samples than the index says")
            }
            file = opened
            return opened
        }
    }

    /// Opens a shard and checks everything but its data. Throws `FeatureCacheError.corruptShard`, `DurableFileError`.
    static func open(_ path: FilePath, _ shard: Int, of index: CacheIndex) throws -> SafetensorsFile {
        let file: SafetensorsFile
        do {
            file = try SafetensorsFile(path)
        } catch WeightFileError.malformed(_, let fault) {
            throw FeatureCacheError.corruptShard(path: path, problem: "\(fault)")
        }
        func require(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
            guard condition else { throw FeatureCacheError.corruptShard(path: path, problem: problem()) }
        }
        let map = index.identity.featureMap
        let count = index.shards[shard].sampleCount
        let (type, shape) = (
            index.identity.precision == .f16 ? ElementType.float16 : .float32,
            [count, map.height, map.width, map.channelCount]
        )
        try require(file.tensorNames == ["features", "labels"], "it does not hold just features and labels")
        let features = file.entry("features")!
        try require(
            features.elementType == type && features.shape == shape,
            "its features are \(features.elementType.rawValue) \(features.shape), expected \(type.rawValue) \(shape)")
        let labels = file.entry("labels")!
        try require(
            labels.elementType == .int64 && labels.shape == [count],
            "its labels are \(labels.elementType.rawValue) \(labels.shape), expected I64 [\(count)]")
        let format =
            file.metadata[MetadataKey.skipped] == nil ? MetadataKey.formatName : MetadataKey.skippingFormatName
        try require(file.metadata[MetadataKey.format] == format, "its format is not \"\(format)\"")
        _ = try skippedRows(of: file, shard, of: index)
        try require(
            file.metadata[MetadataKey.origin] == index.origin(ofShard: shard).hexadecimal,
            "it was made from other samples, or with another network, than the index says")
        return file
    }

    /// The rows of a shard that are left out, with the reasons. Throws `FeatureCacheError.corruptShard`.
    static func skippedRows(
        of file: SafetensorsFile, _ shard: Int, of index: CacheIndex
    ) throws -> [(number: Int, reason: String)] {
        guard let text = file.metadata[MetadataKey.skipped] else { return [] }
        guard let list = SkippedSample.list(Array(text.utf8)), !list.isEmpty,
            list.last!.number < index.shards[shard].sampleCount
        else {
            throw FeatureCacheError.corruptShard(path: file.path, problem: "it does not say well what it leaves out")
        }
        return list
    }

    static func checkData(of file: SafetensorsFile, _ shard: Int, of index: CacheIndex) throws {
        file.advise(.sequential)
        var hasher = ContentHasher()
        for name in ["labels", "features"] { try file.withBytes(of: name) { hasher.update($0) } }
        if let skipped = file.metadata[MetadataKey.skipped] { hasher.update(skipped) }
        guard hasher.finalize().hexadecimal == file.metadata[MetadataKey.data] else {
            throw FeatureCacheError.corruptShard(path: file.path, problem: "its data do not have the digest it states")
        }
        let expected = index.sampleIndices(inShard: shard).map { Int64(index.samples.label(of: $0)) }
        guard try file.int64s("labels") == expected else {
            throw FeatureCacheError.corruptShard(path: file.path, problem: "its labels are not those of the index")
        }
        // Rows are long and asked for in any order; the read-ahead of a sequential reader would fetch their neighbours.
        file.advise(.normal)
    }
}
