/// A message of Protocol Buffers that is written field by field: as much of that format as ONNX needs.
///
/// Each field is its number and a wire type, and then the value: 0 a variable-length integer, 2 a length and so many bytes,
/// 5 four bytes.
struct ProtocolBuffer {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ field: Int, _ integer: Int64) {
        key(field, 0)
        variable(UInt64(bitPattern: integer))
    }

    mutating func add(_ field: Int, _ text: String) { add(field, bytes: Array(text.utf8)) }

    mutating func add(_ field: Int, _ message: ProtocolBuffer) { add(field, bytes: message.bytes) }

    mutating func add(_ field: Int, bytes content: [UInt8]) {
        key(field, 2)
        variable(UInt64(content.count))
        bytes += content
    }

    private mutating func key(_ field: Int, _ wireType: UInt64) { variable(UInt64(field) << 3 | wireType) }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    private mutating func variable(_ integer: UInt64) {
        var rest = integer
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
