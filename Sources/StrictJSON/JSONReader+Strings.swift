extension JSONReader {
    /// Reads a string.
    public mutating func readString() throws -> String {
        var text: [UInt8] = []
        try readString(appendingTo: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads a string and appends its UTF-8 to `text`.
    public mutating func readString(appendingTo text: inout [UInt8]) throws {
        skipSpace()
        guard take("\"") else { throw failure("a string is expected") }
        let textStart = text.count
        var isASCII = true
        while true {
            let runStart = offset
            var end = offset
            while end < bytes.count {
                let byte = bytes[end]
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
                if byte >= 0x80 { isASCII = false }
                end += 1
            }
            text.append(contentsOf: bytes[runStart..<end])
            advance(to: end)
            guard end < bytes.count else { throw failure("a string does not end") }
            if take("\"") { break }
            guard take("\\") else { throw failure("a control character stands in a string") }
            try readEscape(appendingTo: &text)
        }
        if !isASCII, String(validating: text[textStart...], as: UTF8.self) == nil {
            throw failure("a string is not valid UTF-8")
        }
    }

    private mutating func readEscape(appendingTo text: inout [UInt8]) throws {
        guard offset < bytes.count else { throw failure("a string does not end") }
        let letter = bytes[offset]
        advance(to: offset + 1)
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try readHexadecimal()
            if (0xD800..<0xDC00).contains(code) {
                guard take("\\"), take("u") else { throw failure("half a surrogate pair stands alone") }
                let low = try readHexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw failure("half a surrogate pair stands alone") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure("half a surrogate pair stands alone") }
            text.append(contentsOf: UTF8.encode(scalar)!)
        default: throw failure("an unknown escape stands in a string")
        }
    }

    private mutating func readHexadecimal() throws -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard offset < bytes.count, let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue,
                bytes[offset] < 0x80
            else { throw failure("four hexadecimal digits are expected after \\u") }
            code = code << 4 | UInt32(digit)
            advance(to: offset + 1)
        }
        return code
    }
}
