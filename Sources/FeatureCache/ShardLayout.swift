import DurableFiles
import Tensors
import WeightFiles

/// Where everything is in the file of a shard: a pure function of the index but for what `ShardFront` reads.
struct ShardLayout {
    let format: CacheFormat
    let rowCount: Int
    /// Bytes of a feature map.
    let rowByteCount: Int
    let precision: CachePrecision
    private let map: FeatureMapShape

    /// Bytes of a digest, of a row's features or of an image's file.
    static let digestByteCount = 32

    init(ofShard shard: Int, in index: CacheIndex) {
        map = index.identity.featureMap
        precision = index.identity.precision
        format = index.format
        rowCount = index.shards[shard].sampleCount
        rowByteCount = index.identity.sampleByteCount
    }

    var channelCount: Int { map.channelCount }

    // MARK: - Places, counted from the end of the header

    var labels: Range<Int> { 0..<8 * rowCount }
    /// Of what the files of the images were; only in files of rows.
    var images: Range<Int> { labels.upperBound..<labels.upperBound + tableByteCount }
    /// Of the rows; only in files of rows.
    var digests: Range<Int> { images.upperBound..<images.upperBound + tableByteCount }
    /// Where the features start: all before it is read when the file is opened.
    var featuresStart: Int { digests.upperBound }
    var byteCount: Int { featuresStart + rowCount * rowByteCount }

    private var tableByteCount: Int { format == .rows ? Self.digestByteCount * rowCount : 0 }

    // MARK: - The header

    /// The keys of the metadata.
    enum Key {
        static let format = "format"
        /// The digest of everything that the file was made from.
        static let origin = "origin_sha256"
        /// Of the data of a file that is verified as a whole: labels, features and what is skipped.
        static let data = "data_sha256"
        /// Of what rows are verified with: labels, digests of images, digests of rows and what is skipped.
        static let rows = "rows_sha256"
        /// The rows that are left out, with the reasons.
        static let skipped = "skipped"
    }

    /// The key of the digest that all others follow from.
    var rootKey: String { format == .rows ? Key.rows : Key.data }

    /// The name of the format. Of whole files there are two, so that older programs do not take zeros for features, and of rows
    /// two, so that nobody takes bytes for features.
    func formatName(skips: Bool) -> String {
        switch format {
        case .rows: precision == .int8 ? "infodisent-features-4" : "infodisent-features-3"
        case .wholeFiles: skips ? "infodisent-features-2" : "infodisent-features-1"
        }
    }

    /// All bytes before the tensors' data, in a file with the digest `root` that leaves out `skipped`.
    func header(origin: ContentDigest, root: ContentDigest, skipped: String?) -> [UInt8] {
        var metadata = [
            Key.format: formatName(skips: skipped != nil), Key.origin: origin.hexadecimal, rootKey: root.hexadecimal,
        ]
        metadata[Key.skipped] = skipped
        func entry(_ name: String, _ type: ElementType, _ shape: [Int]) -> SafetensorsWriter.Entry {
            .init(name: name, elementType: type, shape: shape) { _ in }
        }
        let features =
            switch precision {
            case .f16: entry("features", .float16, [rowCount, map.height, map.width, map.channelCount])
            case .f32: entry("features", .float32, [rowCount, map.height, map.width, map.channelCount])
            case .int8: entry("features", .uint8, [rowCount, rowByteCount])
            }
        let table = [rowCount, Self.digestByteCount]
        return SafetensorsWriter.header(
            of: [entry("labels", .int64, [rowCount])]
                + (format == .rows ? [entry("images", .uint8, table), entry("digests", .uint8, table)] : [])
                + [features], metadata)
    }

    /// The digest that all others follow from, of a file of rows.
    static func root(
        labels: UnsafeRawBufferPointer, images: UnsafeRawBufferPointer, digests: UnsafeRawBufferPointer,
        skipped: String?
    ) -> ContentDigest {
        var hasher = ContentHasher()
        for part in [labels, images, digests] { hasher.update(part) }
        if let skipped { hasher.update(skipped) }
        return hasher.finalize()
    }
}

/// What is wrong with the file of a shard, or with one of its rows.
struct ShardFault: Error {
    let problem: String
    /// Nil if it is the file.
    var row: Int?
}
