import DurableFiles
import Foundation
import SystemPackage

/// Checks of where results will go, before the work whose results they are.
enum OutputFolder {
    /// Checks that a folder can be made at `path`, or is there, and can be written to. Makes nothing.
    /// - Throws: `DurableFileError`.
    static func check(_ path: FilePath) throws {
        var folder = path.isEmpty ? "." : path
        if DurableFile.exists(folder) { throw DurableFileError.notADirectory(path: folder) }
        while !DurableDirectory.exists(folder) {
            if DurableFile.exists(folder) { throw DurableFileError.notADirectory(path: folder) }
            let parent = folder.removingLastComponent()
            folder = parent.isEmpty ? "." : parent
        }
        guard access(folder.string, W_OK) == 0 else {
            throw DurableFileError.failed(operation: "write to", path: folder, code: errno)
        }
    }

    /// Checks that a file can be written at `path`.
    /// - Throws: `DurableFileError`.
    static func checkFile(_ path: FilePath) throws {
        if DurableDirectory.exists(path) { throw DurableFileError.notAFile(path: path) }
        let folder = path.removingLastComponent()
        guard folder.isEmpty || DurableDirectory.exists(folder) else { throw DurableFileError.missing(path: folder) }
        try check(folder)
    }
}
