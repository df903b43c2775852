import Glibc
public import SystemPackage

/// A file that is open for reading here and there, from any number of threads.
///
/// Unlike a `MappedFile` it may be cut short or overwritten while it is open: reading then is an error or gives the new bytes,
/// and `currentVersion()` says that something has happened.
public final class PositionedFile: Sendable {
    public let path: FilePath
    /// What the file was when it was opened.
    public let version: FileVersion
    private let descriptor: Int32

    /// Opens the file at `path`. Throws `DurableFileError`.
    public init(_ path: FilePath) throws {
        self.path = path
        // Opening a pipe of that name must not wait for somebody who writes into it.
        let descriptor = try check("open", path) {
            path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        }
        do {
            var status = stat()
            try check("look at", path) { fstat(descriptor, &status) }
            guard status.isRegularFile else { throw DurableFileError.notAFile(path: path) }
            version = FileVersion(status)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        // What is asked for is read, and nothing beside it. A hint: no failure of it matters.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM)
    }

    deinit { close(descriptor) }

    /// Fills `buffer` with the bytes from `offset` on. Throws `DurableFileError`, `.shorter` if the file ends before.
    public func read(into buffer: UnsafeMutableRawBufferPointer, from offset: Int) throws {
        precondition(offset >= 0, "byte \(offset) is no part of a file")
        var filled = 0
        while filled < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = try check("read", path) {
                pread(descriptor, rest.baseAddress, rest.count, off_t(offset + filled))
            }
            guard count > 0 else {
                throw DurableFileError.shorter(
                    path: path, byteCount: offset + filled, expected: offset + buffer.count)
            }
            filled += count
        }
    }

    /// The `byteCount` bytes from `offset` on. Throws as `read(into:from:)`.
    public func read(from offset: Int, byteCount: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            try read(into: UnsafeMutableRawBufferPointer(buffer), from: offset)
            count = byteCount
        }
    }

    /// What the file is now: of the open file, not of the one that may have its name by now. Throws `DurableFileError`.
    public func currentVersion() throws -> FileVersion {
        var status = stat()
        try check("look at", path) { fstat(descriptor, &status) }
        return FileVersion(status)
    }
}
