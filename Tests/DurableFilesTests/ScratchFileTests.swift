import Dispatch
import DurableFiles
import Glibc
import Synchronization
import SystemPackage
import TemporaryFolders
import Testing

@Suite struct ScratchFileTests {
    private func write(_ bytes: [UInt8], at offset: Int, to file: ScratchFile) throws {
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
    }

    private func read(_ count: Int, at offset: Int, from file: ScratchFile) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0xFF, count: count)
        try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
        return bytes
    }

    @Test func partsAreWrittenAndReadInAnyOrder() throws {
        try withTemporaryFolder { folder in
            let file = try ScratchFile(in: folder, byteCount: 100_000)
            try write([7, 8, 9], at: 99_997, to: file)
            try write([1, 2, 3, 4], at: 10, to: file)
            #expect(try read(6, at: 9, from: file) == [0, 1, 2, 3, 4, 0])
            #expect(try read(4, at: 99_996, from: file) == [0, 7, 8, 9])
            #expect(try read(0, at: 100_000, from: file) == [])
        }
    }

    @Test func itHasNoNameAndLeavesNothingBehind() throws {
        try withTemporaryFolder { folder in
            let file = try ScratchFile(in: folder, byteCount: 10)
            #expect(try DurableDirectory.names(in: folder) == [])
            try write([1], at: 0, to: file)
        }
    }

    @Test func whatLiesBehindItsEndCannotBeRead() throws {
        try withTemporaryFolder { folder in
            let file = try ScratchFile(in: folder, byteCount: 10)
            #expect {
                try read(5, at: 8, from: file)
            } throws: { error in
                guard case .shorter(_, 10, 13) = error as? DurableFileError else { return false }
                return true
            }
        }
    }

    @Test func aMissingFolderIsNamed() throws {
        try withTemporaryFolder { folder in
            let missing = folder.appending("none")
            #expect(throws: DurableFileError.missing(path: missing)) {
                try ScratchFile(in: missing, byteCount: 1)
            }
        }
    }

    /// Closed twice, its descriptor could be the one that another thread has been given in between.
    @Test func aFileThatCannotBeMadeClosesNothingOfOthers() throws {
        try withTemporaryFolder { folder in
            let isDone = Atomic(false)
            let badCloses = Atomic(0)
            let others = DispatchGroup()
            for _ in 0..<2 {
                DispatchQueue.global().async(group: others) {
                    while !isDone.load(ordering: .acquiring) {
                        let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
                        if descriptor >= 0, close(descriptor) != 0 { badCloses.add(1, ordering: .relaxed) }
                    }
                }
            }
            for _ in 0..<5000 {
                #expect(throws: DurableFileError.self) { try ScratchFile(in: folder, byteCount: 1 << 62) }
            }
            isDone.store(true, ordering: .releasing)
            others.wait()
            #expect(badCloses.load(ordering: .relaxed) == 0)
        }
    }

    @Test func aDiskThatIsTooSmallIsFoundOutAtOnce() throws {
        _ = try withSmallDisk(byteCount: 1 << 20) { folder in
            #expect {
                try ScratchFile(in: folder, byteCount: 1 << 22)
            } throws: { error in
                "\(error)".contains("reserve 4194304 bytes") && "\(error)".contains("The disk is full")
            }
        }
    }
}
