import SystemPackage

extension ImageDecoder {
    /// The first frame of a GIF on its screen. What the frame does not cover has the transparent colour, or the first one.
    static func decodeGIF(_ bytes: [UInt8], path: FilePath) throws -> PixelImage {
        let header = try GIFHeader(bytes, path: path)
        try checkSize(width: UInt32(header.width), height: UInt32(header.height), path: path)
        let indices = try GIFFrame(header: header, bytes: bytes, path: path).indices()
        var image = PixelImage(width: header.width, height: header.height)
        // What is not in the palette is black, as in Pillow, or goes on with the greys of one that is nothing but these.
        let isGrey = header.palette.enumerated().allSatisfy { Int($1) == $0 / 3 }
        let table = (0...255).map { index -> (UInt8, UInt8, UInt8) in
            3 * index + 2 < header.palette.count
                ? (header.palette[3 * index], header.palette[3 * index + 1], header.palette[3 * index + 2])
                : isGrey ? (UInt8(index), UInt8(index), UInt8(index)) : (0, 0, 0)
        }
        func paint(_ pixel: Int, _ index: UInt8) {
            let colour = table[Int(index)]
            (image.pixels[3 * pixel], image.pixels[3 * pixel + 1], image.pixels[3 * pixel + 2]) = colour
        }
        if header.frame != (0, 0, header.width, header.height) {
            for pixel in 0..<header.width * header.height { paint(pixel, header.transparent ?? 0) }
        }
        let (x, y, width, height) = header.frame
        for row in 0..<height {
            for column in 0..<width { paint((y + row) * header.width + x + column, indices[row * width + column]) }
        }
        return image
    }
}

/// A GIF up to the data of its first frame.
struct GIFHeader {
    /// Of the screen, made larger by a frame that reaches out of it.
    let width: Int
    let height: Int
    /// x, y, width and height.
    let frame: (Int, Int, Int, Int)
    let isInterlaced: Bool
    /// The frame's colours: red, green and blue of each.
    let palette: [UInt8]
    /// The index of the colour that stands for no colour.
    let transparent: UInt8?
    /// Where the frame's data begin: the size of the first codes.
    let dataOffset: Int

    init(_ bytes: [UInt8], path: FilePath) throws {
        var position = 0
        let truncated = ImageCodingError.truncated(path: path, format: "GIF", byteCount: bytes.count)
        func take(_ count: Int) throws -> ArraySlice<UInt8> {
            guard count <= bytes.count - position else { throw truncated }
            defer { position += count }
            return bytes[position..<position + count]
        }
        func number(_ slice: ArraySlice<UInt8>, _ offset: Int) -> Int {
            Int(slice[slice.startIndex + offset]) | Int(slice[slice.startIndex + offset + 1]) << 8
        }
        func palette(_ flags: UInt8) throws -> [UInt8]? {
            flags & 0x80 != 0 ? Array(try take(3 << (Int(flags & 7) + 1))) : nil
        }
        let screen = try take(13)
        let global = try palette(screen[10])
        var transparent: UInt8?
        while true {
            switch try take(1).first! {
            case UInt8(ascii: "!"):
                let label = try take(1).first!
                var isFirst = true
                while case let count = Int(try take(1).first!), count > 0 {
                    let block = try take(count)
                    // The graphic control extension.
                    if isFirst, label == 0xF9, count >= 4, block.first! & 1 != 0 {
                        transparent = block[block.startIndex + 3]
                    }
                    isFirst = false
                }
            case UInt8(ascii: ","):
                let descriptor = try take(9)
                let (x, y) = (number(descriptor, 0), number(descriptor, 2))
                let (width, height) = (number(descriptor, 4), number(descriptor, 6))
                guard width > 0, height > 0 else {
                    throw ImageCodingError.corrupt(path: path, format: "GIF", reason: "its first frame has no pixels")
                }
                frame = (x, y, width, height)
                self.width = max(number(screen, 6), x + width)
                self.height = max(number(screen, 8), y + height)
                let flags = descriptor.last!
                isInterlaced = flags & 0x40 != 0
                self.palette = try palette(flags) ?? global ?? []
                self.transparent = transparent
                dataOffset = position
                return
            case UInt8(ascii: ";"):
                throw ImageCodingError.corrupt(path: path, format: "GIF", reason: "it has no image in it")
            default: break  // bytes between blocks are passed over, as in Pillow
            }
        }
    }
}

/// The pixels of a GIF's first frame: indices packed by LZW, in blocks of up to 255 bytes.
private struct GIFFrame {
    let header: GIFHeader
    let bytes: [UInt8]
    let path: FilePath

    private static let tableSize = 4096

    private func corrupt(_ reason: String) -> ImageCodingError {
        .corrupt(path: path, format: "GIF", reason: reason)
    }

    /// Indices of the frame's pixels, [height, width].
    func indices() throws -> [UInt8] {
        let (_, _, width, height) = header.frame
        let rows = header.isInterlaced ? Self.interlacedRows(height) : Array(0..<height)
        var indices = [UInt8](repeating: 0, count: width * height)
        var (written, total) = (0, width * height)
        var codes = try CodeReader(bytes: bytes, position: header.dataOffset, path: path)
        let clear = 1 << codes.firstBitCount
        var links = [Int16](repeating: 0, count: Self.tableSize)
        var values = [UInt8](repeating: 0, count: Self.tableSize)
        var text: [UInt8] = []
        var next = clear + 2
        var previous = -1
        var first: UInt8 = 0
        while written < total {
            guard let code = try codes.next() else {
                throw ImageCodingError.truncated(path: path, format: "GIF", byteCount: bytes.count)
            }
            if code == clear {
                next = clear + 2
                codes.reset()
                previous = -1
                continue
            }
            guard code != clear + 1 else { throw corrupt("its image data end early") }
            text.removeAll(keepingCapacity: true)
            var entry = code
            if previous < 0 {
                guard code < clear else { throw corrupt("its first code is none of a colour") }
            } else {
                guard code <= next, code < Self.tableSize else { throw corrupt("a code is not in the table") }
                if code == next {
                    text.append(first)
                    entry = previous
                }
            }
            // The string of a code, from its end; each link leads to a code that is older.
            while entry >= clear {
                text.append(values[entry])
                entry = Int(links[entry])
            }
            first = UInt8(truncatingIfNeeded: entry)
            text.append(first)
            if previous >= 0, next < Self.tableSize {
                values[next] = first
                links[next] = Int16(previous)
                codes.added(next)
                next += 1
            }
            previous = code
            for value in text.reversed() where written < total {
                indices[rows[written / width] * width + written % width] = value
                written += 1
            }
        }
        return indices
    }

    /// Rows of an interlaced frame in the order they come: every eighth, and those between them three times.
    private static func interlacedRows(_ height: Int) -> [Int] {
        [(0, 8), (4, 8), (2, 4), (1, 2)].flatMap { start, step in Array(stride(from: start, to: height, by: step)) }
    }

    /// Codes of growing size from blocks of bytes.
    private struct CodeReader {
        let bytes: [UInt8]
        let firstBitCount: Int
        private var position: Int
        private var blockEnd: Int
        private var bits: UInt32 = 0
        private var bitCount = 0
        private var codeBitCount: Int

        init(bytes: [UInt8], position: Int, path: FilePath) throws {
            guard position < bytes.count else {
                throw ImageCodingError.truncated(path: path, format: "GIF", byteCount: bytes.count)
            }
            firstBitCount = Int(bytes[position])
            guard (1...8).contains(firstBitCount) else {
                throw ImageCodingError.corrupt(
                    path: path, format: "GIF", reason: "its codes begin with \(firstBitCount) bits")
            }
            self.bytes = bytes
            self.position = position + 1
            blockEnd = position + 1
            codeBitCount = firstBitCount + 1
        }

        mutating func reset() { codeBitCount = firstBitCount + 1 }

        /// The code `code` is in use now.
        mutating func added(_ code: Int) {
            if code == (1 << codeBitCount) - 1, codeBitCount < 12 { codeBitCount += 1 }
        }

        /// Nil at the end of the bytes or of the blocks.
        mutating func next() throws -> Int? {
            while bitCount < codeBitCount {
                if position == blockEnd {
                    guard position < bytes.count, bytes[position] > 0 else { return nil }
                    blockEnd = position + 1 + Int(bytes[position])
                    position += 1
                    guard blockEnd <= bytes.count else { return nil }
                }
                bits |= UInt32(bytes[position]) << UInt32(bitCount)
                bitCount += 8
                position += 1
            }
            defer {
                bits >>= UInt32(codeBitCount)
                bitCount -= codeBitCount
            }
            return Int(bits & ((1 << UInt32(codeBitCount)) - 1))
        }
    }
}
