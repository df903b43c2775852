import Glibc
public import SystemPackage

/// A file without a name, for what this process has to keep and has no memory for: gone when the process ends, however it
/// ends.
///
/// Parts of it may be read and written from several threads at once, as long as nobody writes what another reads or writes.
public final class ScratchFile: Sendable {
    /// The name it had for a moment; errors speak of it.
    private let path: FilePath
    private let descriptor: Int32

    /// Makes a file of `byteCount` zeros in `directory`, which must be there. The disk's room is taken at once, so that a full
    /// one is found out before any work is done.
    /// - Throws: `DurableFileError`.
    public init(in directory: FilePath, byteCount: Int) throws {
        precondition(byteCount >= 0, "a file of \(byteCount) bytes")
        let path = directory.appending(TemporaryName.make().text)
        self.path = path
        do {
            descriptor = try check("create", path) {
                path.withPlatformString { open($0, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
            }
        } catch DurableFileError.missing {
            throw DurableFileError.missing(path: directory)
        }
        path.withPlatformString { _ = unlink($0) }
        // If this fails, the file is closed as any other: all of it is initialised.
        try reserve(byteCount)
    }

    deinit { close(descriptor) }

    private func reserve(_ byteCount: Int) throws {
        guard byteCount > 0 else { return }
        // It gives its errno as a result.
        var code = posix_fallocate(descriptor, 0, byteCount)
        while code == EINTR { code = posix_fallocate(descriptor, 0, byteCount) }
        switch code {
        case 0: return
        case EINVAL, EOPNOTSUPP: try check("extend", path) { ftruncate(descriptor, byteCount) }
        default: throw DurableFileError.failed(operation: "reserve \(byteCount) bytes for", path: path, code: code)
        }
    }

    /// Writes `bytes` at `offset`. Throws `DurableFileError.failed`.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            done += try check("write", path) {
                pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, offset + done)
            }
        }
    }

    /// Fills `bytes` with what stands at `offset`. Throws `DurableFileError.failed`, or `.shorter` where the file ends before.
    public func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let count = try check("read", path) {
                pread(descriptor, bytes.baseAddress! + done, bytes.count - done, offset + done)
            }
            guard count > 0 else {
                throw DurableFileError.shorter(
                    path: path, byteCount: offset + done, expected: offset + bytes.count)
            }
            done += count
        }
    }
}
