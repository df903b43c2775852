import CMatio
import CZlib

/// Checks that a MATLAB file (MAT v5) is built as it should be, before matio reads it: matio believes what a file says about
/// sizes, asks for that memory, and reads where they lead.
///
/// A file is a header of 128 bytes and elements: a type, a size and that many bytes. A matrix holds its class, its size, its name
/// and then its numbers, its characters, or further matrices. After this check every array has exactly the data that its size
/// asks for, every matrix fills its element, and the number of values is bounded.
struct MatStructure {
    /// What is wrong, as a part of a sentence.
    struct Problem: Error {
        let reason: String
    }

    static let headerByteCount = 128
    /// The most bytes that a compressed element may have when it is unpacked; those of real files have less than 10 MB.
    static let inflatedByteLimit = 64 << 20
    /// The most numbers, characters, cells and structure fields of one file.
    static let elementLimit = 1 << 20
    /// How deep matrices may be nested in each other.
    static let depthLimit = 16
    static let fieldLimit = 256

    private var budget = Self.elementLimit

    /// - Throws: `Problem`.
    static func check(_ bytes: [UInt8]) throws {
        guard bytes.count >= headerByteCount, bytes.starts(with: Array("MATLAB 5.0 MAT-file".utf8)) else {
            throw Problem(
                reason: bytes.starts(with: Array("MATLAB 7.3".utf8))
                    ? "it is of version 7.3, expected a MATLAB 5.0 MAT-file: save it with -v7"
                    : "it is not a MATLAB 5.0 MAT-file")
        }
        guard bytes[124...127].elementsEqual([0x00, 0x01, 0x49, 0x4D]) else {
            throw Problem(reason: "its header is not that of a little-endian MATLAB 5.0 MAT-file")
        }
        var structure = MatStructure()
        var offset = headerByteCount
        while offset < bytes.count {
            let tag = try Tag(bytes[...], offset)
            guard tag.byteCount <= bytes.count - tag.dataStart else {
                throw Problem(
                    reason:
                        "the element at byte \(offset) has \(tag.byteCount) bytes, but the file ends before: it has been "
                        + "cut short")
            }
            let data = bytes[tag.dataStart..<tag.dataStart + tag.byteCount]
            switch tag.type {
            case MAT_T_COMPRESSED.rawValue: try structure.checkCompressed(data)
            case MAT_T_MATRIX.rawValue: try structure.checkMatrix(data, depth: 0)
            default: throw Problem(reason: "the element at byte \(offset) has the type \(tag.type), expected a matrix")
            }
            offset = tag.dataStart + tag.byteCount
        }
    }

    // MARK: - Elements

    /// Type and size in front of an element's data.
    private struct Tag {
        let type: UInt32
        let byteCount: Int
        let dataStart: Int
        /// Where the next element of a matrix starts: elements end at multiples of 8 bytes.
        let next: Int

        /// Reads the tag at `offset` (from the front of `bytes`' base).
        init(_ bytes: ArraySlice<UInt8>, _ offset: Int) throws {
            guard offset >= bytes.startIndex, bytes.endIndex - offset >= 8 else {
                throw Problem(reason: "it ends within an element: it has been cut short")
            }
            func word(_ place: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) } }
            let first = word(offset)
            if first >> 16 != 0 {
                // Up to four bytes are kept in the tag itself.
                (type, byteCount, dataStart, next) = (first & 0xFFFF, Int(first >> 16), offset + 4, offset + 8)
                guard byteCount <= 4 else {
                    throw Problem(reason: "the element at byte \(offset) has no size that can be")
                }
            } else {
                (type, byteCount, dataStart) = (first, Int(word(offset + 4)), offset + 8)
                next = offset + 8 + (byteCount + 7) / 8 * 8
            }
        }
    }

    private mutating func checkCompressed(_ data: ArraySlice<UInt8>) throws {
        let bytes = try Self.inflate(data)
        let tag = try Tag(bytes[...], 0)
        guard tag.type == MAT_T_MATRIX.rawValue, tag.dataStart == 8, tag.byteCount == bytes.count - 8 else {
            throw Problem(reason: "a compressed element is not one whole matrix")
        }
        try checkMatrix(bytes[8...], depth: 0)
    }

    private static func inflate(_ data: ArraySlice<UInt8>) throws -> [UInt8] {
        var stream = z_stream()
        guard inflateInit_(&stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw Problem(reason: "a compressed element cannot be unpacked")
        }
        defer { inflateEnd(&stream) }
        var output: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 18)
        var input = Array(data)
        let inputCount = input.count
        return try input.withUnsafeMutableBufferPointer { input in
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(inputCount)
            while true {
                let status = piece.withUnsafeMutableBufferPointer { piece in
                    stream.next_out = piece.baseAddress
                    stream.avail_out = UInt32(piece.count)
                    return CZlib.inflate(&stream, Z_NO_FLUSH)
                }
                output += piece[..<(piece.count - Int(stream.avail_out))]
                guard output.count <= inflatedByteLimit else {
                    throw Problem(
                        reason: "a compressed element has more than \(inflatedByteLimit) bytes when it is unpacked")
                }
                if status == Z_STREAM_END { return output }
                // Without progress the input is at its end before the stream is.
                guard status == Z_OK, stream.avail_out < UInt32(piece.count) else {
                    throw Problem(reason: "a compressed element is damaged or cut short")
                }
            }
        }
    }

    // MARK: - Matrices

    private static let damaged = Problem(reason: "a matrix in it is not built as MATLAB builds them")

    /// Checks the content of a matrix, which must fill `data`.
    private mutating func checkMatrix(_ data: ArraySlice<UInt8>, depth: Int) throws {
        guard depth < Self.depthLimit else { throw Problem(reason: "its matrices are nested too deeply") }
        // What stands for an empty cell.
        if data.isEmpty { return }
        var offset = data.startIndex
        /// The next element's type and data.
        func element() throws -> (type: UInt32, data: ArraySlice<UInt8>) {
            let tag = try Tag(data, offset)
            guard tag.byteCount <= data.endIndex - tag.dataStart else { throw Self.damaged }
            // The last element of a matrix may lack the bytes up to the next multiple of 8.
            offset = min(tag.next, data.endIndex)
            return (tag.type, data[tag.dataStart..<tag.dataStart + tag.byteCount])
        }
        let flags = try element()
        guard flags.type == MAT_T_UINT32.rawValue, flags.data.count == 8 else { throw Self.damaged }
        let (arrayClass, isComplex) = (
            UInt32(flags.data[flags.data.startIndex]), flags.data[flags.data.startIndex + 1] & 8 != 0
        )
        let sizes = try element()
        guard sizes.type == MAT_T_INT32.rawValue else { throw Self.damaged }
        let count = try elementCount(sizes.data)
        let name = try element()
        guard name.type == MAT_T_INT8.rawValue, name.data.count < 256, !name.data.contains(0) else {
            throw Self.damaged
        }
        guard !isComplex else { throw Problem(reason: "it has complex numbers, which no data set has") }

        switch arrayClass {
        case MAT_C_CELL.rawValue:
            try checkMatrices(count, data, &offset, depth)
        case MAT_C_STRUCT.rawValue:
            let length = try element()
            guard length.type == MAT_T_INT32.rawValue, length.data.count == 4 else { throw Self.damaged }
            let nameLength = length.data.enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
            let names = try element()
            guard names.type == MAT_T_INT8.rawValue, (1...256).contains(nameLength), names.data.count % nameLength == 0,
                (1...Self.fieldLimit).contains(names.data.count / nameLength)
            else { throw Self.damaged }
            for start in stride(from: names.data.startIndex, to: names.data.endIndex, by: nameLength) {
                guard names.data[start..<start + nameLength].contains(0) else { throw Self.damaged }
            }
            let total = count * (names.data.count / nameLength)
            try spend(total)
            try checkMatrices(total, data, &offset, depth)
        case MAT_C_CHAR.rawValue:
            let characters = try element()
            let isWhole =
                switch characters.type {
                case MAT_T_UINT8.rawValue, MAT_T_INT8.rawValue: characters.data.count == count
                case MAT_T_UINT16.rawValue, MAT_T_UTF16.rawValue: characters.data.count == 2 * count
                case MAT_T_UTF8.rawValue: (count...4 * count).contains(characters.data.count)
                default: false
                }
            guard isWhole else { throw Self.damaged }
        case MAT_C_DOUBLE.rawValue...MAT_C_UINT64.rawValue:
            let numbers = try element()
            guard let width = Self.widths[numbers.type], numbers.data.count == width * count else { throw Self.damaged }
        default: throw Problem(reason: "it has a matrix of a class that no data set uses")
        }
        guard offset == data.endIndex else { throw Self.damaged }
    }

    /// Bytes of a stored number of each type.
    private static let widths: [UInt32: Int] = [
        MAT_T_INT8.rawValue: 1, MAT_T_UINT8.rawValue: 1, MAT_T_INT16.rawValue: 2, MAT_T_UINT16.rawValue: 2,
        MAT_T_INT32.rawValue: 4, MAT_T_UINT32.rawValue: 4, MAT_T_SINGLE.rawValue: 4, MAT_T_DOUBLE.rawValue: 8,
        MAT_T_INT64.rawValue: 8, MAT_T_UINT64.rawValue: 8,
    ]

    private mutating func spend(_ count: Int) throws {
        guard count <= budget else { throw Problem(reason: "it has more elements than any list of a data set") }
        budget -= count
    }

    private mutating func elementCount(_ sizes: ArraySlice<UInt8>) throws -> Int {
        guard sizes.count % 4 == 0, (2...8).contains(sizes.count / 4) else { throw Self.damaged }
        var count = 1
        for start in stride(from: sizes.startIndex, to: sizes.endIndex, by: 4) {
            let size = (0..<4).reduce(0) { $0 | Int(sizes[start + $1]) << (8 * $1) }
            // The sizes themselves are bounded too, so that one of zero hides no other.
            guard size <= Self.elementLimit else {
                throw Problem(reason: "it has more elements than any list of a data set")
            }
            count *= size
            guard count <= Self.elementLimit else {
                throw Problem(reason: "it has more elements than any list of a data set")
            }
        }
        try spend(count)
        return count
    }

    /// Checks `count` matrices one after the other.
    private mutating func checkMatrices(_ count: Int, _ data: ArraySlice<UInt8>, _ offset: inout Int, _ depth: Int)
        throws
    {
        for _ in 0..<count {
            let tag = try Tag(data, offset)
            guard tag.type == MAT_T_MATRIX.rawValue, tag.byteCount <= data.endIndex - tag.dataStart else {
                throw Self.damaged
            }
            try checkMatrix(data[tag.dataStart..<tag.dataStart + tag.byteCount], depth: depth + 1)
            offset = min(tag.next, data.endIndex)
        }
    }
}
