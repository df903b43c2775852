import DurableFiles
import Foundation
import SystemPackage
import TemporaryFolders
import Testing

/// A pipe where a file should be would make a reader wait for a writer for ever.
@Suite(.timeLimit(.minutes(1))) struct PipesTests {
    @Test func `a pipe in the place of a file is an error and no wait`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("pipe")
            try #require(mkfifo(path.string, 0o600) == 0)
            let isNoFile = DurableFileError.notAFile(path: path)
            #expect(throws: isNoFile) { try DurableFile.read(path) }
            #expect(throws: isNoFile) { try DurableFile.read(path, from: 0, byteCount: 1) }
            #expect(throws: isNoFile) { try DurableFile.byteCount(of: path) }
            #expect(throws: isNoFile) { try DurableFile.append([1], to: path) }
            #expect(throws: isNoFile) { try MappedFile(path) }
            #expect(throws: isNoFile) { try ContentDigest.ofFile(path) }
            #expect(!DurableFile.exists(path))
            // Replacing it is no matter.
            try DurableFile.write("x", to: path)
            #expect(try DurableFile.read(path) == Array("x".utf8))
        }
    }

    @Test func `so is a socket`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("socket")
            let code = TemporaryFolders.run(
                "/usr/bin/env", "python3", "-c",
                "import socket, os; os.chdir('\(folder)'); socket.socket(socket.AF_UNIX).bind('socket')")
            guard code == 0 else { return }
            #expect(throws: DurableFileError.notAFile(path: path)) { try DurableFile.read(path) }
        }
    }
}
