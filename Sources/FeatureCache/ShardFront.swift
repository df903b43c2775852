import DurableFiles
import StrictJSON
import SystemPackage
import WeightFiles

/// The front of a shard's file, up to the features: checked, byte for byte, to be what the index asks for.
///
/// Every byte of it is accounted for. The header is the one that a file of this shard must have, given two things that are
/// read from it: the digest that all others follow from (`root`), and what the file leaves out. What they stand for is in
/// turn covered by that digest; of files that are verified as a whole, when their data are.
struct ShardFront {
    let layout: ShardLayout
    /// Where the data start, after the header.
    let dataStart: Int
    /// The digest that all others follow from.
    let root: ContentDigest
    /// The rows that are left out, with the reasons.
    let skipped: [(number: Int, reason: String)]
    /// Digests of the images' files, one row after the other; empty in files that have none.
    let images: [UInt8]
    /// Digests of the rows; empty in files that are verified as a whole.
    let digests: [UInt8]
    /// What is wrong with the length of the file; nil if nothing is. The rows that are there can be read all the same.
    let lengthProblem: String?

    /// More than any header has: reasons of skipped samples are the only part that grows.
    private static let headerByteCountLimit = 1 << 27

    /// Reads the front of the file of a shard. Throws `ShardFault`, `DurableFileError`.
    init(of file: PositionedFile, _ shard: Int, in index: CacheIndex) throws {
        let layout = ShardLayout(ofShard: shard, in: index)
        let fileByteCount = file.version.byteCount
        // The header and what follows it, in one call as a rule.
        var bytes = try file.read(
            from: 0, byteCount: min(fileByteCount, layout.featuresStart + Self.usualHeaderByteCount))
        let dataStart = try Self.dataStart(bytes, fileByteCount)
        let end = min(fileByteCount, dataStart + layout.featuresStart)
        if end > bytes.count { bytes += try file.read(from: bytes.count, byteCount: end - bytes.count) }
        try self.init(bytes: bytes, dataStart: dataStart, fileByteCount: fileByteCount, layout, shard, in: index)
    }

    /// Reads the front of the file of a shard whose bytes are in memory. Throws `ShardFault`.
    init(of bytes: [UInt8], _ shard: Int, in index: CacheIndex) throws {
        let layout = ShardLayout(ofShard: shard, in: index)
        let dataStart = try Self.dataStart(bytes, bytes.count)
        try self.init(bytes: bytes, dataStart: dataStart, fileByteCount: bytes.count, layout, shard, in: index)
    }

    private static let usualHeaderByteCount = 2048

    private static func dataStart(_ bytes: [UInt8], _ fileByteCount: Int) throws -> Int {
        guard bytes.count >= 8 else { throw ShardFault(problem: "it has \(fileByteCount) bytes; it was cut short") }
        let claimed = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard claimed <= UInt64(headerByteCountLimit) else {
            throw ShardFault(problem: "its header claims to have \(claimed) bytes")
        }
        guard 8 + Int(claimed) <= fileByteCount else {
            throw ShardFault(problem: "it ends within its header; it was cut short")
        }
        return 8 + Int(claimed)
    }

    private init(
        bytes: [UInt8], dataStart: Int, fileByteCount: Int, _ layout: ShardLayout, _ shard: Int, in index: CacheIndex
    ) throws {
        func require(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
            guard condition else { throw ShardFault(problem: problem()) }
        }
        let metadata = try Self.metadata(of: bytes[8..<dataStart])
        let skippedText = metadata[ShardLayout.Key.skipped]
        let format = layout.formatName(skips: skippedText != nil)
        try require(
            metadata[ShardLayout.Key.format] == format,
            "its format is \(metadata[ShardLayout.Key.format].map { "\"\($0)\"" } ?? "not given"), not \"\(format)\"")
        let origin = try index.origin(ofShard: shard)
        try require(
            metadata[ShardLayout.Key.origin] == origin.hexadecimal,
            "it was made from other samples, or with another network, than the index says")
        guard let root = metadata[layout.rootKey].flatMap({ ContentDigest(hexadecimal: $0) }) else {
            throw ShardFault(problem: "it does not state the digest of its data")
        }
        var skipped: [(number: Int, reason: String)] = []
        if let skippedText {
            guard let list = SkippedSample.list(Array(skippedText.utf8)), let last = list.last,
                last.number < layout.rowCount
            else { throw ShardFault(problem: "it does not say well what it leaves out") }
            skipped = list
        }
        try require(
            bytes[..<dataStart].elementsEqual(layout.header(origin: origin, root: root, skipped: skippedText)),
            "its header is not that of a file of this cache")

        let expected = dataStart + layout.byteCount
        lengthProblem =
            fileByteCount == expected
            ? nil
            : "it has \(fileByteCount) bytes, not \(expected)\(fileByteCount < expected ? "; it was cut short" : "")"
        try require(bytes.count >= dataStart + layout.featuresStart, lengthProblem ?? "it was cut short")

        func part(_ range: Range<Int>) -> ArraySlice<UInt8> {
            bytes[dataStart + range.lowerBound..<dataStart + range.upperBound]
        }
        let labels = part(layout.labels)
        if layout.format == .rows {
            let found = labels.withUnsafeBytes { labels in
                part(layout.images).withUnsafeBytes { images in
                    part(layout.digests).withUnsafeBytes { digests in
                        ShardLayout.root(labels: labels, images: images, digests: digests, skipped: skippedText)
                    }
                }
            }
            try require(found == root, "the digests of its rows do not have the digest it states")
        }
        let wanted = index.sampleIndices(inShard: shard).map { Int64(index.samples.label(of: $0)) }
        try require(
            wanted.withUnsafeBytes { labels.elementsEqual($0) }, "its labels are not those of the index")
        images = layout.format == .rows ? Array(part(layout.images)) : []
        digests = layout.format == .rows ? Array(part(layout.digests)) : []
        (self.layout, self.dataStart, self.root, self.skipped) = (layout, dataStart, root, skipped)
    }

    /// The strings of `__metadata__`; what else is in the header is compared as a whole.
    private static func metadata(of header: ArraySlice<UInt8>) throws -> [String: String] {
        do {
            return try header.withUnsafeBytes { bytes in
                var metadata: [String: String] = [:]
                var reader = JSONReader(bytes)
                try reader.readObject { name, reader in
                    guard name == "__metadata__" else {
                        _ = try reader.readValue()
                        return
                    }
                    try reader.readObject { key, reader in metadata[key] = try reader.readString() }
                }
                try reader.finish()
                return metadata
            }
        } catch let error as JSONError {
            throw ShardFault(problem: "its header cannot be read: \(error)")
        }
    }

    // MARK: - Rows

    /// Where a row is in the file.
    func start(ofRow row: Int) -> Int { dataStart + layout.featuresStart + row * layout.rowByteCount }

    /// The digest that a row must have; only of files of rows.
    func digest(ofRow row: Int) -> ArraySlice<UInt8> { Self.entry(row, of: digests) }

    /// The digest of the file of a row's image; nil if it is not known.
    func imageDigest(ofRow row: Int) -> [UInt8]? {
        guard !images.isEmpty else { return nil }
        let digest = Array(Self.entry(row, of: images))
        return digest.contains { $0 != 0 } ? digest : nil
    }

    private static func entry(_ row: Int, of table: [UInt8]) -> ArraySlice<UInt8> {
        table[row * ShardLayout.digestByteCount..<(row + 1) * ShardLayout.digestByteCount]
    }

    /// Whether the data of a file that is verified as a whole have the digest that it states. Reads all of it.
    /// Throws `DurableFileError`.
    func hasSoundData(_ file: PositionedFile, _ count: (_ byteCount: Int) -> Void) throws -> Bool {
        var hasher = ContentHasher()
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { piece.deallocate() }
        var start = dataStart
        let end = dataStart + layout.byteCount
        while start < end {
            let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<min(piece.count, end - start)])
            try file.read(into: part, from: start)
            hasher.update(UnsafeRawBufferPointer(part))
            count(part.count)
            start += part.count
        }
        return finish(&hasher)
    }

    /// Whether all rows of a file whose bytes are in memory are sound, and the file has the right length.
    func hasSoundRows(_ bytes: [UInt8]) -> Bool {
        guard lengthProblem == nil else { return false }
        return bytes.withUnsafeBytes { bytes in
            switch layout.format {
            case .wholeFiles:
                var hasher = ContentHasher()
                hasher.update(UnsafeRawBufferPointer(rebasing: bytes[dataStart...]))
                return finish(&hasher)
            case .rows:
                return (0..<layout.rowCount).allSatisfy { row in
                    let start = start(ofRow: row)
                    return isSound(
                        row: row, UnsafeRawBufferPointer(rebasing: bytes[start..<start + layout.rowByteCount]))
                }
            }
        }
    }

    /// Whether a row is what was written, and can be; only of files of rows.
    func isSound(row: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var hasher = ContentHasher()
        hasher.update(bytes)
        return hasher.finalizeBytes().elementsEqual(digest(ofRow: row))
            && layout.precision.problem(of: bytes, channelCount: layout.channelCount) == nil
    }

    private func finish(_ hasher: inout ContentHasher) -> Bool {
        if !skipped.isEmpty { hasher.update(SkippedSample.text(skipped)) }
        return hasher.finalize() == root
    }
}
