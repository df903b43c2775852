import DurableFiles
import SystemPackage

/// A cheap digest of a file, to notice that an image was replaced by another one of the same name and size: the SHA-256 of its
/// length in bytes (8 bytes, lowest first), its first `blockByteCount` bytes and its last; of all bytes where these two would
/// meet.
///
/// Different images practically never share it (size, compression tables and the last of the compressed pixels differ); a
/// few bytes changed in the middle of a large file go unnoticed, for which there is `Dataset.contentDigest(of:)`. It takes about
/// 20 microseconds where the bytes are at hand, and two small reads where they are not.
public struct EdgeDigest: Hashable, Sendable, CustomStringConvertible {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// Bytes of a digest.
    public static let byteCount = 32
    /// Bytes at the front and at the end of a file that are looked at.
    public static let blockByteCount = 4096

    /// 64 lower-case hexadecimal digits.
    public var description: String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    /// A digest that was stored; nil unless it has 32 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// The digest of a file with these bytes.
    public init(ofFile contents: [UInt8]) {
        self = contents.withUnsafeBytes { contents in
            guard contents.count > 2 * Self.blockByteCount else {
                return EdgeDigest(byteCount: contents.count, edges: [contents])
            }
            return EdgeDigest(
                byteCount: contents.count,
                edges: [
                    UnsafeRawBufferPointer(rebasing: contents[..<Self.blockByteCount]),
                    UnsafeRawBufferPointer(rebasing: contents[(contents.count - Self.blockByteCount)...]),
                ])
        }
    }

    private init(byteCount: Int, edges: [UnsafeRawBufferPointer]) {
        var hasher = ContentHasher()
        withUnsafeBytes(of: Int64(byteCount).littleEndian) { hasher.update($0) }
        for edge in edges { hasher.update(edge) }
        bytes = hasher.finalizeBytes()
    }

    /// The digest of the part of a file from `offset` on, without reading what is between its edges.
    /// - Throws: `DurableFileError`.
    init(of path: FilePath, from offset: Int, byteCount: Int) throws {
        guard byteCount > 2 * Self.blockByteCount else {
            self.init(ofFile: try DurableFile.read(path, from: offset, byteCount: byteCount))
            return
        }
        let first = try DurableFile.read(path, from: offset, byteCount: Self.blockByteCount)
        let last = try DurableFile.read(
            path, from: offset + byteCount - Self.blockByteCount, byteCount: Self.blockByteCount)
        self = first.withUnsafeBytes { first in
            last.withUnsafeBytes { last in EdgeDigest(byteCount: byteCount, edges: [first, last]) }
        }
    }
}

extension Dataset {
    /// The edge digest of a sample's image file: that of `EdgeDigest(ofFile:)` of `bytes(of:)`, from two small reads. Where the
    /// bytes are at hand, use these.
    /// - Throws: `DurableFileError`.
    public func edgeDigest(of sample: Sample) throws -> EdgeDigest {
        switch sample.source {
        case .file, .folder:
            let path = path(of: sample)
            return try EdgeDigest(of: path, from: 0, byteCount: DurableFile.byteCount(of: path))
        case .archive(let archive, let offset, let byteCount):
            return try EdgeDigest(of: root.pushing(FilePath(archive)), from: offset, byteCount: byteCount)
        case .planes: return EdgeDigest(ofFile: try bytes(of: sample))
        }
    }
}
