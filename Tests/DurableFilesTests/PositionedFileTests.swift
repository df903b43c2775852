import DurableFiles
import Foundation
import SystemPackage
import TemporaryFolders
import Testing

struct PositionedFileTests {
    @Test func `bytes are read from any place`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("file")
            let bytes = (0..<10_000).map { UInt8($0 % 251) }
            try DurableFile.write(bytes, to: path)
            let file = try PositionedFile(path)
            #expect(file.version.byteCount == 10_000)
            for (start, count) in [(0, 10_000), (9_999, 1), (10_000, 0), (3, 4_097)] {
                #expect(try file.read(from: start, byteCount: count) == Array(bytes[start..<start + count]))
            }
            #expect(throws: DurableFileError.shorter(path: path, byteCount: 10_000, expected: 10_001)) {
                try file.read(from: 9_000, byteCount: 1_001)
            }
        }
    }

    /// On a disk, and in /dev/shm, whose file system may know no direct reads.
    @Test(arguments: [true, false]) func `reads past the system's memory give the same bytes`(onDisk: Bool) throws {
        try withTemporaryFolder { folder throws in
            let path = onDisk ? folder.appending("file") : FilePath("/dev/shm/\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(atPath: path.string) }
            let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
            try DurableFile.write(bytes, to: path)
            let file = try PositionedFile(path, bypassesCache: true)
            let places = [
                (0, 100_000), (0, 0), (1, 4095), (4096, 4096), (4095, 2), (99_999, 1), (98_304, 1_696), (5, 65_536),
            ]
            let room = BlockRoom(byteCount: 100_000)
            defer { room.deallocate() }
            for (start, count) in places {
                #expect(try file.read(from: start, byteCount: count) == Array(bytes[start..<start + count]))
                let exact = BlockRoom(byteCount: count)
                defer { exact.deallocate() }
                for room in [room, exact] {
                    #expect(
                        try Array(file.read(count, from: start, within: room)) == Array(bytes[start..<start + count]))
                }
            }
            DispatchQueue.concurrentPerform(iterations: 64) { index in
                let start = index * 1_500
                let found = try? file.read(from: start, byteCount: 3_000)
                #expect(found == Array(bytes[start..<start + 3_000]))
            }
            #expect(throws: DurableFileError.shorter(path: path, byteCount: 100_000, expected: 100_002)) {
                try file.read(from: 99_990, byteCount: 12)
            }
            #expect(throws: DurableFileError.shorter(path: path, byteCount: 100_000, expected: 100_002)) {
                try file.read(12, from: 99_990, within: room)
            }
            // After such a read too.
            #expect(try Array(file.read(9, from: 70_000, within: room)) == Array(bytes[70_000..<70_009]))
            #expect(try file.read(from: 70_000, byteCount: 9) == Array(bytes[70_000..<70_009]))
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path.string))
            try handle.truncate(atOffset: 5_000)
            let second = try PositionedFile(path, bypassesCache: true)
            #expect(throws: DurableFileError.shorter(path: path, byteCount: 5_000, expected: 9_000)) {
                try second.read(from: 4_000, byteCount: 5_000)
            }
            #expect(try second.read(from: 4_999, byteCount: 1) == [bytes[4_999]])
        }
    }

    /// On a disk, and in /dev/shm, whose file system may know no direct reads.
    @Test(arguments: [true, false]) func `many places read at a time have the bytes of the file`(onDisk: Bool) throws {
        try withTemporaryFolder { folder throws in
            let path = onDisk ? folder.appending("file") : FilePath("/dev/shm/\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(atPath: path.string) }
            let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
            try DurableFile.write(bytes, to: path)
            let file = try PositionedFile(path, bypassesCache: true)
            let usual = try PositionedFile(path)
            let reads = try #require(DirectReads(limit: 8))
            let rooms = BlockRooms(count: 8, byteCount: 5_000)
            for round in 0..<10 {
                // One behind the end of the file, and one of a file that is read as usual.
                let places = (0..<6).map { round * 29_000 + $0 * 4_700 } + [299_000, 1]
                let requests = try places.enumerated().map { number, place in
                    let room = try #require(rooms.take())
                    return (room, DirectReads.Request(5_000, from: place, of: number < 7 ? file : usual, within: room))
                }
                #expect(rooms.take() == nil)
                var wasCalled = false
                let found = reads.read(requests.map(\.1)) { wasCalled = true }
                #expect(wasCalled && found.count == 8)
                for (place, bytesFound) in zip(places, found) {
                    guard let bytesFound else { continue }
                    #expect(Array(bytesFound) == Array(bytes[place..<place + 5_000]))
                }
                if onDisk && file.bypassesCache { #expect(found.prefix(6).allSatisfy { $0 != nil }) }
                #expect(found[6] == nil && found[7] == nil)
                for (room, _) in requests { rooms.giveBack(room) }
            }
            #expect(reads.read([]) {}.isEmpty)
            #expect(DirectReads(limit: 0) == nil)
        }
    }

    @Test(arguments: [(0, 10), (1, 0), (3, 1), (7, 4_096), (2, 3_000_000), (700, 9_000)])
    func `rooms lie apart, and are as good as new after they were cleared`(count: Int, byteCount: Int) throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("file")
            let bytes = (0..<byteCount + count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
            try DurableFile.write(bytes, to: path)
            let file = try PositionedFile(path, bypassesCache: true)
            let rooms = BlockRooms(count: count, byteCount: byteCount)
            for _ in 0..<2 {
                let taken = (0..<count).compactMap { _ in rooms.take() }
                #expect(taken.count == count && rooms.take() == nil)
                let found = try taken.enumerated().map { try file.read(byteCount, from: $0, within: $1) }
                for (start, found) in found.enumerated() {
                    #expect(found.elementsEqual(bytes[start..<start + byteCount]))
                }
                for room in taken { rooms.giveBack(room) }
                rooms.clear()
            }
        }
    }

    @Test func `what is no file, or not there, is an error`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("nothing")
            #expect(throws: DurableFileError.missing(path: path)) { try PositionedFile(path) }
            #expect(throws: DurableFileError.notAFile(path: folder)) { try PositionedFile(folder) }
            #expect(mkfifo(path.string, 0o600) == 0)
            #expect(throws: DurableFileError.notAFile(path: path)) { try PositionedFile(path) }
        }
    }

    @Test func `its version changes with every write, and not by reading`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("file")
            try DurableFile.write("content", to: path)
            let file = try PositionedFile(path)
            _ = try file.read(from: 0, byteCount: 7)
            #expect(try file.currentVersion() == file.version)
            #expect(!file.version.isSettled, "it was written a moment ago")
            usleep(20_000)
            // In place, of the same length.
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path.string))
            try handle.write(contentsOf: Data("CONTENT".utf8))
            let second = try file.currentVersion()
            #expect(second != file.version && second.byteCount == 7)
            #expect(try file.read(from: 0, byteCount: 7) == Array("CONTENT".utf8))
            usleep(20_000)
            try handle.truncate(atOffset: 3)
            #expect(try file.currentVersion().byteCount == 3)
            #expect(throws: DurableFileError.self) { try file.read(from: 0, byteCount: 7) }
            // Another file of that name: this one is still the old one, and says that something has happened.
            let third = try file.currentVersion()
            usleep(20_000)
            try DurableFile.write("another", to: path)
            #expect(try file.currentVersion() != third)
            #expect(try file.read(from: 0, byteCount: 3) == Array("CON".utf8))
        }
    }

    @Test func `of several that create a file one succeeds`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("file")
            let winners = Winners()
            DispatchQueue.concurrentPerform(iterations: 16) { number in
                do {
                    try DurableFile.create(path) { try $0.write("writer \(number)") }
                    winners.add("writer \(number)")
                } catch DurableFileError.alreadyExists(path) {
                } catch {
                    winners.add("\(error)")
                }
            }
            #expect(winners.names.count == 1)
            #expect(try DurableFile.read(path) == Array(winners.names[0].utf8))
            #expect(try DurableDirectory.names(in: folder) == ["file"])
        }
    }
}

private final class Winners: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var names: [String] = []
    func add(_ name: String) { lock.withLock { names.append(name) } }
}
