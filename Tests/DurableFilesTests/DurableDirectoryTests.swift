import DurableFiles
import SystemPackage
import Testing

struct DurableDirectoryTests {
    @Test func `a folder appears whole`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("d")
            try DurableDirectory.write(to: path) { staging in
                #expect(!DurableDirectory.exists(path))
                try DurableFile.write("1", to: staging.appending("one"))
                try DurableFile.createDirectory(staging.appending("more"))
                try DurableFile.write("2", to: staging.appending("more/two"))
            }
            #expect(try DurableDirectory.names(in: path) == ["more", "one"])
            #expect(try DurableDirectory.names(in: folder) == ["d"])
        }
    }

    @Test func `an error leaves nothing`() throws {
        struct Stop: Error {}
        try withTemporaryFolder { folder throws in
            #expect(throws: Stop.self) {
                try DurableDirectory.write(to: folder.appending("d")) { staging in
                    try DurableFile.write("1", to: staging.appending("one"))
                    throw Stop()
                }
            }
            #expect(try DurableDirectory.names(in: folder).isEmpty)
        }
    }

    @Test func `a folder that is there is replaced only when asked`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("d")
            func write(_ name: String, replacing: Bool) throws {
                try DurableDirectory.write(to: path, replacing: replacing) {
                    try DurableFile.write("", to: $0.appending(name))
                }
            }
            try write("one", replacing: false)
            #expect(throws: DurableFileError.alreadyExists(path: path)) { try write("two", replacing: false) }
            #expect(try DurableDirectory.names(in: path) == ["one"])
            try write("two", replacing: true)
            #expect(try DurableDirectory.names(in: path) == ["two"])
            #expect(try DurableDirectory.names(in: folder) == ["d"])
            try DurableDirectory.remove(path)
            #expect(try DurableDirectory.names(in: folder).isEmpty)
        }
    }

    @Test func `names are sorted by their bytes`() throws {
        try withTemporaryFolder { folder throws in
            for name in ["b", "a", "B", "é", "z", ".h"] { try DurableFile.write("", to: folder.appending(name)) }
            #expect(try DurableDirectory.names(in: folder) == [".h", "B", "a", "b", "z", "é"])
        }
    }
}
