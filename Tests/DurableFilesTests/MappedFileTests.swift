import DurableFiles
import SystemPackage
import Testing

struct MappedFileTests {
    @Test func `a map shows the file's bytes`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("a")
            let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try DurableFile.write(bytes, to: path)
            let file = try MappedFile(path)
            file.advise(.random)
            file.advise(.finished, range: 5000..<6000)
            #expect(file.byteCount == 10_000)
            #expect(file.withBytes { Array($0) } == bytes)
            try DurableFile.write("other", to: path)
            #expect(file.withBytes { Array($0) } == bytes, "replacing the file leaves the map as it was")
        }
    }

    @Test func `an empty file maps to no bytes`() throws {
        try withTemporaryFolder { folder throws in
            try DurableFile.write("", to: folder.appending("a"))
            let file = try MappedFile(folder.appending("a"))
            file.advise(.soon)
            #expect(file.byteCount == 0)
            #expect(file.withBytes { $0.count } == 0)
        }
    }
}
