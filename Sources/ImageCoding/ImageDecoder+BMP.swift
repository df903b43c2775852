import SystemPackage

extension ImageDecoder {
    static func decodeBMP(_ bytes: [UInt8], path: FilePath) throws -> PixelImage {
        let header = try BMPHeader(bytes, path: path)
        try checkSize(width: header.width, height: header.height, path: path)
        return try BMPPixels(header: header, bytes: bytes, path: path).image()
    }
}

/// The header of a Windows or OS/2 bitmap.
struct BMPHeader {
    let width: UInt32
    let height: UInt32
    let bitCount: Int
    let compression: Compression
    /// Whether the top row comes first.
    let isTopDown: Bool
    /// Where the pixels begin.
    let offset: Int
    /// Red, green and blue of the palette's colours.
    let palette: [(UInt8, UInt8, UInt8)]
    /// For pixels of 16 and 32 bits: where red, green and blue are.
    let layout: Layout

    enum Compression: UInt32 {
        case none = 0
        case runLength8 = 1
        case runLength4 = 2
        case bitFields = 3
    }

    enum Layout: Equatable {
        /// Five bits each, or six of green.
        case packed15, packed16
        /// Places of the bytes of red, green and blue in a pixel.
        case bytes(Int, Int, Int)
    }

    private static let fileHeaderByteCount = 14

    init(_ bytes: [UInt8], path: FilePath) throws {
        func number(_ offset: Int, _ count: Int) throws -> UInt32 {
            guard offset + count <= bytes.count else {
                throw ImageCodingError.truncated(path: path, format: "BMP", byteCount: bytes.count)
            }
            return bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        func unsupported(_ reason: String) -> ImageCodingError {
            .unsupported(path: path, format: "BMP", reason: reason)
        }
        let start = Self.fileHeaderByteCount
        let headerByteCount = Int(try number(start, 4))
        var colourByteCount = 4
        var colourCount: UInt32 = 0
        if headerByteCount == 12 {
            width = try number(start + 4, 2)
            height = try number(start + 6, 2)
            bitCount = Int(try number(start + 10, 2))
            (compression, isTopDown, colourByteCount) = (.none, false, 3)
        } else {
            guard [40, 52, 56, 64, 108, 124].contains(headerByteCount) else {
                throw unsupported("a header of \(headerByteCount) bytes")
            }
            width = try number(start + 4, 4)
            let stated = try number(start + 8, 4)
            isTopDown = stated >> 24 == 0xFF
            height = isTopDown ? 0 &- stated : stated
            bitCount = Int(try number(start + 14, 2))
            let method = try number(start + 16, 4)
            guard let known = Compression(rawValue: method) else { throw unsupported("compression \(method)") }
            compression = known
            colourCount = try number(start + 32, 4)
        }
        guard width > 0, height > 0 else {
            throw ImageCodingError.corrupt(path: path, format: "BMP", reason: "it states no width and height")
        }
        guard [1, 4, 8, 16, 24, 32].contains(bitCount) else { throw unsupported("\(bitCount) bits a pixel") }
        let isRunLength = compression == .runLength4 || compression == .runLength8
        guard !isRunLength || bitCount <= 8 else { throw unsupported("runs of pixels of \(bitCount) bits") }

        // Masks are behind a header of 40 bytes, in those that are longer.
        var end = start + headerByteCount
        var masks: [UInt32] = []
        if compression == .bitFields {
            masks = try (0..<3).map { try number(start + 40 + 4 * $0, 4) }
            if headerByteCount == 40 { end += 12 }
            masks.append(headerByteCount >= 56 ? try number(start + 52, 4) : 0)
        }
        guard let layout = Self.layout(bitCount, compression == .bitFields ? masks : nil) else {
            throw unsupported("an unusual place of its colours")
        }
        self.layout = layout

        var palette: [(UInt8, UInt8, UInt8)] = []
        var offset = Int(try number(10, 4))
        if bitCount <= 8 {
            let count = colourCount == 0 ? 1 << bitCount : Int(colourCount)
            guard count <= 65536 else { throw unsupported("a palette of \(count) colours") }
            // Some files give the palette's place as that of the pixels.
            if offset == start + headerByteCount { offset += colourByteCount * count }
            for colour in 0..<min(count, 256) {
                let place = end + colourByteCount * colour
                guard place + 3 <= bytes.count else { break }
                palette.append((bytes[place + 2], bytes[place + 1], bytes[place]))
            }
            end += colourByteCount * count
        }
        self.palette = palette
        self.offset = offset == 0 ? end : offset
    }

    /// Nil for masks that no program writes.
    private static func layout(_ bitCount: Int, _ masks: [UInt32]?) -> Layout? {
        guard let masks else { return bitCount == 16 ? .packed15 : .bytes(2, 1, 0) }
        switch (bitCount, Array(masks[..<3]), masks[3]) {
        case (16, [0xF800, 0x7E0, 0x1F], _): return .packed16
        case (16, [0x7C00, 0x3E0, 0x1F], _): return .packed15
        case (24, [0xFF0000, 0xFF00, 0xFF], _): return .bytes(2, 1, 0)
        case (32, [0xFF0000, 0xFF00, 0xFF], 0), (32, [0xFF0000, 0xFF00, 0xFF], 0xFF00_0000), (32, [0, 0, 0], 0):
            return .bytes(2, 1, 0)
        case (32, [0xFF00_0000, 0xFF0000, 0xFF00], 0), (32, [0xFF00_0000, 0xFF0000, 0xFF00], 0xFF):
            return .bytes(3, 2, 1)
        case (32, [0xFF00_0000, 0xFF00, 0xFF], 0), (32, [0xFF00_0000, 0xFF00, 0xFF], 0xFF0000): return .bytes(3, 1, 0)
        case (32, [0xFF, 0xFF00, 0xFF0000], 0xFF00_0000): return .bytes(0, 1, 2)
        default: return nil
        }
    }
}

/// The pixels of a bitmap.
private struct BMPPixels {
    let header: BMPHeader
    let bytes: [UInt8]
    let path: FilePath

    private var width: Int { Int(header.width) }
    private var height: Int { Int(header.height) }
    private var truncated: ImageCodingError {
        .truncated(path: path, format: "BMP", byteCount: bytes.count)
    }

    func image() throws -> PixelImage {
        let isRunLength = header.compression == .runLength4 || header.compression == .runLength8
        return isRunLength ? try runLengthImage() : try plainImage()
    }

    /// The colour of each index; what is not in the palette is black, as in Pillow, or goes on with the greys of one that is
    /// nothing but these.
    private func colours() -> [(UInt8, UInt8, UInt8)] {
        let isGrey = header.palette.enumerated().allSatisfy { $1 == (UInt8($0), UInt8($0), UInt8($0)) }
        return (0...255).map { index in
            index < header.palette.count
                ? header.palette[index] : isGrey ? (UInt8(index), UInt8(index), UInt8(index)) : (0, 0, 0)
        }
    }

    /// The row of the image that is stored as row `index`.
    private func row(_ index: Int) -> Int { header.isTopDown ? index : height - 1 - index }

    private func plainImage() throws -> PixelImage {
        let bits = header.bitCount
        let rowByteCount = (width * bits + 7) / 8
        let stride = (width * bits + 31) / 32 * 4
        // The last row need not be filled up.
        guard header.offset <= bytes.count, stride * (height - 1) + rowByteCount <= bytes.count - header.offset else {
            throw truncated
        }
        var image = PixelImage(width: width, height: height)
        let table = colours()
        for stored in 0..<height {
            let start = header.offset + stored * stride
            var target = row(stored) * width * 3
            for x in 0..<width {
                let (red, green, blue): (UInt8, UInt8, UInt8)
                switch (bits, header.layout) {
                case (...8, _):
                    let bit = x * bits
                    (red, green, blue) = table[Int((bytes[start + bit >> 3] << UInt8(bit & 7)) >> UInt8(8 - bits))]
                case (_, .bytes(let redPlace, let greenPlace, let bluePlace)):
                    let place = start + x * bits / 8
                    (red, green, blue) = (
                        bytes[place + redPlace], bytes[place + greenPlace], bytes[place + bluePlace]
                    )
                case (_, let layout):
                    let pixel = Int(bytes[start + 2 * x]) | Int(bytes[start + 2 * x + 1]) << 8
                    let greenMaximum = layout == .packed16 ? 63 : 31
                    let redShift = layout == .packed16 ? 11 : 10
                    red = UInt8(((pixel >> redShift) & 31) * 255 / 31)
                    green = UInt8(((pixel >> 5) & greenMaximum) * 255 / greenMaximum)
                    blue = UInt8((pixel & 31) * 255 / 31)
                }
                image.pixels[target] = red
                image.pixels[target + 1] = green
                image.pixels[target + 2] = blue
                target += 3
            }
        }
        return image
    }

    /// Runs and literals of indices, rows one after the other.
    private func runLengthImage() throws -> PixelImage {
        let count = width * height
        let isNibbles = header.compression == .runLength4
        var indices: [UInt8] = []
        // A run of two bytes makes up to 255 pixels, or leaves up to 255 rows out.
        indices.reserveCapacity(min(count, bytes.count * 128))
        var position = header.offset
        var column = 0
        func nibble(_ byte: UInt8, _ index: Int) -> UInt8 { index % 2 == 0 ? byte >> 4 : byte & 15 }
        loop: while indices.count < count {
            guard position + 2 <= bytes.count else { break }
            let (length, value) = (Int(bytes[position]), bytes[position + 1])
            position += 2
            if length > 0 {
                let visible = min(length, max(0, width - column))
                for index in 0..<visible { indices.append(isNibbles ? nibble(value, index) : value) }
                column += visible
                continue
            }
            switch value {
            case 0:
                let over = indices.count % width
                if over != 0 { indices.append(contentsOf: repeatElement(0, count: width - over)) }
                column = 0
            case 1: break loop
            case 2:
                guard position + 2 <= bytes.count else { break loop }
                let skipped = Int(bytes[position]) + Int(bytes[position + 1]) * width
                position += 2
                indices.append(contentsOf: repeatElement(0, count: min(skipped, count - indices.count)))
                column = indices.count % width
            default:
                let wanted = min(count - indices.count, Int(value))
                let byteCount = isNibbles ? (wanted + 1) / 2 : wanted
                guard position + byteCount <= bytes.count else { break loop }
                for index in 0..<wanted {
                    let byte = bytes[position + (isNibbles ? index / 2 : index)]
                    indices.append(isNibbles ? nibble(byte, index) : byte)
                }
                position += byteCount
                column += Int(value)
                // Literals end at a multiple of two bytes.
                if position % 2 != 0 { position += 1 }
            }
        }
        guard indices.count >= count else { throw truncated }
        var image = PixelImage(width: width, height: height)
        let table = colours()
        for stored in 0..<height {
            var target = row(stored) * width * 3
            for x in 0..<width {
                (image.pixels[target], image.pixels[target + 1], image.pixels[target + 2]) =
                    table[Int(indices[stored * width + x])]
                target += 3
            }
        }
        return image
    }
}
