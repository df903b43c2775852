import SystemPackage

/// The file formats that are read, told apart by their first bytes.
public enum ImageFormat: String, CaseIterable, Sendable {
    case jpeg
    case png
    case webp
    case tiff
    case bmp
    case gif
    /// PBM, PGM and PPM.
    case netpbm

    /// The name people know it by.
    public var title: String {
        switch self {
        case .jpeg: "JPEG"
        case .png: "PNG"
        case .webp: "WebP"
        case .tiff: "TIFF"
        case .bmp: "BMP"
        case .gif: "GIF"
        case .netpbm: "PPM"
        }
    }

    /// All of them, for messages: "JPEG, PNG, ... or PPM".
    static let list =
        allCases.dropLast().map(\.title).joined(separator: ", ") + " or " + allCases.last!.title

    /// Nil for bytes that are of none of these.
    public init?(of bytes: [UInt8]) {
        guard let found = Self.allCases.first(where: { $0.begins(bytes) }) else { return nil }
        self = found
    }

    /// - Throws: `ImageCodingError.empty` or `.unknownFormat`.
    init(of bytes: [UInt8], path: FilePath) throws {
        guard !bytes.isEmpty else { throw ImageCodingError.empty(path: path) }
        guard let found = Self(of: bytes) else {
            throw ImageCodingError.unknownFormat(path: path, found: UnreadContents.describe(bytes))
        }
        self = found
    }

    private func begins(_ bytes: [UInt8]) -> Bool {
        switch self {
        case .jpeg: bytes.starts(with: [0xFF, 0xD8, 0xFF])
        case .png: bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        case .webp: bytes.starts(with: "RIFF".utf8) && bytes.dropFirst(8).starts(with: "WEBP".utf8)
        case .tiff: Self.tiffMarks.contains { bytes.starts(with: $0) } && !UnreadContents.isCameraRaw(bytes)
        case .bmp: bytes.starts(with: "BM".utf8)
        case .gif: bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8)
        case .netpbm:
            bytes.count > 2 && bytes[0] == UInt8(ascii: "P")
                && (UInt8(ascii: "1")...UInt8(ascii: "6")).contains(bytes[1]) && NetpbmHeader.isBlank(bytes[2])
        }
    }

    /// Both byte orders, of TIFF and of BigTIFF.
    private static let tiffMarks: [[UInt8]] = [
        [0x49, 0x49, 0x2A, 0x00], [0x4D, 0x4D, 0x00, 0x2A], [0x49, 0x49, 0x2B, 0x00], [0x4D, 0x4D, 0x00, 0x2B],
    ]
}
