import DurableFiles
import Foundation
import SystemPackage
import Testing

struct DurableFileTests {
    @Test func `what was written is read back`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("a")
            for count in [0, 1, 4095, 4096, 300_000, 3_000_001] {
                let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                try DurableFile.write(bytes, to: path)
                #expect(try DurableFile.read(path) == bytes)
                #expect(try DurableFile.byteCount(of: path) == count)
            }
            #expect(try DurableDirectory.names(in: folder) == ["a"])
        }
    }

    @Test func `a streamed file is its pieces in order`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("a")
            var expected: [UInt8] = []
            try DurableFile.write(to: path) { writer in
                for size in [1, 0, 70_000, 262_144, 3, 600_000, 12] {
                    let piece = (0..<size).map { UInt8(truncatingIfNeeded: $0 ^ size) }
                    expected += piece
                    try writer.write(piece)
                    #expect(writer.byteCount == expected.count)
                }
            }
            #expect(try DurableFile.read(path) == expected)
        }
    }

    @Test func `an error while writing leaves the old file and no temporary`() throws {
        struct Stop: Error {}
        try withTemporaryFolder { folder throws in
            let path = folder.appending("a")
            try DurableFile.write("old", to: path)
            #expect(throws: Stop.self) {
                try DurableFile.write(to: path) { writer in
                    try writer.write("new")
                    throw Stop()
                }
            }
            #expect(try DurableFile.read(path) == Array("old".utf8))
            #expect(try DurableDirectory.names(in: folder) == ["a"])
        }
    }

    @Test func `missing files, missing folders and folders in place of files are told apart`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("none")
            #expect(throws: DurableFileError.missing(path: path)) { try DurableFile.read(path) }
            #expect(throws: DurableFileError.missing(path: path)) { try MappedFile(path) }
            #expect(throws: DurableFileError.missing(path: path)) { try DurableFile.write("", to: path.appending("x")) }
            #expect(throws: DurableFileError.notAFile(path: folder)) { try DurableFile.read(folder) }
            #expect(throws: DurableFileError.notAFile(path: folder)) { try MappedFile(folder) }
            try DurableFile.write("", to: path)
            #expect(throws: DurableFileError.notADirectory(path: path)) {
                try DurableFile.write("", to: path.appending("x"))
            }
            #expect(throws: DurableFileError.notADirectory(path: path)) { try DurableFile.createDirectory(path) }
            #expect(throws: DurableFileError.notADirectory(path: path)) { try DurableDirectory.names(in: path) }
            #expect(DurableFileError.missing(path: path).exitCode == 66)
        }
    }

    @Test func `a folder is created with its parents, and again`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("a/b/c")
            try DurableFile.createDirectory(path)
            try DurableFile.createDirectory(path)
            #expect(DurableDirectory.exists(path))
        }
    }

    @Test func `a full disk is said so, and the old file stays`() throws {
        let outcome: Void? = try withSmallDisk(byteCount: 65536) { folder throws in
            let path = folder.appending("a")
            try DurableFile.write("old", to: path)
            let error = #expect(throws: DurableFileError.self) {
                try DurableFile.write([UInt8](repeating: 1, count: 1_000_000), to: path)
            }
            #expect(error == .failed(operation: "write", path: path, code: ENOSPC))
            #expect(error?.description.contains("The disk is full: free some space") == true)
            #expect(error?.exitCode == 74)
            #expect(try DurableFile.read(path) == Array("old".utf8))
            #expect(try DurableDirectory.names(in: folder) == ["a"])
            #expect(throws: DurableFileError.self) {
                try DurableDirectory.write(to: folder.appending("d")) { staging in
                    try DurableFile.write([UInt8](repeating: 1, count: 1_000_000), to: staging.appending("x"))
                }
            }
            #expect(try DurableDirectory.names(in: folder) == ["a"])
        }
        if outcome == nil { print("skipped: mounting a small disk needs root") }
    }
}
