import Glibc

/// Memory for reads of up to so many bytes, with room for the rest of the disk's blocks in which they begin and end.
///
/// Whoever makes it frees it; those of `BlockRooms` are given back to them.
public struct BlockRoom: @unchecked Sendable {
    /// Bytes that a read may ask for.
    public let byteCount: Int
    let memory: UnsafeMutableRawBufferPointer

    /// Direct reads begin and end at multiples of this, which is enough for any disk.
    static let blockLength = 4096

    public init(byteCount: Int) {
        self.init(
            byteCount: byteCount,
            memory: .allocate(byteCount: Self.allocatedByteCount(for: byteCount), alignment: Self.blockLength))
    }

    fileprivate init(byteCount: Int, memory: UnsafeMutableRawBufferPointer) {
        (self.byteCount, self.memory) = (byteCount, memory)
    }

    public func deallocate() { memory.deallocate() }

    /// Has the system find memory for the room now, for which threads of a process may have to wait for each other.
    public func touch() {
        for start in stride(from: 0, to: memory.count, by: Self.blockLength) { memory[start] = 0 }
    }

    /// Bytes of memory that room for `byteCount` takes, at most.
    public static func allocatedByteCount(for byteCount: Int) -> Int { byteCount + 2 * blockLength }
}

/// Rooms of the same size, side by side in memory that the system is asked to keep in pages of 2 MiB. A direct read names every
/// page that it fills, to the disk and to a virtual machine's host: with pages of 4 KiB, rows of 36 KiB take half as long again.
///
/// It belongs to one thread at a time, and frees the rooms when it goes.
public final class BlockRooms {
    private let byteCount: Int
    private let memory: UnsafeMutableRawBufferPointer
    private var free: [Int]

    private static let largePageLength = 2 << 20

    /// - Parameters:
    ///   - count: the number of rooms.
    ///   - byteCount: bytes that a read may ask for.
    public init(count: Int, byteCount: Int) {
        precondition(count >= 0 && byteCount >= 0, "\(count) rooms of \(byteCount) bytes")
        self.byteCount = byteCount
        let length = count * Self.roomLength(byteCount)
        let pageLength = length < Self.largePageLength ? BlockRoom.blockLength : Self.largePageLength
        memory = .allocate(byteCount: (length + pageLength - 1) / pageLength * pageLength, alignment: pageLength)
        // A wish: without it, everything is the same but slower.
        _ = madvise(memory.baseAddress, memory.count, MADV_HUGEPAGE)
        free = (0..<count).reversed()
    }

    deinit { memory.deallocate() }

    /// A room that is not taken, nil if all are.
    public func take() -> BlockRoom? {
        guard let index = free.popLast() else { return nil }
        let start = index * Self.roomLength(byteCount)
        let room = UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + Self.roomLength(byteCount)])
        return BlockRoom(byteCount: byteCount, memory: room)
    }

    /// Takes back a room of these.
    public func giveBack(_ room: BlockRoom) {
        free.append((room.memory.baseAddress! - memory.baseAddress!) / Self.roomLength(byteCount))
    }

    /// Gives the memory back to the system until it is needed again. No room may be taken.
    public func clear() {
        _ = madvise(memory.baseAddress, memory.count, MADV_DONTNEED)
    }

    /// Whole blocks.
    private static func roomLength(_ byteCount: Int) -> Int {
        BlockRoom.allocatedByteCount(for: byteCount) / BlockRoom.blockLength * BlockRoom.blockLength
    }
}
