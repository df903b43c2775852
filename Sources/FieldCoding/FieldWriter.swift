/// Writes fields one after the other: integers as 64-bit little endian, texts and lists preceded by their count.
///
/// For values on their way from one process of a run to others, which run the same program: nothing of this is kept.
public struct FieldWriter {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public mutating func append(_ integer: UInt64) {
        withUnsafeBytes(of: integer.littleEndian) { bytes += $0 }
    }

    public mutating func append(_ count: Int) { append(UInt64(count)) }

    public mutating func append(_ number: Double) { append(number.bitPattern) }

    public mutating func append(_ text: String) {
        append(text.utf8.count)
        bytes += text.utf8
    }

    public mutating func append(bytes content: [UInt8]) {
        append(content.count)
        bytes += content
    }

    public mutating func append(_ floats: [Float]) {
        append(floats.count)
        floats.withUnsafeBytes { bytes += $0 }
    }

    /// The number of `values`, and then what `write` makes of each.
    public mutating func append<Value>(list values: [Value], _ write: (inout FieldWriter, Value) -> Void) {
        append(values.count)
        for value in values { write(&self, value) }
    }

    /// 0, or 1 and what `write` makes of `value`.
    public mutating func append<Value>(optional value: Value?, _ write: (inout FieldWriter, Value) -> Void) {
        append(value == nil ? 0 : 1)
        if let value { write(&self, value) }
    }
}
