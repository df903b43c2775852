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
    let descriptor: Int32
    /// Whether reads go past the system's memory.
    private let isDirect: Atomic<Bool>

    /// Whether reads go past the memory that the system keeps files in.
    public var bypassesCache: Bool { isDirect.load(ordering: .acquiring) }

    /// O_DIRECT of Linux on x86-64, which Swift does not show.
    private static let directFlag: Int32 = 0o40000

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
        if bypassesCache, buffer.count > 0 {
            let room = BlockRoom(byteCount: buffer.count)
            defer { room.deallocate() }
            if let found = try readDirectly(buffer.count, from: offset, within: room) {
                return buffer.copyMemory(from: found)
            }
        }
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

    /// Reads the `byteCount` bytes from `offset` on into `room`, where in it costs least: what is read past the system's memory is
    /// not copied once more.
    ///
    /// - Returns: the bytes, a part of `room`. Throws as `read(into:from:)`.
    public func read(_ byteCount: Int, from offset: Int, within room: BlockRoom) throws -> UnsafeRawBufferPointer {
        precondition(offset >= 0, "byte \(offset) is no part of a file")
        precondition(byteCount <= room.byteCount, "\(byteCount) bytes in room for \(room.byteCount)")
        if bypassesCache, let found = try readDirectly(byteCount, from: offset, within: room) {
            return found
        }
        let start = UnsafeMutableRawBufferPointer(rebasing: room.memory[..<byteCount])
        try read(into: start, from: offset)
        return UnsafeRawBufferPointer(start)
    }

    /// Reads whole blocks around the bytes that are asked for, past the system's memory.
    ///
    /// - Returns: nil if the file system cannot do that after all, or gave less than was asked for, as of a file that has been cut
    ///   short: the rest may begin anywhere, which direct reads may not. From then on reads are as usual.
    private func readDirectly(
        _ byteCount: Int, from offset: Int, within room: BlockRoom
    ) throws -> UnsafeRawBufferPointer? {
        let place = DirectPlace(byteCount, from: offset)
        do {
            let count = try check("read", path) {
                pread(descriptor, room.memory.baseAddress, place.length, off_t(place.start))
            }
            if count >= place.wanted.upperBound {
                return UnsafeRawBufferPointer(rebasing: room.memory[place.wanted])
            }
        } catch DurableFileError.failed(_, _, EINVAL) {}
        // In this order: whoever sees that reads are as usual must find them so.
        _ = fcntl(descriptor, F_SETFL, 0)
        isDirect.store(false, ordering: .releasing)
        return nil
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

/// The blocks around bytes that are read past the system's memory.
struct DirectPlace {
    /// Where the first begins.
    let start: Int
    /// Bytes of all of them.
    let length: Int
    /// What was asked for, counted from `start`.
    let wanted: Range<Int>

    init(_ byteCount: Int, from offset: Int) {
        let mask = BlockRoom.blockLength - 1
        start = offset & ~mask
        length = (offset + byteCount + mask) & ~mask - start
        wanted = offset - start..<offset - start + byteCount
    }
}
