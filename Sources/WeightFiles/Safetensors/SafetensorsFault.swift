public import StrictJSON

/// The ways in which a file is not the safetensors file that it should be. Counts and offsets are in bytes; offsets count
/// from the front of the data as in the header.
public enum SafetensorsFault: Equatable, Sendable {
    /// The file is too short to hold the length of a header.
    case noHeaderLength(fileByteCount: Int)
    /// The header claims to be longer than `SafetensorsHeader.byteCountLimit`.
    case headerTooLong(byteCount: UInt64)
    /// The file ends within the header.
    case headerCut(byteCount: Int, fileByteCount: Int)
    /// The header does not begin with `{`.
    case headerNotObject
    /// The header is not strict JSON, or not of the right form; offsets of the error count from the front of the header.
    case header(JSONError)
    case unknownElementType(tensor: String, name: String)
    /// The product of the shape does not fit into 64 bits.
    case shapeOverflow(tensor: String, shape: [Int])
    /// The end lies before the start.
    case reversedOffsets(tensor: String, start: Int, end: Int)
    /// The offsets hold another number of bytes than the shape needs.
    case wrongByteCount(tensor: String, expected: Int, found: Int)
    /// The tensor's bytes do not start where those of the tensor before it end: there is a gap or an overlap.
    case notContiguous(tensor: String, expectedStart: Int, start: Int)
    /// The file is longer or shorter than its header says.
    case wrongFileLength(expected: Int, found: Int)
}

extension SafetensorsFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noHeaderLength(let count):
            "it has \(count) bytes and 8 are needed for the length of the header; it is empty or cut short"
        case .headerTooLong(let count):
            "its header claims to have \(count) bytes, more than the \(SafetensorsHeader.byteCountLimit) allowed; it is "
                + "damaged or of another type"
        case .headerCut(let count, let fileByteCount):
            "its header has \(count) bytes but the file ends after \(fileByteCount); it was cut short"
        case .headerNotObject: "its header does not begin with \"{\"; it is damaged or of another type"
        case .header(let error): "its header cannot be read: \(error)"
        case .unknownElementType(let tensor, let name):
            "the tensor \"\(tensor)\" has the unknown element type \"\(name)\""
        case .shapeOverflow(let tensor, let shape): "the tensor \"\(tensor)\" has the impossible shape \(shape)"
        case .reversedOffsets(let tensor, let start, let end):
            "the tensor \"\(tensor)\" starts at \(start), after its end at \(end)"
        case .wrongByteCount(let tensor, let expected, let found):
            "the tensor \"\(tensor)\" needs \(expected) bytes for its shape and has \(found)"
        case .notContiguous(let tensor, let expectedStart, let start):
            "the tensor \"\(tensor)\" starts at \(start) where \(expectedStart) is expected"
        case .wrongFileLength(let expected, let found):
            "it has \(found) bytes where its header asks for \(expected); it was cut short or damaged"
        }
    }
}
