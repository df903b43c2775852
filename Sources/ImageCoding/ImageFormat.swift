import SystemPackage

/// The file formats that are read, told apart by their first bytes.
enum ImageFormat {
    case jpeg
    case png

    /// - Throws: `ImageCodingError.empty` or `.unknownFormat`.
    init(of bytes: [UInt8], path: FilePath) throws {
        guard !bytes.isEmpty else { throw ImageCodingError.empty(path: path) }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else {
            throw ImageCodingError.unknownFormat(path: path, found: Self.describe(bytes))
        }
    }

    /// What the contents look like, as the end of a sentence that starts with "it".
    private static func describe(_ bytes: [UInt8]) -> String {
        for (signature, name) in signatures where bytes.starts(with: signature) { return "is a \(name)" }
        if bytes.starts(with: Array("RIFF".utf8)) && bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) {
            return "is a WebP image"
        }
        let head = bytes.prefix(64)
        if head.allSatisfy({ (0x20..<0x7F).contains($0) || [0x09, 0x0A, 0x0D].contains($0) }) {
            return "is a text file"
        }
        let hexadecimal = bytes.prefix(8).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }
        return "starts with the bytes \(hexadecimal.joined(separator: " "))"
    }

    /// Formats found under the wrong name in real data sets.
    private static let signatures: [(bytes: [UInt8], name: String)] = [
        (Array("GIF8".utf8), "GIF image"),
        (Array("BM".utf8), "BMP image"),
        ([0x49, 0x49, 0x2A, 0x00], "TIFF image"),
        ([0x4D, 0x4D, 0x00, 0x2A], "TIFF image"),
        (Array("<!DOCTYPE".utf8), "web page"),
        (Array("<html".utf8), "web page"),
        ([0x1F, 0x8B], "gzip archive"),
        (Array("PK\u{3}\u{4}".utf8), "zip archive"),
    ]
}
