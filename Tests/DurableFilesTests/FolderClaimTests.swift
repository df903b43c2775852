import DurableFiles
import Foundation
import Synchronization
import SystemPackage
import TemporaryFolders
import Testing

/// One process at a time writes into a folder, on file systems with and without locks, and whatever happens to the others.
struct FolderClaimTests {
    /// Signs of life so often that tests need not wait for them.
    private static let timing = FolderClaim.Timing(beat: .milliseconds(50), expiry: .milliseconds(600))
    private static let noLocks: [@Sendable (Int32) -> Int32] = [{ _ in ENOLCK }, { _ in ENOSYS }]
    private static let lockedByAnother: [@Sendable (Int32) -> Int32] = [{ _ in EWOULDBLOCK }]

    private func claim(
        _ folder: FilePath, patience: Duration = .milliseconds(300), locks: [@Sendable (Int32) -> Int32]? = nil
    ) throws -> FolderClaim {
        guard let locks else { return try FolderClaim(folder, patience: patience, timing: Self.timing) }
        return try FolderClaim(folder, patience: patience, timing: Self.timing, lockMethods: locks)
    }

    /// The claim of a process somewhere else, as this one sees it.
    private func makeClaim(_ number: Int, in folder: FilePath, owner: String) throws -> FilePath {
        let path = folder.appending(".infodisent-claim-\(number)")
        try DurableFile.createDirectory(path)
        try DurableFile.write(owner + "\n", to: path.appending("owner"))
        try DurableFile.write("000000000007\n", to: path.appending("beat"))
        return path
    }

    private func names(in folder: FilePath) throws -> [String] { try DurableDirectory.names(in: folder) }

    // MARK: One at a time

    @Test(arguments: [nil, noLocks]) func `a living holder is named, and keeps others out until it ends`(
        locks: [@Sendable (Int32) -> Int32]?
    ) throws {
        try withTemporaryFolder { folder throws in
            let first = try claim(folder, locks: locks)
            let host = ProcessInfo.processInfo.hostName
            do {
                _ = try claim(folder, locks: locks)
                Issue.record("two claims at a time")
            } catch DurableFileError.claimed(let path, let holder) {
                #expect(path == folder.lexicallyNormalized())
                #expect(holder?.hasPrefix("process \(getpid()) on ") == true, "\(holder ?? "nobody") \(host)")
            }
            first.release()
            #expect(try names(in: folder) == [".lock"])
            _ = try claim(folder, locks: locks)
        }
    }

    @Test func `of many that want a folder without locks, one has it at a time`() throws {
        try withTemporaryFolder { folder throws in
            let holders = Atomic(0)
            let most = Atomic(0)
            let turns = Atomic(0)
            DispatchQueue.concurrentPerform(iterations: 6) { _ in
                for _ in 0..<5 {
                    guard let own = try? claim(folder, patience: .seconds(60), locks: Self.noLocks) else { continue }
                    let count = holders.wrappingAdd(1, ordering: .relaxed).newValue
                    most.max(count, ordering: .relaxed)
                    usleep(2000)
                    turns.wrappingAdd(1, ordering: .relaxed)
                    holders.wrappingSubtract(1, ordering: .relaxed)
                    own.release()
                }
            }
            #expect(most.load(ordering: .relaxed) == 1 && turns.load(ordering: .relaxed) == 30)
            #expect(try names(in: folder) == [".lock"])
        }
    }

    @Test func `an error of locking that is about something else is reported as it is`() throws {
        try withTemporaryFolder { folder throws in
            let lock = folder.lexicallyNormalized().appending(".lock")
            #expect(throws: DurableFileError.failed(operation: "lock", path: lock, code: EIO)) {
                try claim(folder, locks: [{ _ in EIO }])
            }
            // One that is only interrupted is tried again, one that is unknown gives way to the next.
            let calls = Atomic(0)
            let interrupted: @Sendable (Int32) -> Int32 = { _ in
                calls.wrappingAdd(1, ordering: .relaxed).newValue < 3 ? EINTR : EOPNOTSUPP
            }
            _ = try claim(folder, locks: [interrupted, { _ in 0 }])
            #expect(calls.load(ordering: .relaxed) == 3)
        }
    }

    @Test func `a lock file that is a link or a pipe is refused and makes nothing`() throws {
        try withTemporaryFolder { folder throws in
            let lock = folder.lexicallyNormalized().appending(".lock")
            let target = folder.appending("target")
            try FileManager.default.createSymbolicLink(atPath: lock.string, withDestinationPath: target.string)
            #expect(throws: DurableFileError.failed(operation: "open", path: lock, code: ELOOP)) { try claim(folder) }
            #expect(!DurableFile.exists(target))
            try FileManager.default.removeItem(atPath: lock.string)
            #expect(mkfifo(lock.string, 0o600) == 0)
            #expect(throws: DurableFileError.notAFile(path: lock)) { try claim(folder) }
        }
    }

    // MARK: Taking over

    @Test func `a dead process's claim is taken over at once, and its half-done work removed`() throws {
        try withTemporaryFolder { folder throws in
            let own = try claim(folder)
            let owner = try #require(
                String(
                    decoding: try DurableFile.read(folder.appending(".infodisent-claim-1/owner")), as: UTF8.self
                ).split(separator: "-").first)
            own.release()
            let dead = try makeClaim(3, in: folder, owner: "\(owner)-4194999-5 h9")
            try DurableFile.write("half", to: dead.appending("half-done"))
            let start = ContinuousClock.now
            let next = try claim(folder, patience: .seconds(60))
            #expect(ContinuousClock.now - start < .seconds(5))
            #expect(try names(in: folder) == [".infodisent-claim-4", ".lock"])
            next.release()
        }
    }

    @Test(arguments: [noLocks, lockedByAnother])
    func `a holder elsewhere that gives no sign of life loses its claim after a while`(
        locks: [@Sendable (Int32) -> Int32]
    ) throws {
        try withTemporaryFolder { folder throws in
            _ = try makeClaim(1, in: folder, owner: "00000000-12-5 h9")
            let start = ContinuousClock.now
            let next = try claim(folder, patience: .zero, locks: locks)
            #expect(ContinuousClock.now - start >= .milliseconds(500), "it gets its time")
            #expect(try names(in: folder) == [".infodisent-claim-2", ".lock"])
            next.release()
        }
    }

    @Test(arguments: [noLocks, lockedByAnother])
    func `a holder elsewhere that gives signs of life keeps its claim`(locks: [@Sendable (Int32) -> Int32]) throws {
        try withTemporaryFolder { folder throws in
            let beat = try makeClaim(1, in: folder, owner: "00000000-12-5 h9").appending("beat")
            let isOver = Atomic(false)
            // Not of a queue, whose threads other tests may keep busy.
            Thread.detachNewThread {
                for count in 0... {
                    if isOver.load(ordering: .relaxed) { return }
                    try? DurableFile.write("\(count)\n", to: beat)
                    usleep(20_000)
                }
            }
            defer { isOver.store(true, ordering: .relaxed) }
            let path = folder.lexicallyNormalized()
            #expect(throws: DurableFileError.claimed(path: path, by: "process 12 on h9")) {
                try claim(folder, patience: .seconds(1), locks: locks)
            }
            #expect(try names(in: folder) == [".infodisent-claim-1", ".lock"])
        }
    }

    @Test func `a holder that says nothing readable is judged by its signs of life alone`() throws {
        try withTemporaryFolder { folder throws in
            let claimed = try makeClaim(1, in: folder, owner: "\u{1B}[2J")
            try FileManager.default.removeItem(atPath: claimed.appending("beat").string)
            #expect(mkfifo(claimed.appending("beat").string, 0o600) == 0)
            try claim(folder, patience: .zero).release()
            #expect(try names(in: folder) == [".lock"])
        }
    }

    // MARK: What the former holder does afterwards

    /// Claims a folder that holds a file and a folder, and lets another process take it over.
    private func withLostClaim(_ body: (FilePath) throws -> Void) throws {
        try withTemporaryFolder { folder throws in
            let folder = folder.lexicallyNormalized()
            let first = try claim(folder)
            try DurableFile.write("old", to: folder.appending("a"))
            try DurableDirectory.write(to: folder.appending("d")) {
                try DurableFile.write("old", to: $0.appending("b"))
            }
            try DurableFile.append(Array(" and new".utf8), to: folder.appending("a"))
            #expect(try DurableFile.read(folder.appending("a")) == Array("old and new".utf8))
            try takeOver(folder)
            #expect(!first.isHeld)
            try body(folder)
            // What is there is what was there, and the other's claim.
            #expect(try DurableFile.read(folder.appending("a")) == Array("old and new".utf8))
            #expect(try names(in: folder.appending("d")) == ["b"])
            #expect(try names(in: folder) == [".infodisent-claim-2", ".lock", "a", "d"])
            first.release()
            #expect(try names(in: folder) == [".infodisent-claim-2", ".lock", "a", "d"])
        }
    }

    private func takeOver(_ folder: FilePath) throws {
        // By hand, since both are in this process.
        let other = folder.appending(".other")
        try FileManager.default.createDirectory(atPath: other.string, withIntermediateDirectories: true)
        try Data("00000000-12-5 h9\n".utf8).write(to: URL(fileURLWithPath: other.appending("owner").string))
        try FileManager.default.moveItem(
            atPath: other.string, toPath: folder.appending(".infodisent-claim-2").string)
        try FileManager.default.removeItem(atPath: folder.appending(".infodisent-claim-1").string)
    }

    @Test func `nothing that a former holder begins has an effect`() throws {
        try withLostClaim { folder in
            let lost = DurableFileError.claimLost(path: folder, to: "process 12 on h9")
            #expect(throws: lost) { try DurableFile.write("new", to: folder.appending("a")) }
            #expect(throws: lost) { try DurableFile.write("new", to: folder.appending("c")) }
            #expect(throws: lost) { try DurableFile.append([1], to: folder.appending("a")) }
            #expect(throws: lost) { try DurableFile.remove(folder.appending("a")) }
            #expect(throws: lost) { try DurableDirectory.remove(folder.appending("d")) }
            #expect(throws: lost) { try DurableFile.write("new", to: folder.appending("d/b")) }
            for name in ["d", "e"] {
                #expect(throws: lost) {
                    try DurableDirectory.write(to: folder.appending(name), replacing: true) { _ in }
                }
            }
            #expect(lost.exitCode == 75 && lost.description.contains("process 12 on h9"))
        }
    }

    @Test func `what a former holder was in the middle of has no effect either`() throws {
        for step in 0..<2 {
            try withTemporaryFolder { folder throws in
                let folder = folder.lexicallyNormalized()
                let first = try claim(folder)
                let lost = DurableFileError.claimLost(path: folder, to: "process 12 on h9")
                try DurableFile.write("old", to: folder.appending("a"))
                #expect(throws: lost) {
                    if step == 0 {
                        try DurableFile.write(to: folder.appending("a")) { writer in
                            try writer.write("new")
                            try takeOver(folder)
                        }
                    } else {
                        try DurableDirectory.write(to: folder.appending("d")) { staging in
                            try DurableFile.write("new", to: staging.appending("b"))
                            try takeOver(folder)
                        }
                    }
                }
                #expect(try DurableFile.read(folder.appending("a")) == Array("old".utf8))
                #expect(try names(in: folder) == [".infodisent-claim-2", ".lock", "a"])
                first.release()
            }
        }
    }

    @Test func `a folder behind a link to another file system is written to all the same`() throws {
        try withTemporaryFolder { folder throws in
            let elsewhere = FilePath("/dev/shm/infodisent-tests-\(UUID().uuidString)")
            guard (try? DurableFile.createDirectory(elsewhere)) != nil else { return }
            defer { try? FileManager.default.removeItem(atPath: elsewhere.string) }
            try FileManager.default.createSymbolicLink(
                atPath: folder.appending("d").string, withDestinationPath: elsewhere.string)
            let own = try claim(folder)
            try DurableFile.write("x", to: folder.appending("d/a"))
            try DurableDirectory.write(to: folder.appending("d/e"), replacing: true) { _ in }
            #expect(try names(in: elsewhere) == ["a", "e"])
            own.release()
        }
    }
}
