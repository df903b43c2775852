/// Reads what `FieldWriter` wrote. What is not there is a `FieldFault`, not a guess; nothing is allocated that the bytes cannot fill.
public struct FieldReader {
    private let bytes: [UInt8]
    private var position = 0

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    public mutating func readInteger() throws(FieldFault) -> UInt64 {
        let range = try take(8)
        return bytes.withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self))
        }
    }

    /// An integer from 0 to `Int.max`.
    public mutating func readCount() throws(FieldFault) -> Int {
        let integer = try readInteger()
        guard let count = Int(exactly: integer) else { throw FieldFault(problem: "\(integer) is no count") }
        return count
    }

    public mutating func readDouble() throws(FieldFault) -> Double { Double(bitPattern: try readInteger()) }

    public mutating func readText() throws(FieldFault) -> String {
        let range = try take(readCount(ofAtLeast: 1))
        return String(decoding: bytes[range], as: UTF8.self)
    }

    public mutating func readBytes() throws(FieldFault) -> [UInt8] {
        let range = try take(readCount(ofAtLeast: 1))
        return Array(bytes[range])
    }

    public mutating func readFloats() throws(FieldFault) -> [Float] {
        let count = try readCount(ofAtLeast: 4)
        let range = try take(4 * count)
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialisedCount in
            bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(buffer)
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
            }
            initialisedCount = count
        }
    }

    /// What `append(list:)` wrote; an element takes `byteCount` bytes or more.
    public mutating func readList<Value, Fault: Error>(
        ofAtLeast byteCount: Int, _ read: (inout FieldReader) throws(Fault) -> Value
    ) throws -> [Value] {
        let count = try readCount(ofAtLeast: byteCount)
        var values: [Value] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try read(&self)) }
        return values
    }

    /// What `append(optional:)` wrote.
    public mutating func readOptional<Value, Fault: Error>(
        _ read: (inout FieldReader) throws(Fault) -> Value
    ) throws -> Value? {
        switch try readInteger() {
        case 0: return nil
        case 1: return try read(&self)
        case let other: throw FieldFault(problem: "\(other) says neither that there is a value nor that there is none")
        }
    }

    /// Makes sure that nothing follows.
    public func requireEnd() throws(FieldFault) {
        guard position == bytes.count else { throw FieldFault(problem: "it goes on behind its end") }
    }

    /// A number of things of `byteCount` bytes or more that follow.
    private mutating func readCount(ofAtLeast byteCount: Int) throws(FieldFault) -> Int {
        let count = try readInteger()
        guard count <= UInt64((bytes.count - position) / byteCount) else { throw endsEarly }
        return Int(count)
    }

    private mutating func take(_ count: Int) throws(FieldFault) -> Range<Int> {
        guard count <= bytes.count - position else { throw endsEarly }
        defer { position += count }
        return position..<position + count
    }

    private var endsEarly: FieldFault { FieldFault(problem: "it ends after \(bytes.count) bytes") }
}

/// What is wrong with bytes that should be fields.
public struct FieldFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The end of a sentence about the message.
    public let problem: String

    public init(problem: String) { self.problem = problem }

    public var description: String { problem }
}
