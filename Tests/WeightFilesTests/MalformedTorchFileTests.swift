import DurableFiles
import Foundation
import SystemPackage
import TemporaryFolders
import Testing
import WeightFiles

struct MalformedTorchFileTests {
    private static let tensor = Pickle.tensor(Pickle.storage(count: 4), shape: [2, 2], strides: [2, 1])
    private static let pickle = Pickle.pickle(Pickle.dictionary([("w", tensor)]))
    private static let archive = ZipBuilder.torch(pickle, [("0", fourFloats)])

    private func zipFault(_ bytes: [UInt8]) throws -> ZipFault? {
        do {
            _ = try WeightContents(bytes: bytes).elements(in: bytes)
            return nil
        } catch TorchFault.zip(let fault) {
            return fault
        }
    }

    private func zipFault(_ change: (inout ZipBuilder) -> Void) throws -> ZipFault? {
        var builder = Self.archive
        change(&builder)
        return try zipFault(builder.bytes)
    }

    // MARK: Zip

    @Test func `the valid archives these tests start from are accepted`() throws {
        for change: (inout ZipBuilder) -> Void in [
            { _ in }, { $0.hasLargeEndRecord = true }, { $0.comment = [1, 2, 3] },
            { $0.records[1].extra = [9, 9, 1, 0, 7] },
            { archive in  // sizes in a zip64 field
                let start = Int(archive.records[0].data.count) + 30 + 10
                archive.records[1].extra =
                    littleEndian(UInt16(1)) + littleEndian(UInt16(24)) + littleEndian(UInt64(16))
                    + littleEndian(UInt64(16))
                    + littleEndian(UInt64(start))
                archive.records[1].size = .max
                archive.records[1].headerStart = .max
            },
        ] { #expect(try zipFault(change) == nil) }
        #expect(try WeightContents(bytes: Self.archive.bytes).elements(in: Self.archive.bytes) == ["w": fourFloats])
    }

    @Test func `something behind the archive, or its end gone`() throws {
        #expect(try zipFault(Self.archive.bytes + [0]) == .noEndRecord)
        #expect(try zipFault(Self.archive.bytes.dropLast()) == .noEndRecord)
    }

    @Test func `something before the list, or the list elsewhere`() throws {
        var bytes = Self.archive.bytes
        bytes.insert(0, at: bytes.count - 22)
        #expect(try zipFault(bytes) == .badEndRecord)
    }

    @Test func `more records than there are, fewer, or too many`() throws {
        if case .badDirectory = try zipFault({ $0.surplus = 1 }) {} else { Issue.record("accepted") }
        if case .badDirectory = try zipFault({ $0.surplus = -1 }) {} else { Issue.record("accepted") }
        var bytes = ZipBuilder.torch(Self.pickle, [("0", fourFloats)])
        bytes.hasLargeEndRecord = true
        var large = bytes.bytes
        for place in [large.count - 22 - 20 - 56 + 24, large.count - 22 - 20 - 56 + 32] {
            large.replaceSubrange(place..<place + 8, with: littleEndian(UInt64(1_000_001)))
        }
        for place in [large.count - 14, large.count - 12] {
            large.replaceSubrange(place..<place + 2, with: [0xFF, 0xFF])
        }
        #expect(try zipFault(large) == .tooManyRecords(count: 1_000_001))
    }

    @Test func `a large end record that contradicts the small one`() throws {
        var builder = Self.archive
        builder.hasLargeEndRecord = true
        for field in [4, 16, 20, 24, 32, 40, 48] {
            var bytes = builder.bytes
            bytes[bytes.count - 22 - 20 - 56 + field] ^= 1
            #expect(try zipFault(bytes) != nil, "field \(field)")
        }
    }

    @Test func `a record named twice`() throws {
        #expect(try zipFault { $0.records.append($0.records[1]) } == .repeatedName("a/data/0"))
    }

    @Test func `a record that lies over another one`() throws {
        // The second header is inside the first record's data.
        let inner = ZipBuilder.torch(Self.pickle, []).bytes
        #expect(
            try zipFault { $0.records.append(.init(name: "a/x", data: [], headerStart: 0, localName: "a/x")) } != nil)
        var builder = ZipBuilder()
        builder.records = [
            .init(name: "a/y", data: inner), .init(name: "a/data.pkl", data: Self.pickle, headerStart: 33),
        ]
        #expect(try zipFault(builder.bytes) == .overlap("a/data.pkl"))
    }

    @Test func `a record beyond the list`() throws {
        #expect(try zipFault { $0.records[1].size = 1000 } == .overlap("a/data/0"))
        #expect(try zipFault { $0.records[1].headerStart = 1000 } == .overlap("a/data/0"))
        #expect(try zipFault { $0.records[1].size = .max - 1 } == .overlap("a/data/0"))
    }

    @Test func `sizes over 4 GiB that are missing, short or too large`() throws {
        #expect(try zipFault { $0.records[1].size = .max } == .badLargeSizes("a/data/0"))
        let field = { (sizes: [UInt64]) -> [UInt8] in
            littleEndian(UInt16(1)) + littleEndian(UInt16(8 * sizes.count)) + sizes.flatMap { littleEndian($0) }
        }
        for extra in [field([16]), [1, 0, 200, 0, 1], [1, 0]] {
            #expect(
                try zipFault {
                    $0.records[1].size = .max
                    $0.records[1].extra = extra
                } == .badLargeSizes("a/data/0"))
        }
        for sizes in [[UInt64.max, .max], [1 << 62, 1 << 62], [16, 17]] {
            #expect(
                try zipFault {
                    $0.records[1].size = .max
                    $0.records[1].extra = field(sizes)
                } != nil)
        }
    }

    @Test func `headers that do not belong to their record`() throws {
        #expect(try zipFault { $0.records[1].localName = "a/data/1" } == .badRecordHeader("a/data/0"))
        #expect(try zipFault { $0.records[1].localMethod = 8 } == .badRecordHeader("a/data/0"))
        #expect(try zipFault { $0.records[1].headerStart = 1 } == .badRecordHeader("a/data/0"))
    }

    @Test func `encryption, other compression, bad names and two sizes`() throws {
        #expect(try zipFault { $0.records[1].flags = 1 } == .encrypted("a/data/0"))
        #expect(try zipFault { $0.records[1].method = 12 } == .unknownCompression("a/data/0", method: 12))
        #expect(try zipFault { $0.records[1].inflatedSize = 15 } == .sizesDiffer("a/data/0"))
        if case .badName = try zipFault({ $0.records[1].name = String(repeating: "n", count: 1025) }) {
        } else {
            Issue.record("accepted")
        }
    }

    @Test func `data that does not match its checksum`() throws {
        #expect(try zipFault { $0.records[1].checksum = 7 } == .wrongChecksum("a/data.pkl"))
        var bytes = try TorchFixture.bytes("small-zip")
        let contents = try WeightContents(bytes: bytes)
        let place = contents.storages[1].fileRange.lowerBound
        bytes[place] ^= 1
        #expect(try zipFault(bytes) == .wrongChecksum(contents.storages[1].name))
        try withTemporaryFolder { folder throws in
            let path = folder.appending("damaged.pth")
            try DurableFile.write(bytes, to: path)
            let file = try WeightFile.open(path)
            let name = contents.tensors.first { $0.storage == 1 }!.entry.name
            let error = #expect(throws: WeightFileError.self) { try file.floats(name) }
            #expect(error?.exitCode == 65)
        }
    }

    @Test func `compressed data that is damaged, too short or too long`() throws {
        let name = "a/data/0"
        let four: [UInt8] = [0x01, 4, 0, 0xFB, 0xFF, 1, 2, 3, 4]  // a block of four bytes as they are
        for data: [UInt8] in [[1, 2, 3], [], four, four + four, [0x01, 17, 0, 0xEE, 0xFF] + fourFloats + [1]] {
            #expect(
                try zipFault {
                    $0.records[1].method = 8
                    $0.records[1].data = data
                    $0.records[1].inflatedSize = 16
                } == .badCompression(name), "\(data)")
        }
        #expect(
            try zipFault {
                $0.records[1].method = 8
                $0.records[1].data = [0x01, 16, 0, 0xEF, 0xFF] + fourFloats + [0]
                $0.records[1].inflatedSize = 16
            } == .badCompression(name))
        let stored = [0x01, 16, 0, 0xEF, 0xFF] + fourFloats
        #expect(
            try zipFault {
                $0.records[1].method = 8
                $0.records[1].data = stored
                $0.records[1].inflatedSize = 16
            } == nil)
    }

    @Test func `a zip bomb is refused before it is inflated`() throws {
        func bomb(_ inflated: UInt32, _ stored: Int) throws -> ZipFault? {
            try zipFault {
                $0.records[1].method = 8
                $0.records[1].data = [UInt8](repeating: 0, count: stored)
                $0.records[1].inflatedSize = inflated
            }
        }
        // Further than deflate can reach, and further than all records may together.
        if case .inflatesTooFar = try bomb(1 << 20, 100) {} else { Issue.record("accepted") }
        if case .inflatesTooFar = try bomb(80 << 20, 100_000) {} else { Issue.record("accepted") }
        var many = Self.archive
        for index in 1...100 {
            many.records.append(
                .init(
                    name: "a/data/\(index)", data: [UInt8](repeating: 0, count: 2000), method: 8,
                    inflatedSize: 2_000_000))
        }
        if case .inflatesTooFar = try zipFault(many.bytes) {} else { Issue.record("accepted") }
    }

    @Test func `archives without one pickle, or without a storage`() throws {
        var builder = Self.archive
        builder.records[0].name = "a/b/data.pkl"
        #expect(throws: TorchFault.noPickle) { try WeightContents(bytes: builder.bytes) }
        builder.records[0].name = "a/data.pkl"
        builder.records.append(.init(name: "b/data.pkl", data: []))
        #expect(throws: TorchFault.noPickle) { try WeightContents(bytes: builder.bytes) }
        builder.records = []
        #expect(throws: UnrecognisedFile.self) { try WeightContents(bytes: builder.bytes) }
        #expect(throws: TorchFault.missingStorage("0")) {
            try WeightContents(bytes: ZipBuilder.torch(Self.pickle).bytes)
        }
        #expect(throws: TorchFault.wrongStorageLength("0", expected: 16, found: 15)) {
            try WeightContents(bytes: ZipBuilder.torch(Self.pickle, [("0", fourFloats.dropLast())]).bytes)
        }
    }

    @Test func `a file of more than 4 GiB is read where its tensors are`() throws {
        // Sparse: the storage is a hole of 4.5 GiB with four floats at its end.
        let byteCount = 9 << 29
        let count = Int64(byteCount / 4)
        let pickle = Pickle.pickle(
            Pickle.dictionary([
                ("last", Pickle.tensor(Pickle.storage(count: count), offset: count - 4, shape: [4], strides: [1]))
            ]))
        func sizes(_ start: Int) -> [UInt8] {
            littleEndian(UInt16(1)) + littleEndian(UInt16(24)) + littleEndian(UInt64(byteCount))
                + littleEndian(UInt64(byteCount)) + littleEndian(UInt64(start))
        }
        var builder = ZipBuilder.torch(pickle, [("0", fourFloats)])
        let start = pickle.count + 40
        builder.records[1].size = .max
        builder.records[1].headerStart = .max
        builder.records[1].extra = sizes(start)
        builder.hasLargeEndRecord = true
        var bytes = builder.bytes
        let hole = byteCount - 16
        let dataStart = start + 38
        // The list moves back by the hole.
        let large = bytes.count - 22 - 20 - 56
        for (place, width) in [(large + 48, 8), (large + 56 + 8, 8)] {
            let value = bytes[place..<place + width].reversed().reduce(0) { $0 << 8 | Int($1) }
            bytes.replaceSubrange(place..<place + 8, with: littleEndian(UInt64(value + hole)))
        }
        bytes.replaceSubrange(bytes.count - 6..<bytes.count - 2, with: [0xFF, 0xFF, 0xFF, 0xFF])
        try withTemporaryFolder { folder throws in
            let path = folder.appending("large.pth")
            try DurableFile.write(Array(bytes[..<dataStart]), to: path)
            let handle = try #require(FileHandle(forUpdatingAtPath: path.string))
            try handle.seek(toOffset: UInt64(dataStart + hole))
            try handle.write(contentsOf: bytes[dataStart...])
            try handle.close()
            let file = try WeightFile.open(path)
            #expect(file.byteCount > 9 << 29)
            #expect(try file.floats("last") == [1, 2, 3, 4])
        }
    }

    // MARK: Stream

    private func stream(_ storages: [(key: String, count: Int64, data: [UInt8])]) -> [UInt8] {
        Pickle.stream(Self.pickle, storages)
    }

    @Test func `streams whose storages are missing, repeated, unknown or of another length`() throws {
        func fault(_ bytes: [UInt8]) throws -> TorchFault? {
            do {
                _ = try WeightContents(bytes: bytes).elements(in: bytes)
                return nil
            } catch let fault as TorchFault {
                return fault
            }
        }
        let good = stream([("0", 4, fourFloats)])
        #expect(try fault(good) == nil)
        #expect(try fault(good + [0]) == .wrongLength(expected: good.count, found: good.count + 1))
        #expect(try fault(good.dropLast()) == .wrongLength(expected: good.count, found: good.count - 1))
        #expect(try fault(stream([])) == .missingStorage("0"))
        #expect(try fault(stream([("1", 4, fourFloats)])) == .missingStorage("1"))
        #expect(try fault(stream([("0", 4, fourFloats), ("0", 4, fourFloats)])) == .badPreamble)
        #expect(
            try fault(stream([("0", 3, fourFloats.dropLast(4))])) == .wrongStorageLength("0", expected: 16, found: 12))
        for count in [Int64.max, .max / 4, -1, .min] {
            if case .wrongLength = try fault(stream([("0", count, fourFloats)])) {} else { Issue.record("\(count)") }
        }
    }

    @Test func `a stream of another version`() throws {
        var bytes = stream([("0", 4, fourFloats)])
        #expect(bytes[15..<22] == [0x80, 2, 0x4A, 0xE9, 3, 0, 0])
        bytes[18] = 0xEA
        #expect(throws: TorchFault.unknownVersion) { try WeightContents(bytes: bytes) }
        bytes[17] = 0x4E
        #expect(throws: TorchFault.self) { try WeightContents(bytes: bytes) }
    }

    // MARK: Damage

    private static let forms = ["small-zip", "small-stream"]

    @Test(arguments: forms)
    func `every truncation is refused`(_ form: String) throws {
        let bytes = try TorchFixture.bytes(form)
        try withTemporaryFolder { folder throws in
            let path = folder.appending("cut.pth")
            for count in 0..<bytes.count {
                #expect(throws: (any Error).self, "\(count) bytes") {
                    try WeightContents(bytes: Array(bytes[..<count]))
                }
                guard count % 16 == 0 else { continue }
                try DurableFile.write(Array(bytes[..<count]), to: path)
                let error = #expect(throws: WeightFileError.self) { try WeightFile.open(path) }
                #expect(error?.exitCode == 65)
            }
        }
    }

    /// What is read of a damaged file; nil when it is refused, as it should be, with one of the errors of this target.
    private func read(_ bytes: [UInt8]) throws -> [String: [UInt8]]? {
        do {
            return try WeightContents(bytes: bytes).elements(in: bytes)
        } catch is TorchFault {
        } catch is LayoutFault {
        } catch is UnrecognisedFile {
        } catch is SafetensorsFault {
        } catch is NumpyFault {
        }
        return nil
    }

    @Test(arguments: forms)
    func `every damaged byte is refused or gives tensors within the file`(_ form: String) throws {
        let bytes = try TorchFixture.bytes(form)
        let sound = try #require(try read(bytes))
        #expect(sound.count == 2)
        var (refused, changed) = (0, 0)
        for place in bytes.indices {
            for change: UInt8 in [0x01, 0x02, 0x10, 0x80, 0xFF] {
                var damaged = bytes
                damaged[place] ^= change
                if let found = try read(damaged) {
                    if found != sound { changed += 1 }
                } else {
                    refused += 1
                }
            }
        }
        #expect(refused > bytes.count)
        // Checksums show every damage to a zip's data and pickle; all that is left is the names of a stream and its numbers.
        if form == "small-zip" { #expect(changed == 0) } else { #expect(changed > 0) }
    }
}
