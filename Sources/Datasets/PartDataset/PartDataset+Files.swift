import Foundation
import SystemPackage

extension PartDataset {
    static func requireAbsentOrEmpty(_ directory: FilePath) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: directory.string, isDirectory: &isDirectory) else { return }
        guard isDirectory.boolValue else { throw PartDatasetError.notADirectory(directory) }
        let content = try naming(directory) { try FileManager.default.contentsOfDirectory(atPath: directory.string) }
        guard content.isEmpty else { throw PartDatasetError.outputNotEmpty(directory) }
    }

    /// Has `body` fill a folder beside `directory`, which then takes its place; on an error nothing stays behind.
    static func writeStaged(_ directory: FilePath, _ body: (FilePath) throws -> Void) throws {
        let parent = directory.removingLastComponent()
        let name = directory.lastComponent?.string ?? "parts"
        let staging = parent.appending(".\(name).partial-\(ProcessInfo.processInfo.processIdentifier)")
        try? FileManager.default.removeItem(atPath: staging.string)
        try createDirectory(staging)
        do {
            try body(staging)
            // rename() replaces an empty directory; anything else that appeared meanwhile makes it fail.
            guard rename(staging.string, directory.string) == 0 else {
                throw PartDatasetError.writeFailed(directory, reason: String(cString: strerror(errno)))
            }
        } catch {
            try? FileManager.default.removeItem(atPath: staging.string)
            throw error
        }
    }

    static func createDirectory(_ path: FilePath) throws {
        try naming(path) {
            try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
        }
    }

    static func write(_ data: Data, to path: FilePath) throws {
        try naming(path) { try data.write(to: URL(fileURLWithPath: path.string)) }
    }

    private static func naming<Result>(_ path: FilePath, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            throw PartDatasetError.writeFailed(path, reason: error.localizedDescription)
        }
    }
}
