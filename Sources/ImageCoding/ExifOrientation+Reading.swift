extension ExifOrientation {
    /// The orientation that a JPEG, PNG or WebP file states. Upright where it states none, or where its metadata are damaged:
    /// metadata never make an image unreadable.
    ///
    /// Read are the first EXIF segment of a JPEG, the chunk eXIf of a PNG and the chunk EXIF of a WebP. Orientations in XMP are not
    /// looked at. A TIFF is turned when it is decoded, so that its pixels are upright.
    public init(of bytes: [UInt8]) {
        let metadata = Self.jpegMetadata(bytes) ?? Self.pngMetadata(bytes) ?? Self.webPMetadata(bytes)
        self = metadata.flatMap(Self.init(tiff:)) ?? .upright
    }

    // MARK: - Containers

    private static let exifHeader = Array("Exif\0\0".utf8)

    /// What the first EXIF segment holds; nil if the bytes are no JPEG or have none before the pixels.
    private static func jpegMetadata(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
        JPEGSegments.first(in: bytes) { marker, contents in
            marker == 0xE1 && contents.starts(with: exifHeader) ? contents.dropFirst(exifHeader.count) : nil
        }
    }

    /// What the chunk eXIf holds; nil if the bytes are no PNG or have none.
    private static func pngMetadata(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
        guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) else { return nil }
        var position = 8
        while position + 12 <= bytes.count {
            let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - position - 12 else { return nil }
            if bytes[position + 4..<position + 8].elementsEqual("eXIf".utf8) {
                let chunk = bytes[position + 8..<position + 8 + length]
                return chunk.starts(with: exifHeader) ? chunk.dropFirst(exifHeader.count) : chunk
            }
            position += 12 + length
        }
        return nil
    }

    /// What the chunk EXIF holds; nil if the bytes are no WebP or have none.
    private static func webPMetadata(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
        guard bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) else {
            return nil
        }
        var position = 12
        while position + 8 <= bytes.count {
            let length = bytes[position + 4..<position + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - position - 8 else { return nil }
            if bytes[position..<position + 4].elementsEqual("EXIF".utf8) {
                let chunk = bytes[position + 8..<position + 8 + length]
                return chunk.starts(with: exifHeader) ? chunk.dropFirst(exifHeader.count) : chunk
            }
            position += 8 + length + length % 2
        }
        return nil
    }

    // MARK: - TIFF

    private static let orientationTag = 0x0112

    /// The orientation in the first directory of a TIFF structure, which is what EXIF metadata are; nil if there is none.
    private init?(tiff: ArraySlice<UInt8>) {
        let bytes = Array(tiff)
        let isLittleEndian = bytes.starts(with: Array("II".utf8))
        guard isLittleEndian || bytes.starts(with: Array("MM".utf8)) else { return nil }
        /// An unsigned integer of `count` bytes; nil beyond the end.
        func integer(at offset: Int, _ count: Int) -> Int? {
            guard offset >= 0, offset + count <= bytes.count else { return nil }
            let part = bytes[offset..<offset + count]
            return isLittleEndian
                ? part.reversed().reduce(0) { $0 << 8 | Int($1) } : part.reduce(0) { $0 << 8 | Int($1) }
        }
        guard integer(at: 2, 2) == 42, let directory = integer(at: 4, 4), let count = integer(at: directory, 2) else {
            return nil
        }
        for entry in 0..<count {
            let offset = directory + 2 + 12 * entry
            guard let tag = integer(at: offset, 2), let type = integer(at: offset + 2, 2) else { return nil }
            guard tag == Self.orientationTag else { continue }
            // The types byte, short and long; the value stands at the front of its four bytes.
            guard let size = [1: 1, 3: 2, 4: 4][type], integer(at: offset + 4, 4) == 1,
                let value = integer(at: offset + 8, size), let byte = UInt8(exactly: value)
            else { return nil }
            self.init(rawValue: byte)
            return
        }
        return nil
    }
}
