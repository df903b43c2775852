public import SystemPackage

/// The SHA-256 of some content, written as 64 lower-case hexadecimal digits.
public struct ContentDigest: Hashable, Sendable, CustomStringConvertible {
    public let hexadecimal: String

    public var description: String { hexadecimal }

    /// The digest of `bytes`.
    public init(of bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { ContentDigest(of: $0) }
    }

    /// The digest of `bytes`.
    public init(of bytes: UnsafeRawBufferPointer) {
        var hasher = ContentHasher()
        hasher.update(bytes)
        self = hasher.finalize()
    }

    /// The digest of the UTF-8 of `text`.
    public init(of text: String) {
        self.init(of: Array(text.utf8))
    }

    /// Reads a digest back; nil unless `text` is 64 lower-case hexadecimal digits.
    public init?(hexadecimal text: String) {
        guard text.utf8.count == 64, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        hexadecimal = text
    }

    /// The digest of the file at `path`, in constant memory. Throws `DurableFileError`.
    public static func ofFile(_ path: FilePath) throws -> ContentDigest {
        var hasher = ContentHasher()
        try DurableFile.forEachPiece(of: path) { hasher.update($0) }
        return hasher.finalize()
    }
}

extension ContentDigest: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = ContentDigest(hexadecimal: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a SHA-256 is 64 lower-case hexadecimal digits, not \"\(text)\"")
        }
        self = digest
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hexadecimal)
    }
}
