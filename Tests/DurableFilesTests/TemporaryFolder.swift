import DurableFiles
import Foundation
import SystemPackage

/// Runs `body` with a new empty folder that is removed afterwards.
func withTemporaryFolder<Result>(_ body: (FilePath) throws -> Result) throws -> Result {
    let folder = FilePath(NSTemporaryDirectory()).appending("durable-files-\(UUID().uuidString)")
    try DurableFile.createDirectory(folder)
    defer { try? FileManager.default.removeItem(atPath: folder.string) }
    return try body(folder)
}

/// Runs `body` with a folder on a file system of `byteCount` bytes; nil when this process may not mount one.
func withSmallDisk<Result>(byteCount: Int, _ body: (FilePath) throws -> Result) throws -> Result? {
    try withTemporaryFolder { folder throws in
        guard run("/bin/mount", "-t", "tmpfs", "-o", "size=\(byteCount)", "tmpfs", folder.string) == 0 else {
            return nil
        }
        defer { _ = run("/bin/umount", folder.string) }
        return try body(folder)
    }
}

/// Runs a program quietly and gives its exit code; -1 when it cannot be started.
func run(_ program: String, _ arguments: String...) -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return -1 }
    process.waitUntilExit()
    return process.terminationStatus
}
