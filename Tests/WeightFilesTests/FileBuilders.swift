import Foundation
import WeightFiles

/// Bytes of little-endian numbers.
func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

/// A zip archive that says of its records what a test wants it to say.
struct ZipBuilder {
    struct Record {
        var name: String
        /// As they are to be in the file.
        var data: [UInt8]
        var method: UInt16 = 0
        var flags: UInt16 = 0
        var checksum: UInt32 = 0
        /// Claims of the list; nil for the truth.
        var size: UInt32?
        var inflatedSize: UInt32?
        var headerStart: UInt32?
        /// Extra fields of the list.
        var extra: [UInt8] = []
        var localName: String?
        var localMethod: UInt16?
    }

    var records: [Record] = []
    /// Added to the true number of records in the end record.
    var surplus = 0
    var hasLargeEndRecord = false
    var comment: [UInt8] = []

    /// The records of a PyTorch archive with this pickle.
    static func torch(_ pickle: [UInt8], _ storages: [(key: String, data: [UInt8])] = []) -> ZipBuilder {
        var builder = ZipBuilder()
        builder.records = [Record(name: "a/data.pkl", data: pickle)]
        builder.records += storages.map { Record(name: "a/data/\($0.key)", data: $0.data) }
        return builder
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        var list: [UInt8] = []
        for record in records {
            let start = UInt32(bytes.count)
            let (size, name) = (UInt32(record.data.count), Array(record.name.utf8))
            let localName = record.localName.map { Array($0.utf8) } ?? name
            bytes += [0x50, 0x4B, 3, 4] + littleEndian(UInt16(20)) + littleEndian(record.flags)
            bytes += littleEndian(record.localMethod ?? record.method) + littleEndian(UInt32(0))
            bytes += littleEndian(record.checksum) + littleEndian(size) + littleEndian(size)
            bytes += littleEndian(UInt16(localName.count)) + littleEndian(UInt16(0)) + localName + record.data
            list +=
                [0x50, 0x4B, 1, 2] + littleEndian(UInt16(20)) + littleEndian(UInt16(20)) + littleEndian(record.flags)
            list += littleEndian(record.method) + littleEndian(UInt32(0)) + littleEndian(record.checksum)
            list += littleEndian(record.size ?? size) + littleEndian(record.inflatedSize ?? record.size ?? size)
            list +=
                littleEndian(UInt16(name.count)) + littleEndian(UInt16(record.extra.count)) + littleEndian(UInt16(0))
            list += littleEndian(UInt16(0)) + littleEndian(UInt16(0)) + littleEndian(UInt32(0))
            list += littleEndian(record.headerStart ?? start) + name + record.extra
        }
        let (start, count) = (bytes.count, records.count + surplus)
        bytes += list
        let end = bytes.count
        if hasLargeEndRecord {
            bytes += [0x50, 0x4B, 6, 6] + littleEndian(UInt64(44)) + littleEndian(UInt32(0)) + littleEndian(UInt64(0))
            bytes += littleEndian(UInt64(count)) + littleEndian(UInt64(count)) + littleEndian(UInt64(list.count))
            bytes += littleEndian(UInt64(start)) + [0x50, 0x4B, 6, 7] + littleEndian(UInt32(0))
            bytes += littleEndian(UInt64(end)) + littleEndian(UInt32(1))
        }
        bytes +=
            [0x50, 0x4B, 5, 6] + littleEndian(UInt32(0)) + littleEndian(UInt16(count)) + littleEndian(UInt16(count))
        bytes += littleEndian(UInt32(list.count)) + littleEndian(UInt32(start)) + littleEndian(UInt16(comment.count))
        return bytes + comment
    }
}

/// Pickles by hand.
enum Pickle {
    static func text(_ text: String) -> [UInt8] { [0x58] + littleEndian(UInt32(text.utf8.count)) + Array(text.utf8) }
    static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
    static func int(_ value: Int32) -> [UInt8] { [0x4A] + littleEndian(value) }
    static func long(_ value: Int64) -> [UInt8] { [0x8A, 8] + littleEndian(value) }
    static func tuple(_ elements: [[UInt8]]) -> [UInt8] { [0x28] + elements.joined() + [0x74] }
    static func axes(_ values: [Int64]) -> [UInt8] { tuple(values.map(long)) }

    static func pickle(_ body: [UInt8]) -> [UInt8] { [0x80, 2] + body + [0x2E] }

    static func storage(_ type: String = "FloatStorage", key: String = "0", count: Int64) -> [UInt8] {
        tuple([text("storage"), global("torch", type), text(key), text("cpu"), long(count)]) + [0x51]
    }

    static func tensor(_ storage: [UInt8], offset: Int64 = 0, shape: [Int64], strides: [Int64]) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2")
            + tuple([storage, long(offset), axes(shape), axes(strides), [0x89], [0x4E]]) + [0x52]
    }

    /// A dictionary.
    static func dictionary(_ members: [(String, [UInt8])]) -> [UInt8] {
        [0x7D, 0x28] + members.flatMap { text($0) + $1 } + [0x75]
    }

    /// A file of the stream form.
    static func stream(_ object: [UInt8], _ storages: [(key: String, count: Int64, data: [UInt8])] = []) -> [UInt8] {
        let machine = dictionary([("little_endian", [0x88]), ("protocol_version", int(1001))])
        let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
        let keys: [UInt8] = [0x5D, 0x28] + storages.flatMap { text($0.key) } + [0x65]
        return pickle(magic) + pickle(int(1001)) + pickle(machine) + object + pickle(keys)
            + storages.flatMap { littleEndian($0.count) + $0.data }
    }
}

/// Four floats.
let fourFloats: [UInt8] = [Float](arrayLiteral: 1, 2, 3, 4).withUnsafeBytes { Array($0) }
