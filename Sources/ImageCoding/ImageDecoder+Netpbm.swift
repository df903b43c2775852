import SystemPackage

extension ImageDecoder {
    /// PBM, PGM and PPM, binary or as text. Samples of other ranges than 0...255 are scaled and rounded to it.
    static func decodeNetpbm(_ bytes: [UInt8], path: FilePath) throws -> PixelImage {
        let header = try NetpbmHeader(bytes, path: path)
        try checkSize(width: UInt32(header.width), height: UInt32(header.height), path: path)
        let samples = try header.isText ? textSamples(header, bytes, path) : binarySamples(header, bytes, path)
        var image = PixelImage(width: header.width, height: header.height)
        if header.channelCount == 3 {
            image.pixels = samples
        } else {
            for (pixel, value) in samples.enumerated() {
                image.pixels[3 * pixel] = value
                image.pixels[3 * pixel + 1] = value
                image.pixels[3 * pixel + 2] = value
            }
        }
        return image
    }

    /// `value` of 0...`maximum` as one of 0...255, rounded as Python rounds: a half to the even one.
    private static func scaled(_ value: Int, _ maximum: Int) -> UInt8 {
        if maximum == 255 { return UInt8(min(255, value)) }
        return UInt8(min(255, (Double(value) / Double(maximum) * 255).rounded(.toNearestOrEven)))
    }

    private static func binarySamples(
        _ header: NetpbmHeader, _ bytes: [UInt8], _ path: FilePath
    ) throws -> [UInt8] {
        let (width, height) = (header.width, header.height)
        let sampleCount = width * header.channelCount
        let size = header.maximum > 255 ? 2 : 1
        let rowByteCount = header.isBitmap ? (width + 7) / 8 : sampleCount * size
        guard rowByteCount * height <= bytes.count - header.dataOffset else {
            throw ImageCodingError.truncated(path: path, format: "PPM", byteCount: bytes.count)
        }
        let data = bytes[header.dataOffset..<header.dataOffset + rowByteCount * height]
        if header.isBitmap {
            return (0..<width * height).map { pixel in
                let (y, x) = (pixel / width, pixel % width)
                return data[data.startIndex + y * rowByteCount + x / 8] >> UInt8(7 - x % 8) & 1 == 1 ? 0 : 255
            }
        }
        if size == 1 && header.maximum == 255 { return Array(data) }
        if size == 1 {
            let table = (0...255).map { scaled($0, header.maximum) }
            return data.map { table[Int($0)] }
        }
        return (0..<sampleCount * height).map { index in
            let place = data.startIndex + 2 * index
            let value = Int(data[place]) << 8 | Int(data[place + 1])
            // The high byte, as of all samples of 16 bits, where the range is that of 16 bits.
            return header.maximum == 65535 && header.channelCount == 1
                ? UInt8(value >> 8) : scaled(value, header.maximum)
        }
    }

    private static func textSamples(_ header: NetpbmHeader, _ bytes: [UInt8], _ path: FilePath) throws -> [UInt8] {
        let count = header.width * header.height * header.channelCount
        var samples: [UInt8] = []
        // A sample takes a byte at least.
        samples.reserveCapacity(min(count, bytes.count))
        var reader = NetpbmTokens(bytes: bytes, position: header.dataOffset)
        func corrupt(_ reason: String) -> ImageCodingError { .corrupt(path: path, format: "PPM", reason: reason) }
        while samples.count < count {
            if header.isBitmap {
                guard let digit = reader.nextCharacter() else { break }
                guard digit == UInt8(ascii: "0") || digit == UInt8(ascii: "1") else {
                    throw corrupt("a pixel is neither 0 nor 1")
                }
                samples.append(digit == UInt8(ascii: "0") ? 255 : 0)
            } else {
                guard let token = reader.next() else { break }
                guard let value = Int(token), (0...header.maximum).contains(value) else {
                    throw corrupt("a sample is \"\(token.prefix(12))\", expected 0 to \(header.maximum)")
                }
                samples.append(
                    header.maximum == 65535 && header.channelCount == 1
                        ? UInt8(value >> 8) : scaled(value, header.maximum))
            }
        }
        guard samples.count == count else {
            throw ImageCodingError.truncated(path: path, format: "PPM", byteCount: bytes.count)
        }
        return samples
    }
}

/// The header of a PBM, PGM or PPM file.
struct NetpbmHeader {
    let width: Int
    let height: Int
    let isBitmap: Bool
    let isText: Bool
    let channelCount: Int
    /// The value of white.
    let maximum: Int
    let dataOffset: Int

    /// The longest number.
    private static let tokenLimit = 10

    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    init(_ bytes: [UInt8], path: FilePath) throws {
        let kind = Int(bytes[1] - UInt8(ascii: "0"))
        isBitmap = kind == 1 || kind == 4
        isText = kind <= 3
        channelCount = kind == 3 || kind == 6 ? 3 : 1
        var position = 3
        /// The next number: up to one blank behind it. A comment may stand anywhere, up to the end of its line.
        func number(_ what: String) throws -> Int {
            var digits: [UInt8] = []
            while digits.count <= Self.tokenLimit {
                guard position < bytes.count else { break }
                let byte = bytes[position]
                position += 1
                if Self.isBlank(byte) {
                    if digits.isEmpty { continue }
                    break
                }
                if byte == UInt8(ascii: "#") {
                    while position < bytes.count, ![0x0A, 0x0D].contains(bytes[position]) { position += 1 }
                    position += 1
                    continue
                }
                digits.append(byte)
            }
            guard !digits.isEmpty else {
                throw ImageCodingError.truncated(path: path, format: "PPM", byteCount: bytes.count)
            }
            guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let value = Int(String(decoding: digits, as: UTF8.self)), value > 0, value <= Int(UInt32.max)
            else {
                throw ImageCodingError.corrupt(
                    path: path, format: "PPM", reason: "its \(what) is \"\(String(decoding: digits, as: UTF8.self))\"")
            }
            return value
        }
        width = try number("width")
        height = try number("height")
        maximum = isBitmap ? 1 : try number("largest value")
        guard maximum < 65536 else {
            throw ImageCodingError.corrupt(path: path, format: "PPM", reason: "its largest value is \(maximum)")
        }
        dataOffset = min(position, bytes.count)
    }
}

/// The words of a file of text, without comments.
private struct NetpbmTokens {
    let bytes: [UInt8]
    var position: Int

    /// The next character that is no blank.
    mutating func nextCharacter() -> UInt8? {
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "#") {
                while position < bytes.count, ![0x0A, 0x0D].contains(bytes[position]) { position += 1 }
            } else if !NetpbmHeader.isBlank(byte) {
                return byte
            }
        }
        return nil
    }

    mutating func next() -> String? {
        guard let first = nextCharacter() else { return nil }
        var word = [first]
        while position < bytes.count, !NetpbmHeader.isBlank(bytes[position]), bytes[position] != UInt8(ascii: "#"),
            word.count < 20
        {
            word.append(bytes[position])
            position += 1
        }
        return String(decoding: word, as: UTF8.self)
    }
}
