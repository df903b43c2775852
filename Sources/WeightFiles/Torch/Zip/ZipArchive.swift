/// The list of records of a zip archive, checked in full; the records' bytes are not touched.
///
/// An archive can be read in several ways (from the front or by its list, by small or large size fields), and a file made
/// to look different to each is an old trick. Here the list decides, everything has to agree with it, and no byte belongs
/// to two records.
struct ZipArchive {
    /// A file of the archive.
    struct Record: Equatable {
        let name: String
        /// Of its bytes as they are in the file.
        let range: Range<Int>
        /// After inflating.
        let byteCount: Int
        let isDeflated: Bool
        let checksum: UInt32
        /// Where its header starts.
        let headerStart: Int
    }

    static let recordCountLimit = 1_000_000
    static let nameByteCountLimit = 1024
    /// Deflate cannot reach a higher ratio.
    private static let deflateRatio = 1032
    private static let endRecordByteCount = 22
    private static let commentByteCountLimit = 65535

    /// In the order of the list.
    let records: [Record]
    /// By the bytes of the name: Swift compares texts by what they look like, which takes its time for hostile ones.
    private let indices: [[UInt8]: Int]

    /// - Throws: `ZipFault`.
    init(of file: UnsafeRawBufferPointer) throws {
        let directory = try Self.directory(of: file)
        var records: [Record] = []
        var indices: [[UInt8]: Int] = [:]
        var offset = directory.range.lowerBound
        for _ in 0..<directory.count {
            let (record, next) = try Self.record(at: offset, in: file, directory: directory.range)
            guard indices.updateValue(records.count, forKey: Array(record.name.utf8)) == nil else {
                throw ZipFault.repeatedName(record.name)
            }
            records.append(record)
            offset = next
        }
        guard offset == directory.range.upperBound else { throw ZipFault.badDirectory(offset: offset) }
        try Self.checkPlaces(of: records, before: directory.range.lowerBound)
        try Self.checkInflation(of: records, fileByteCount: file.count)
        self.records = records
        self.indices = indices
    }

    /// The record of this name.
    func record(_ name: String) -> Record? {
        indices[Array(name.utf8)].map { records[$0] }
    }

    // MARK: End records

    /// Where the list is and how many records it has.
    private static func directory(of file: UnsafeRawBufferPointer) throws -> (range: Range<Int>, count: Int) {
        let end = try endRecord(of: file)
        let bytes = LittleEndianBytes(file)
        guard bytes.uint16(end + 4) == bytes.uint16(end + 6), bytes.uint16(end + 8) == bytes.uint16(end + 10) else {
            throw ZipFault.severalParts
        }
        var (count, size, start) = (
            UInt64(bytes.uint16(end + 10)), UInt64(bytes.uint32(end + 12)), UInt64(bytes.uint32(end + 16))
        )
        var directoryEnd = end
        // torch.save writes the records for large archives always; whoever has them has to agree with the small fields.
        if end >= 20, bytes.uint32(end - 20) == 0x0706_4B50 {
            let locator = end - 20
            let place = bytes.uint64(locator + 8)
            guard bytes.uint32(locator + 4) == 0, bytes.uint32(locator + 16) == 1, locator >= 56,
                place == UInt64(locator - 56)
            else { throw ZipFault.badEndRecord }
            directoryEnd = locator - 56
            guard bytes.uint32(directoryEnd) == 0x0606_4B50, bytes.uint64(directoryEnd + 4) == 44,
                bytes.uint32(directoryEnd + 16) == 0, bytes.uint32(directoryEnd + 20) == 0,
                bytes.uint64(directoryEnd + 24) == bytes.uint64(directoryEnd + 32)
            else { throw ZipFault.badEndRecord }
            let large = (
                count: bytes.uint64(directoryEnd + 32), size: bytes.uint64(directoryEnd + 40),
                start: bytes.uint64(directoryEnd + 48)
            )
            guard count == min(large.count, 0xFFFF) || count == 0xFFFF, size == large.size || size == 0xFFFF_FFFF,
                start == large.start || start == 0xFFFF_FFFF
            else { throw ZipFault.badEndRecord }
            (count, size, start) = large
        } else if bytes.uint16(end + 4) != 0 {
            throw ZipFault.severalParts
        }
        guard count <= UInt64(recordCountLimit) else { throw ZipFault.tooManyRecords(count: count) }
        let (sum, overflow) = start.addingReportingOverflow(size)
        guard !overflow, sum == UInt64(directoryEnd) else { throw ZipFault.badEndRecord }
        return (Int(start)..<directoryEnd, Int(count))
    }

    /// The end record: the last place whose comment fills the file exactly.
    private static func endRecord(of file: UnsafeRawBufferPointer) throws -> Int {
        let bytes = LittleEndianBytes(file)
        var offset = file.count - endRecordByteCount
        let last = max(0, offset - commentByteCountLimit)
        while offset >= last {
            if bytes.uint32(offset) == 0x0605_4B50,
                Int(bytes.uint16(offset + 20)) == file.count - offset - endRecordByteCount
            {
                return offset
            }
            offset -= 1
        }
        throw ZipFault.noEndRecord
    }

    // MARK: Records

    /// The record whose entry of the list is at `offset`, and where the next entry is.
    private static func record(
        at offset: Int, in file: UnsafeRawBufferPointer, directory: Range<Int>
    ) throws -> (Record, next: Int) {
        let bytes = LittleEndianBytes(file)
        guard directory.upperBound - offset >= 46, bytes.uint32(offset) == 0x0201_4B50 else {
            throw ZipFault.badDirectory(offset: offset)
        }
        let (nameLength, extraLength) = (Int(bytes.uint16(offset + 28)), Int(bytes.uint16(offset + 30)))
        let extraStart = offset + 46 + nameLength
        let next = extraStart + extraLength + Int(bytes.uint16(offset + 32))
        guard next <= directory.upperBound else { throw ZipFault.badDirectory(offset: offset) }
        let nameBytes = UnsafeRawBufferPointer(rebasing: file[offset + 46..<extraStart])
        guard nameLength <= nameByteCountLimit, let name = String(validating: nameBytes, as: UTF8.self) else {
            throw ZipFault.badName(offset: offset)
        }
        let (flags, method) = (bytes.uint16(offset + 8), bytes.uint16(offset + 10))
        guard flags & 0x2041 == 0 else { throw ZipFault.encrypted(name) }
        guard method == 0 || method == 8 else { throw ZipFault.unknownCompression(name, method: Int(method)) }

        var sizes = (
            inflated: UInt64(bytes.uint32(offset + 24)), stored: UInt64(bytes.uint32(offset + 20)),
            start: UInt64(bytes.uint32(offset + 42))
        )
        try readLargeSizes(
            &sizes, of: name, from: UnsafeRawBufferPointer(rebasing: file[extraStart..<extraStart + extraLength]))
        guard sizes.start < UInt64(directory.lowerBound), sizes.inflated <= UInt64(Int.max) else {
            throw ZipFault.overlap(name)
        }
        let headerStart = Int(sizes.start)
        let dataStart = try dataStart(of: name, nameBytes, headerStart: headerStart, method: method, in: file)
        guard dataStart <= directory.lowerBound, sizes.stored <= UInt64(directory.lowerBound - dataStart) else {
            throw ZipFault.overlap(name)
        }
        guard method == 8 || sizes.inflated == sizes.stored else { throw ZipFault.sizesDiffer(name) }
        let record = Record(
            name: name, range: dataStart..<dataStart + Int(sizes.stored), byteCount: Int(sizes.inflated),
            isDeflated: method == 8, checksum: bytes.uint32(offset + 16), headerStart: headerStart)
        return (record, next)
    }

    /// Replaces the sizes that are too large for 32 bits by those of the zip64 field among `extra`.
    private static func readLargeSizes(
        _ sizes: inout (inflated: UInt64, stored: UInt64, start: UInt64), of name: String,
        from extra: UnsafeRawBufferPointer
    ) throws {
        let large = UInt64(UInt32.max)
        guard sizes.inflated == large || sizes.stored == large || sizes.start == large else { return }
        let bytes = LittleEndianBytes(extra)
        var offset = 0
        while extra.count - offset >= 4 {
            let (id, length) = (bytes.uint16(offset), Int(bytes.uint16(offset + 2)))
            offset += 4
            guard length <= extra.count - offset else { break }
            guard id == 1 else {
                offset += length
                continue
            }
            var rest = offset..<offset + length
            func next() throws -> UInt64 {
                guard rest.count >= 8 else { throw ZipFault.badLargeSizes(name) }
                defer { rest = rest.lowerBound + 8..<rest.upperBound }
                return bytes.uint64(rest.lowerBound)
            }
            if sizes.inflated == large { sizes.inflated = try next() }
            if sizes.stored == large { sizes.stored = try next() }
            if sizes.start == large { sizes.start = try next() }
            return
        }
        throw ZipFault.badLargeSizes(name)
    }

    /// Where the bytes of a record begin: behind its own header, which must be that of the record that the list means.
    private static func dataStart(
        of name: String, _ nameBytes: UnsafeRawBufferPointer, headerStart: Int, method: UInt16,
        in file: UnsafeRawBufferPointer
    ) throws -> Int {
        let bytes = LittleEndianBytes(file)
        guard file.count - headerStart >= 30, bytes.uint32(headerStart) == 0x0403_4B50,
            bytes.uint16(headerStart + 6) & 0x2041 == 0, bytes.uint16(headerStart + 8) == method
        else { throw ZipFault.badRecordHeader(name) }
        let nameEnd = headerStart + 30 + Int(bytes.uint16(headerStart + 26))
        guard nameEnd <= file.count, file[headerStart + 30..<nameEnd].elementsEqual(nameBytes) else {
            throw ZipFault.badRecordHeader(name)
        }
        return nameEnd + Int(bytes.uint16(headerStart + 28))
    }

    /// No two records share a byte, and none reaches into the list.
    private static func checkPlaces(of records: [Record], before directoryStart: Int) throws {
        let sorted = records.sorted { $0.headerStart < $1.headerStart }
        for (one, next) in zip(sorted, sorted.dropFirst()) where one.range.upperBound > next.headerStart {
            throw ZipFault.overlap(next.name)
        }
        if let last = sorted.last, last.range.upperBound > directoryStart { throw ZipFault.overlap(last.name) }
    }

    private static func checkInflation(of records: [Record], fileByteCount: Int) throws {
        let limit = WeightContents.byteCountLimit(fileByteCount: fileByteCount)
        var sum = 0
        for record in records where record.isDeflated {
            let (reach, overflow) = (record.range.count + 1).multipliedReportingOverflow(by: deflateRatio)
            guard overflow || record.byteCount <= reach, record.byteCount <= limit - sum else {
                throw ZipFault.inflatesTooFar(record.name, limit: limit)
            }
            sum += record.byteCount
        }
    }
}

extension ZipFault: Error {}

/// Numbers at any place of some bytes; the caller has checked that they are there.
struct LittleEndianBytes {
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    func uint16(_ offset: Int) -> UInt16 {
        UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }
    func uint32(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    func uint64(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
