/// A JSON value as a tree.
public enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// A number written without fraction and exponent that fits into 64 bits.
    case integer(Int)
    /// Any other number; it must be finite.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Reads a text that holds one value. Throws `JSONError`.
    public init(parsing bytes: [UInt8]) throws {
        self = try bytes.withUnsafeBytes { bytes in
            var reader = JSONReader(bytes)
            let value = try reader.readValue()
            try reader.finish()
            return value
        }
    }

    /// The member of an object; nil for other values and missing keys.
    public subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }
}
