/// Why an archive of NumPy arrays cannot be used.
public enum NumpyFault: Error, Equatable, Sendable {
    /// What stands before the elements of an array is not what NumPy writes.
    case badHeader(String)
    /// An array has another number of bytes than its shape needs.
    case wrongByteCount(String, expected: Int, found: Int)
}

extension NumpyFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badHeader(let name):
            "the header of its array \"\(printable(name))\" is damaged. Get or make the file again"
        case .wrongByteCount(let name, let expected, let found):
            "its array \"\(printable(name))\" needs \(expected) bytes for its shape and has \(found). Get or make the file again"
        }
    }
}
