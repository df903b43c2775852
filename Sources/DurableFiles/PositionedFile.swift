import Glibc
import Synchronization
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
    /// Whether reads go past the system's memory.
    private let isDirect: Atomic<Bool>

    /// O_DIRECT of Linux on x86-64, which Swift does not show.
    private static let directFlag: Int32 = 0o40000
    /// Direct reads begin and end at multiples of this, which is enough for any disk.
    private static let directAlignment = 4096

    /// Opens the file at `path`. Throws `DurableFileError`.
    ///
    /// - Parameter bypassesCache: whether what is read goes past the memory that the system keeps files in, so that it takes no room
    ///   there and no time to make room. A wish: where the file system does not know that, reads are as usual.
    public init(_ path: FilePath, bypassesCache: Bool = false) throws {
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
        isDirect = Atomic(bypassesCache && fcntl(descriptor, F_SETFL, Self.directFlag) == 0)
        // What is asked for is read, and nothing beside it. A hint: no failure of it matters.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM)
    }

    deinit { close(descriptor) }

    /// Fills `buffer` with the bytes from `offset` on. Throws `DurableFileError`, `.shorter` if the file ends before.
    public func read(into buffer: UnsafeMutableRawBufferPointer, from offset: Int) throws {
        precondition(offset >= 0, "byte \(offset) is no part of a file")
        if isDirect.load(ordering: .relaxed), try readDirectly(into: buffer, from: offset) { return }
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

    /// Reads whole blocks around the bytes that are asked for, past the system's memory.
    ///
    /// - Returns: false if the file system cannot do that after all, or gave less than was asked for, as of a file that has been cut
    ///   short: the rest may begin anywhere, which direct reads may not. From then on reads are as usual.
    private func readDirectly(into buffer: UnsafeMutableRawBufferPointer, from offset: Int) throws -> Bool {
        guard buffer.count > 0 else { return true }
        let mask = Self.directAlignment - 1
        let start = offset & ~mask
        let length = (offset + buffer.count + mask) & ~mask - start
        let blocks = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: Self.directAlignment)
        defer { blocks.deallocate() }
        let wanted = offset - start..<offset - start + buffer.count
        do {
            let count = try check("read", path) { pread(descriptor, blocks.baseAddress, length, off_t(start)) }
            if count >= wanted.upperBound {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: blocks[wanted]))
                return true
            }
        } catch DurableFileError.failed(_, _, EINVAL) {}
        isDirect.store(false, ordering: .relaxed)
        _ = fcntl(descriptor, F_SETFL, 0)
        return false
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
