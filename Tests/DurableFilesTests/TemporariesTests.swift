import DurableFiles
import Foundation
import SystemPackage
import Testing

struct TemporariesTests {
    /// The temporary's name while `body` runs, as another process would see it.
    private func nameOfTemporary(in folder: FilePath) throws -> String {
        var name = ""
        try DurableFile.write(to: folder.appending("a")) { _ in
            name = try #require(try DurableDirectory.names(in: folder).first)
            #expect(try DurableFile.removeStaleTemporaries(in: folder).isEmpty, "the writer is alive")
        }
        return name
    }

    @Test func `a temporary is kept while its writer lives and removed when it is dead`() throws {
        try withTemporaryFolder { folder throws in
            let parts = try nameOfTemporary(in: folder).split(separator: "-").map(String.init)
            #expect(parts.prefix(2) == [".infodisent", "tmp"])
            let (machine, process, start) = (parts[2], parts[3], parts[4])
            let alive = ".infodisent-tmp-\(machine)-\(process)-\(start)-77"
            let recycled = ".infodisent-tmp-\(machine)-\(process)-\(UInt64(start)! + 1)-77"
            let dead = ".infodisent-tmp-\(machine)-4194999-5-0"
            for name in [alive, recycled, dead] { try DurableFile.write("", to: folder.appending(name)) }
            let removed = try DurableFile.removeStaleTemporaries(in: folder)
            #expect(Set(removed) == [folder.appending(recycled), folder.appending(dead)])
            #expect(try DurableDirectory.names(in: folder) == [alive, "a"])
        }
    }

    @Test func `another machine's temporary is removed only when it is old`() throws {
        try withTemporaryFolder { folder throws in
            let fresh = folder.appending(".infodisent-tmp-00000000-12-5-0")
            let old = folder.appending(".infodisent-tmp-00000000-12-5-1")
            for path in [fresh, old] { try DurableFile.write("", to: path) }
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -7200)], ofItemAtPath: old.string)
            #expect(try DurableFile.removeStaleTemporaries(in: folder) == [old])
        }
    }

    @Test func `folders of dead writers go with all in them, links are not followed`() throws {
        try withTemporaryFolder { folder throws in
            let precious = folder.appending("precious")
            try DurableFile.write("x", to: precious)
            let staging = folder.appending(".infodisent-tmp-00000000-1-1-1")
            try DurableFile.createDirectory(staging.appending("a/b"))
            try DurableFile.write("x", to: staging.appending("a/b/c"))
            try FileManager.default.createSymbolicLink(
                atPath: staging.appending("link").string, withDestinationPath: folder.string)
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -7200)], ofItemAtPath: staging.string)
            #expect(try DurableFile.removeStaleTemporaries(in: folder) == [staging])
            #expect(try DurableDirectory.names(in: folder) == ["precious"])
        }
    }

    @Test func `names that only look alike are left alone`() throws {
        try withTemporaryFolder { folder throws in
            let names = [
                ".infodisent-tmp-", ".infodisent-tmp-a-b-c-d", ".infodisent-tmp-a-1-2", "infodisent-tmp-a-1-2-3",
            ]
            for name in names { try DurableFile.write("", to: folder.appending(name)) }
            #expect(try DurableFile.removeStaleTemporaries(in: folder).isEmpty)
            #expect(try DurableFile.removeStaleTemporaries(in: folder.appending("none")).isEmpty)
        }
    }

    @Test func `a writer killed in the middle leaves nothing under the real name, and its temporary is cleared`() throws
    {
        try withTemporaryFolder { folder throws in
            // The child of this test is a fork of the shell: it makes the name a dead process would have left.
            let parts = try nameOfTemporary(in: folder).split(separator: "-").map(String.init)
            let script =
                "start=$(cut -d' ' -f22 /proc/$$/stat); : > \(folder.string)/.infodisent-tmp-\(parts[2])-$$-$start-0; kill -9 $$"
            #expect(run("/bin/sh", "-c", script) == 9)
            #expect(try DurableDirectory.names(in: folder).count == 2)
            #expect(try DurableFile.removeStaleTemporaries(in: folder).count == 1)
            #expect(try DurableDirectory.names(in: folder) == ["a"])
        }
    }
}
