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

/// Makes the content of the file at `path` durable.
func synchroniseFile(_ path: FilePath) throws {
    let descriptor = try check("open", path) { path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC) } }
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
