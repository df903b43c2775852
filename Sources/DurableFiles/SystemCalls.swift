import Glibc
import SystemPackage

/// Calls `body` until it is not interrupted by a signal; a result of -1 becomes the error of `operation` on `path`.
@discardableResult
func check<Result: SignedInteger>(
    _ operation: String, _ path: FilePath, _ body: () -> Result
) throws -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        switch errno {
        case EINTR: continue
        case ENOENT: throw DurableFileError.missing(path: path)
        case ENOTDIR: throw DurableFileError.notADirectory(path: path)
        case EISDIR: throw DurableFileError.notAFile(path: path)
        case let code: throw DurableFileError.failed(operation: operation, path: path, code: code)
        }
    }
}

/// What `path` is, without following a symbolic link at its end when `followingLinks` is false.
func status(of path: FilePath, followingLinks: Bool = true) throws -> stat {
    var result = stat()
    try check("look at", path) {
        path.withPlatformString { followingLinks ? stat($0, &result) : lstat($0, &result) }
    }
    return result
}

extension stat {
    var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
    var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
}

/// Makes the names in `directory` durable.
func synchroniseDirectory(_ directory: FilePath) throws {
    let descriptor = try check("open", directory) {
        directory.withPlatformString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    }
    defer { close(descriptor) }
    do {
        try check("sync", directory) { fsync(descriptor) }
    } catch DurableFileError.failed(_, _, let code) where code == EINVAL || code == ENOTSUP {
        // Some network file systems know no fsync of a folder: their rename is durable when it returns.
    }
}

/// Opens the regular file at `path` for reading; the caller closes it.
func openForReading(_ path: FilePath) throws -> (descriptor: Int32, status: stat) {
    try openRegularFile(path, O_RDONLY)
}

/// Opens the regular file at `path` as `flags` say; the caller closes it.
///
/// Something else of that name is an error. To open a pipe would wait, perhaps for ever, for a process at its other end,
/// and looking first would not help against what gets the name in between: so the file is opened without waiting, which
/// makes no difference to a regular file, and looked at afterwards.
func openRegularFile(_ path: FilePath, _ flags: Int32) throws -> (descriptor: Int32, status: stat) {
    var descriptor: Int32 = -1
    do {
        descriptor = try check("open", path) {
            path.withPlatformString { open($0, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0o666) }
        }
    } catch DurableFileError.failed(_, _, let code) where code == ENXIO {
        // A pipe without a reader, or a socket.
        throw DurableFileError.notAFile(path: path)
    } catch DurableFileError.failed(_, _, let code) where code == EAGAIN {
        // Only a regular file has leases (a file server's), which are given up while one waits.
        descriptor = try check("open", path) { path.withPlatformString { open($0, flags | O_CLOEXEC, 0o666) } }
    }
    do {
        var status = stat()
        try check("look at", path) { fstat(descriptor, &status) }
        guard status.isRegularFile else { throw DurableFileError.notAFile(path: path) }
        return (descriptor, status)
    } catch {
        close(descriptor)
        throw error
    }
}

/// Makes the content of the file at `path` durable.
func synchroniseFile(_ path: FilePath) throws {
    let (descriptor, _) = try openForReading(path)
    defer { close(descriptor) }
    try check("sync", path) { fsync(descriptor) }
}

extension FilePath {
    /// The folder that holds the last component; "." for a bare name.
    var containingDirectory: FilePath {
        let parent = removingLastComponent()
        return parent.isEmpty ? FilePath(".") : parent
    }
}
