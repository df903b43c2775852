/// Walks over the bytes of a JSON text, each exactly once, and throws `JSONError` at the first that is out of place.
///
/// The caller says what it expects next; nothing is kept. A reader borrows its bytes: use it only while they are valid.
///
///     try reader.readObject { key, reader in
///         switch key {
///         case "rows": rows = try reader.readCount()
///         default: throw reader.failure("\"rows\" is expected, not \"\(key)\"")
///         }
///     }
///     try reader.finish()
public struct JSONReader {
    /// How deep arrays and objects may nest.
    public static let nestingLimit = 64

    /// How long a key may be, in bytes of UTF-8.
    public static let keyByteCountLimit = 1024

    let bytes: UnsafeRawBufferPointer
    public private(set) var offset = 0
    private var depth = 0

    public init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// An error at the current place.
    public func failure(_ problem: String) -> JSONError {
        JSONError(offset: offset, problem: problem)
    }

    /// Checks that nothing but white space is left.
    public mutating func finish() throws {
        skipSpace()
        if offset < bytes.count { throw failure("something follows the end of the value") }
    }

    // MARK: Structure

    /// Reads an object; `body` must read the value of each key it is called with. A key given twice is an error.
    public mutating func readObject(_ body: (String, inout JSONReader) throws -> Void) throws {
        try enter("{", "an object")
        var keys: [String] = []
        skipSpace()
        if !take("}") {
            repeat {
                skipSpace()
                let start = offset
                let key = try readString()
                guard key.utf8.count <= Self.keyByteCountLimit else {
                    throw JSONError(
                        offset: start,
                        problem: "a key has \(key.utf8.count) bytes, more than the \(Self.keyByteCountLimit) allowed")
                }
                keys.append(key)
                skipSpace()
                guard take(":") else { throw failure("a colon is expected") }
                try body(key, &self)
                skipSpace()
            } while take(",")
            guard take("}") else { throw failure("a comma or '}' is expected") }
        }
        depth -= 1
        if let key = Self.repeatedKey(in: keys) { throw failure("the key \"\(key)\" is given twice") }
    }

    /// Reads an array; `body` must read one element each time it is called.
    public mutating func readArray(_ body: (inout JSONReader) throws -> Void) throws {
        try enter("[", "an array")
        skipSpace()
        if !take("]") {
            repeat {
                try body(&self)
                skipSpace()
            } while take(",")
            guard take("]") else { throw failure("a comma or ']' is expected") }
        }
        depth -= 1
    }

    private mutating func enter(_ bracket: Unicode.Scalar, _ name: String) throws {
        skipSpace()
        guard take(bracket) else { throw failure("\(name) is expected") }
        depth += 1
        if depth > Self.nestingLimit { throw failure("the nesting is deeper than \(Self.nestingLimit)") }
    }

    /// Keys are compared by their bytes. Few are compared in pairs, many are sorted: never more than n log n steps.
    private static func repeatedKey(in keys: [String]) -> String? {
        if keys.count <= 8 {
            for (index, key) in keys.enumerated() {
                if keys[..<index].contains(where: { $0.utf8.elementsEqual(key.utf8) }) { return key }
            }
            return nil
        }
        let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for (one, next) in zip(sorted, sorted.dropFirst()) where one.utf8.elementsEqual(next.utf8) { return one }
        return nil
    }

    // MARK: Scalars

    /// Reads `true` or `false`.
    public mutating func readBool() throws -> Bool {
        skipSpace()
        if takeWord("true") { return true }
        if takeWord("false") { return false }
        throw failure("true or false is expected")
    }

    /// Reads a number without fraction and exponent that fits into `Int`.
    public mutating func readInteger() throws -> Int {
        let start = try numberStart("an integer")
        let (end, isInteger) = try scanNumber(from: start)
        guard isInteger else { throw failure("an integer is expected") }
        guard let value = Int(String(decoding: bytes[start..<end], as: UTF8.self)) else {
            throw failure("an integer does not fit into 64 bits")
        }
        offset = end
        return value
    }

    /// Reads an integer that is not negative.
    public mutating func readCount() throws -> Int {
        skipSpace()
        let start = offset
        let value = try readInteger()
        guard value >= 0, bytes[start] != UInt8(ascii: "-") else {
            throw JSONError(offset: start, problem: "an integer of 0 or more is expected")
        }
        return value
    }

    /// Reads a finite number.
    public mutating func readNumber() throws -> Double {
        let start = try numberStart("a number")
        let (end, _) = try scanNumber(from: start)
        guard let value = Double(String(decoding: bytes[start..<end], as: UTF8.self)), value.isFinite else {
            throw failure("a number is too large")
        }
        offset = end
        return value
    }

    /// Reads any value.
    public mutating func readValue() throws -> JSONValue {
        skipSpace()
        guard offset < bytes.count else { throw failure("the text ends where a value is expected") }
        switch bytes[offset] {
        case UInt8(ascii: "{"):
            var members: [String: JSONValue] = [:]
            try readObject { key, reader in
                // Two keys can differ in bytes and still be the same Swift string.
                guard members.updateValue(try reader.readValue(), forKey: key) == nil else {
                    throw reader.failure("the key \"\(key)\" is given twice")
                }
            }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [JSONValue] = []
            try readArray { elements.append(try $0.readValue()) }
            return .array(elements)
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try readBool())
        case UInt8(ascii: "n"):
            guard takeWord("null") else { throw failure("a value is expected") }
            return .null
        default:
            let (end, isInteger) = try scanNumber(from: try numberStart("a value"))
            if isInteger, let value = Int(String(decoding: bytes[offset..<end], as: UTF8.self)) {
                offset = end
                return .integer(value)
            }
            return .number(try readNumber())
        }
    }

    private mutating func numberStart(_ name: String) throws -> Int {
        skipSpace()
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: "-") || isDigit(bytes[offset]) else {
            throw failure("\(name) is expected")
        }
        return offset
    }

    /// Where the number that starts at `start` ends, and whether it has neither fraction nor exponent.
    private func scanNumber(from start: Int) throws -> (end: Int, isInteger: Bool) {
        var end = start
        func digits() throws {
            guard end < bytes.count, isDigit(bytes[end]) else { throw failure("a digit is missing in a number") }
            while end < bytes.count, isDigit(bytes[end]) { end += 1 }
        }
        if bytes[end] == UInt8(ascii: "-") { end += 1 }
        let first = end
        try digits()
        if bytes[first] == UInt8(ascii: "0"), end > first + 1 { throw failure("a number starts with 0") }
        var isInteger = true
        if end < bytes.count, bytes[end] == UInt8(ascii: ".") {
            isInteger = false
            end += 1
            try digits()
        }
        if end < bytes.count, bytes[end] | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            end += 1
            if end < bytes.count, bytes[end] == UInt8(ascii: "+") || bytes[end] == UInt8(ascii: "-") { end += 1 }
            try digits()
        }
        return (end, isInteger)
    }

    // MARK: Bytes

    func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0A, 0x0D, 0x09: offset += 1
            default: return
            }
        }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard offset < bytes.count, bytes[offset] == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    mutating func advance(to newOffset: Int) {
        offset = newOffset
    }

    private mutating func takeWord(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard bytes.count - offset >= count else { return false }
        for index in 0..<count where bytes[offset + index] != word.utf8Start[index] { return false }
        offset += count
        return true
    }
}
