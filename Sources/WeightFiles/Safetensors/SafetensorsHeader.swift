import StrictJSON

/// The checked header of a safetensors file.
package struct SafetensorsHeader: Equatable, Sendable {
    /// How long a header may be; the limit of the reference implementation.
    package static let byteCountLimit = 100_000_000

    /// The tensors, sorted by the UTF-8 bytes of their names, which is the order of code points.
    package let entries: [TensorEntry]
    package let metadata: [String: String]

    /// Reads the front of `file`, all bytes of a file. Throws `SafetensorsFault`; the data itself is not touched.
    package init(of file: UnsafeRawBufferPointer) throws {
        guard file.count >= 8 else { throw SafetensorsFault.noHeaderLength(fileByteCount: file.count) }
        let claimed = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
        guard claimed <= UInt64(Self.byteCountLimit) else { throw SafetensorsFault.headerTooLong(byteCount: claimed) }
        let dataStart = 8 + Int(claimed)
        guard dataStart <= file.count else {
            throw SafetensorsFault.headerCut(byteCount: Int(claimed), fileByteCount: file.count)
        }
        let text = UnsafeRawBufferPointer(rebasing: file[8..<dataStart])
        guard text.first == UInt8(ascii: "{") else { throw SafetensorsFault.headerNotObject }
        do {
            var reader = JSONReader(text)
            let (tensors, metadata) = try Self.readTensors(from: &reader)
            try reader.finish()
            let entries = try Self.checkedEntries(tensors, dataStart: dataStart, fileByteCount: file.count)
            self.entries = entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            self.metadata = metadata
        } catch let error as JSONError {
            throw SafetensorsFault.header(error)
        }
    }

    /// What the header says about a tensor, before it is checked; offsets count from the front of the data.
    private struct Claim {
        let name: String
        let elementType: ElementType
        let shape: [Int]
        let start: Int
        let end: Int
    }

    private static func readTensors(from reader: inout JSONReader) throws -> ([Claim], [String: String]) {
        var claims: [Claim] = []
        var metadata: [String: String] = [:]
        try reader.readObject { name, reader in
            if name == "__metadata__" {
                try reader.readObject { key, reader in
                    guard metadata.updateValue(try reader.readString(), forKey: key) == nil else {
                        throw reader.failure("the key \"\(key)\" is given twice")
                    }
                }
            } else {
                claims.append(try readClaim(of: name, from: &reader))
            }
        }
        return (claims, metadata)
    }

    private static func readClaim(of name: String, from reader: inout JSONReader) throws -> Claim {
        var typeName: String?
        var shape: [Int]?
        var offsets: [Int]?
        try reader.readObject { key, reader in
            switch key {
            case "dtype": typeName = try reader.readString()
            case "shape": shape = try readCounts(from: &reader)
            case "data_offsets": offsets = try readCounts(from: &reader)
            default: throw reader.failure("the tensor \"\(name)\" has the unknown key \"\(key)\"")
            }
        }
        guard let typeName else { throw reader.failure("the tensor \"\(name)\" has no \"dtype\"") }
        guard let shape else { throw reader.failure("the tensor \"\(name)\" has no \"shape\"") }
        guard let offsets, offsets.count == 2 else {
            throw reader.failure("the tensor \"\(name)\" has no \"data_offsets\" of two numbers")
        }
        guard let elementType = ElementType(rawValue: typeName) else {
            throw SafetensorsFault.unknownElementType(
                tensor: name, name: String(String.UnicodeScalarView(typeName.unicodeScalars.prefix(32))))
        }
        return Claim(name: name, elementType: elementType, shape: shape, start: offsets[0], end: offsets[1])
    }

    private static func readCounts(from reader: inout JSONReader) throws -> [Int] {
        var counts: [Int] = []
        try reader.readArray { counts.append(try $0.readCount()) }
        return counts
    }

    /// The tensors must tile the data: sorted by their place, each starts where the one before it ends.
    private static func checkedEntries(_ claims: [Claim], dataStart: Int, fileByteCount: Int) throws -> [TensorEntry] {
        var expectedStart = 0
        let entries = try claims.sorted { ($0.start, $0.end) < ($1.start, $1.end) }.map { claim in
            guard let byteCount = TensorEntry.byteCount(of: claim.shape, claim.elementType) else {
                throw SafetensorsFault.shapeOverflow(tensor: claim.name, shape: claim.shape)
            }
            guard claim.start <= claim.end else {
                throw SafetensorsFault.reversedOffsets(tensor: claim.name, start: claim.start, end: claim.end)
            }
            guard claim.start == expectedStart else {
                throw SafetensorsFault.notContiguous(
                    tensor: claim.name, expectedStart: expectedStart, start: claim.start)
            }
            guard claim.end - claim.start == byteCount else {
                throw SafetensorsFault.wrongByteCount(
                    tensor: claim.name, expected: byteCount, found: claim.end - claim.start)
            }
            // Ends beyond the file are refused here, so that no sum can overflow.
            guard claim.end <= fileByteCount - dataStart else {
                let (expected, overflow) = dataStart.addingReportingOverflow(claim.end)
                throw SafetensorsFault.wrongFileLength(expected: overflow ? .max : expected, found: fileByteCount)
            }
            expectedStart = claim.end
            return TensorEntry(
                name: claim.name, elementType: claim.elementType, shape: claim.shape,
                byteRange: dataStart + claim.start..<dataStart + claim.end)
        }
        guard dataStart + expectedStart == fileByteCount else {
            throw SafetensorsFault.wrongFileLength(expected: dataStart + expectedStart, found: fileByteCount)
        }
        return entries
    }
}

extension SafetensorsFault: Error {}
