import Foundation

/// Many numbers in a record, written as one text: base64 of their little-endian bytes. A page reads it as a typed array, and no
/// digit is lost.
public struct PackedFloats: Codable, Equatable, Sendable {
    public let values: [Float]

    public init(_ values: [Float]) { self.values = values }

    public init(from decoder: any Decoder) throws {
        values = try packedBytes(from: decoder, width: 4) { bytes in
            Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        try encodePacked(values.map(\.bitPattern.littleEndian), to: encoder)
    }
}

/// `PackedFloats` for whole numbers of 32 bits.
public struct PackedIntegers: Codable, Equatable, Sendable {
    public let values: [Int32]

    public init(_ values: [Int32]) { self.values = values }

    public init(from decoder: any Decoder) throws {
        values = try packedBytes(from: decoder, width: 4) { Int32(littleEndian: $0.loadUnaligned(as: Int32.self)) }
    }

    public func encode(to encoder: any Encoder) throws { try encodePacked(values.map(\.littleEndian), to: encoder) }
}

/// `PackedFloats` for whole numbers of 8 bits.
public struct PackedBytes: Codable, Equatable, Sendable {
    public let values: [Int8]

    public init(_ values: [Int8]) { self.values = values }

    public init(from decoder: any Decoder) throws {
        values = try packedBytes(from: decoder, width: 1) { $0.load(as: Int8.self) }
    }

    public func encode(to encoder: any Encoder) throws { try encodePacked(values, to: encoder) }
}

private func encodePacked<Value>(_ values: [Value], to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(values.withUnsafeBytes { Data($0) }.base64EncodedString())
}

private func packedBytes<Value>(
    from decoder: any Decoder, width: Int, _ value: (UnsafeRawBufferPointer) -> Value
) throws -> [Value] {
    let container = try decoder.singleValueContainer()
    guard let data = Data(base64Encoded: try container.decode(String.self)), data.count % width == 0 else {
        throw DecodingError.dataCorruptedError(
            in: container, debugDescription: "it is no base64 of numbers of \(width) bytes")
    }
    return data.withUnsafeBytes { bytes in
        stride(from: 0, to: bytes.count, by: width).map {
            value(UnsafeRawBufferPointer(rebasing: bytes[$0..<$0 + width]))
        }
    }
}
