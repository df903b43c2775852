/// What stands before the elements of an array in a file of NumPy (numpy.lib.format, versions 1 to 3): a magic text, a
/// version, a length, and a Python dictionary as text, such as
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (16, 3), }`.
struct NumpyHeader: Equatable {
    /// Nil for elements that cannot be read here: those of the other byte order, objects, records of several fields.
    let elementType: ElementType?
    let isColumnMajor: Bool
    let shape: [Int]
    /// Bytes before the elements.
    let byteCount: Int

    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// How long the dictionary may be; NumPy's own limit is 10000.
    static let textByteCountLimit = 1 << 16
    static let axisLimit = 64

    /// Nil if the front of `array` is no such header.
    init?(of array: UnsafeRawBufferPointer) {
        guard array.count >= 12, array.starts(with: Self.magic), (1...3).contains(array[6]) else { return nil }
        let lengthByteCount = array[6] == 1 ? 2 : 4
        let length = (0..<lengthByteCount).reduce(0) { $0 | Int(array[8 + $1]) << (8 * $1) }
        let start = 8 + lengthByteCount
        guard length <= Self.textByteCountLimit, length <= array.count - start else { return nil }
        var text = PythonLiteral(UnsafeRawBufferPointer(rebasing: array[start..<start + length]))
        guard let (typeName, isColumnMajor, shape) = text.readDescription() else { return nil }
        elementType = typeName.flatMap { Self.elementTypes[$0] }
        self.isColumnMajor = isColumnMajor
        self.shape = shape
        byteCount = start + length
    }

    private static let elementTypes: [String: ElementType] = [
        "<f8": .float64, "<f4": .float32, "<f2": .float16, "<c8": .complex64, "<i8": .int64, "<i4": .int32,
        "<i2": .int16, "|i1": .int8, "<u8": .uint64, "<u4": .uint32, "<u2": .uint16, "|u1": .uint8, "|b1": .bool,
    ]

    /// How many elements lie between neighbours along each axis; nil when they lie in the order of the shape.
    var strides: [Int]? {
        guard isColumnMajor, shape.count(where: { $0 != 1 }) > 1, !shape.contains(0) else { return nil }
        var step = 1
        return shape.map { length in
            defer { step *= length }  // no overflow: whoever asks has checked the product
            return length > 1 ? step : 0
        }
    }
}

/// Reads the little of Python that such a header is written in.
private struct PythonLiteral {
    private let text: UnsafeRawBufferPointer
    private var place = 0

    init(_ text: UnsafeRawBufferPointer) {
        self.text = text
    }

    /// The three entries of the dictionary, in any order; the type is nil where it is no plain text.
    mutating func readDescription() -> (typeName: String?, isColumnMajor: Bool, shape: [Int])? {
        var (typeName, isColumnMajor, shape): (String?, Bool?, [Int]?)
        var hasType = false
        guard take("{") else { return nil }
        while !take("}") {
            guard let key = readText(), take(":") else { return nil }
            switch key {
            case "descr":
                hasType = true
                typeName = readText()
                if typeName == nil, !skipBrackets() { return nil }
            case "fortran_order":
                isColumnMajor = takeWord("True") ? true : takeWord("False") ? false : nil
            case "shape": shape = readTuple()
            default: return nil
            }
            guard take(",") || peek == UInt8(ascii: "}") else { return nil }
        }
        guard hasType, let isColumnMajor, let shape, peek == nil else { return nil }
        return (typeName, isColumnMajor, shape)
    }

    /// The next byte that is no space; nil at the end.
    private var peek: UInt8? {
        text[place...].first { ![0x20, 0x0A, 0x0D, 0x09].contains($0) }
    }

    private mutating func skipSpace() {
        while place < text.count, [0x20, 0x0A, 0x0D, 0x09].contains(text[place]) { place += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard place < text.count, text[place] == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func takeWord(_ word: String) -> Bool {
        skipSpace()
        guard text[place...].starts(with: word.utf8) else { return false }
        place += word.utf8.count
        return true
    }

    /// A short text in quotes.
    private mutating func readText() -> String? {
        skipSpace()
        guard place < text.count, [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(text[place]) else { return nil }
        let quote = text[place]
        guard let end = text[(place + 1)...].prefix(64).firstIndex(of: quote) else { return nil }
        defer { place = end + 1 }
        return String(validating: text[(place + 1)..<end], as: UTF8.self)
    }

    /// A tuple of counts.
    private mutating func readTuple() -> [Int]? {
        guard take("(") else { return nil }
        var counts: [Int] = []
        while !take(")") {
            skipSpace()
            let digits = text[place...].prefix(20).prefix { (0x30...0x39).contains($0) }
            guard let count = Int(String(decoding: digits, as: UTF8.self)), counts.count < NumpyHeader.axisLimit else {
                return nil
            }
            place = digits.endIndex
            counts.append(count)
            // Python 2 writes long integers so.
            if place < text.count, text[place] == UInt8(ascii: "L") { place += 1 }
            guard take(",") || peek == UInt8(ascii: ")") else { return nil }
        }
        return counts
    }

    /// A list in brackets, whatever is in it: the fields of a record.
    private mutating func skipBrackets() -> Bool {
        guard take("[") else { return false }
        var depth = 1
        while place < text.count, depth > 0 {
            if text[place] == UInt8(ascii: "[") { depth += 1 }
            if text[place] == UInt8(ascii: "]") { depth -= 1 }
            place += 1
        }
        return depth == 0
    }
}
