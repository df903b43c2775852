/// What bytes are that are no image, or one of a format that is not read: a person who is told can do something about it.
enum UnreadContents {
    /// What the contents look like, as the end of a sentence that starts with "it".
    static func describe(_ bytes: [UInt8]) -> String {
        if let name = signatures.first(where: { bytes.starts(with: $0.bytes) })?.name { return "is \(name)" }
        if isCameraRaw(bytes) { return "is a camera raw file" }
        if let brand = isoBrand(bytes) { return "is \(brand)" }
        if bytes.count > 132, bytes[128..<132].elementsEqual("DICM".utf8) { return "is a DICOM image" }
        let head = bytes.prefix(512)
        let text = String(decoding: head.drop { isBlank($0) || [0xEF, 0xBB, 0xBF].contains($0) }, as: UTF8.self)
            .lowercased()
        for (start, name) in texts where text.hasPrefix(start) { return "is \(name)" }
        if text.hasPrefix("<?xml") || text.hasPrefix("<svg") || text.hasPrefix("<!--") {
            return text.contains("<svg") ? "is an SVG drawing" : "is an XML document, perhaps a server's error message"
        }
        if head.prefix(64).allSatisfy({ (0x20..<0x7F).contains($0) || isBlank($0) }) { return "is a text file" }
        if bytes.allSatisfy({ $0 == 0 }) {
            return "is nothing but zeros, as a failed download or a broken disk leaves it"
        }
        let hexadecimal = bytes.prefix(8).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }
        return "starts with the bytes \(hexadecimal.joined(separator: " "))"
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// Raw files of cameras that begin as TIFF files do. Their first image is a thumbnail. (Others are found by what their
    /// directory says.)
    static func isCameraRaw(_ bytes: [UInt8]) -> Bool {
        bytes.count > 10 && bytes[8..<10].elementsEqual("CR".utf8) && bytes.starts(with: [0x49, 0x49, 0x2A, 0x00])
    }

    /// Files of the ISO base media format, which HEIC and films share.
    private static func isoBrand(_ bytes: [UInt8]) -> String? {
        guard bytes.count >= 12, bytes[4..<8].elementsEqual("ftyp".utf8) else { return nil }
        switch String(decoding: bytes[8..<12], as: UTF8.self) {
        case "avif", "avis": return "an AVIF image"
        case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1": return "a HEIC image"
        case "crx ": return "a camera raw file (CR3)"
        case "jxl ": return "a JPEG XL image"
        default: return "a film (MP4 or the like)"
        }
    }

    /// Formats found under the names of images in real data sets.
    private static let signatures: [(bytes: [UInt8], name: String)] = [
        ([0xFF, 0x0A], "a JPEG XL image"), ([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20], "a JPEG XL image"),
        ([0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20], "a JPEG 2000 image"),
        ([0xFF, 0x4F, 0xFF, 0x51], "a JPEG 2000 image"),
        (Array("8BPS".utf8), "a Photoshop document"), (Array("FUJIFILMCCD-RAW".utf8), "a camera raw file (RAF)"),
        (Array("IIRO".utf8), "a camera raw file (ORF)"), (Array("IIU\0".utf8), "a camera raw file (RW2)"),
        (Array("%PDF".utf8), "a PDF document"), (Array("%!PS".utf8), "a PostScript document"),
        ([0, 0, 1, 0], "an icon (ICO)"), (Array("DDS ".utf8), "a DDS texture"),
        ([0x76, 0x2F, 0x31, 0x01], "an OpenEXR image"), (Array("#?RADIANCE".utf8), "a Radiance HDR image"),
        ([0x93] + Array("NUMPY".utf8), "a NumPy array"), ([0x89] + Array("HDF\r\n".utf8), "an HDF5 file"),
        (Array("MATLAB 5".utf8), "a MATLAB file"), ([0x1F, 0x8B], "a gzip archive"),
        (Array("PK\u{3}\u{4}".utf8), "a zip archive"), (Array("Rar!".utf8), "a RAR archive"),
        ([0x37, 0x7A, 0xBC, 0xAF], "a 7-Zip archive"), ([0x1A, 0x45, 0xDF, 0xA3], "a film (Matroska or WebM)"),
        (Array("RIFF".utf8), "a film or sound (RIFF)"), (Array("P7\n".utf8), "a PAM image"),
        (Array("PF\n".utf8), "a PFM image of floating-point values"),
        (Array("Pf\n".utf8), "a PFM image of floating-point values"),
        (
            Array("version https://git-lfs.github.com/spec/".utf8),
            "a Git LFS pointer, not the image (git lfs pull fetches that)"
        ),
    ]

    /// Beginnings of texts, in lower case and without blanks in front.
    private static let texts: [(start: String, name: String)] = [
        ("<!doctype html", "a web page, perhaps a server's error message"),
        ("<html", "a web page, perhaps a server's error message"),
        ("<head", "a web page, perhaps a server's error message"), ("<!doctype", "a document with mark-up"),
        ("{\"", "a JSON text, perhaps a server's error message"), ("accessdenied", "a server's error message"),
    ]
}
