import Glibc
public import SystemPackage

/// Files that are written whole or not at all.
///
///     try DurableFile.write(bytes, to: path)             // after this line the bytes survive a power cut
///     try DurableFile.write(to: path) { writer in        // the same for what does not fit into memory
///         for piece in pieces { try writer.write(piece) }
///     }
///
/// A write goes to a temporary name in the same folder, is synced, renamed over `path` (replacing a file or a symbolic
/// link of that name) and the folder is synced. If anything fails the temporary is removed and `path` is as it was; only
/// an error of the last sync can leave the new file in place.
public enum DurableFile {
    /// Writes `bytes` to `path`. Throws `DurableFileError`.
    public static func write(_ bytes: [UInt8], to path: FilePath) throws {
        try write(to: path) { writer in try writer.write(bytes) }
    }

    /// Writes the UTF-8 of `text` to `path`. Throws `DurableFileError`.
    public static func write(_ text: String, to path: FilePath) throws {
        try write(to: path) { writer in try writer.write(text) }
    }

    /// Writes what `body` gives to the writer to `path`. Throws `DurableFileError`, or what `body` throws.
    public static func write(to path: FilePath, _ body: (inout FileWriter) throws -> Void) throws {
        try ClaimedFolders.withTemporary(for: path) { temporary in
            let descriptor = try createFile(temporary, for: path)
            do {
                do {
                    var writer = FileWriter(descriptor: descriptor, path: path)
                    try body(&writer)
                    try writer.flush()
                    try check("sync", path) { fsync(descriptor) }
                } catch {
                    close(descriptor)
                    throw error
                }
                // Network file systems report the failure of earlier writes here; close must not be repeated after EINTR.
                if close(descriptor) != 0, errno != EINTR {
                    throw DurableFileError.failed(operation: "close", path: path, code: errno)
                }
                try rename(temporary, to: path)
            } catch {
                temporary.withPlatformString { _ = unlink($0) }
                throw error
            }
        }
        try synchroniseDirectory(path.containingDirectory)
    }

    /// Appends `bytes` to the file at `path`, which must be there. A kill may leave a part of them, at the end. Throws
    /// `DurableFileError`.
    public static func append(_ bytes: [UInt8], to path: FilePath) throws {
        try ClaimedFolders.withGuardedPath(to: path) { guarded in
            let (descriptor, _) = try openRegularFile(guarded, O_WRONLY | O_APPEND)
            defer { close(descriptor) }
            var writer = FileWriter(descriptor: descriptor, path: path)
            try writer.write(bytes)
            try writer.flush()
        }
    }

    /// Removes the file `path` if it is there.
    public static func remove(_ path: FilePath) throws {
        do {
            try ClaimedFolders.withGuardedPath(to: path) { guarded in
                _ = try check("remove", path) { guarded.withPlatformString { unlink($0) } }
            }
            try synchroniseDirectory(path.containingDirectory)
        } catch DurableFileError.missing(path: path) {}
    }

    /// Creates the folder `path` with the parents it needs, durably; fine if it is there already.
    public static func createDirectory(_ path: FilePath) throws {
        do {
            guard try status(of: path).isDirectory else { throw DurableFileError.notADirectory(path: path) }
            return
        } catch DurableFileError.missing {}
        let parent = path.containingDirectory
        if parent != path { try createDirectory(parent) }
        do {
            try check("create the folder", path) { path.withPlatformString { mkdir($0, 0o777) } }
        } catch DurableFileError.failed(_, _, let code) where code == EEXIST {
            // Another process was quicker; a dangling link of that name shows here too.
            guard (try? status(of: path).isDirectory) == true else { throw DurableFileError.notADirectory(path: path) }
        }
        try synchroniseDirectory(parent)
    }

    static func rename(_ source: FilePath, to destination: FilePath) throws {
        try check("replace", destination) {
            source.withPlatformString { old in destination.withPlatformString { Glibc.rename(old, $0) } }
        }
    }

    private static func createFile(_ temporary: FilePath, for path: FilePath) throws -> Int32 {
        do {
            return try check("create", path) {
                temporary.withPlatformString { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
            }
        } catch DurableFileError.missing {
            // What does not exist is the folder: the file was going to be made.
            throw DurableFileError.missing(path: path.containingDirectory)
        } catch DurableFileError.notADirectory {
            throw DurableFileError.notADirectory(path: path.containingDirectory)
        }
    }
}
