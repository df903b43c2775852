/// Scratch memory of one thread: the buffers that layers write their results to.
///
/// A buffer goes back to its workspace when the last `Activations` on it is released and is handed out again, so that a
/// network running on inputs of one size allocates during its first pass only. There are never more buffers than were
/// once in use at the same time.
///
/// Not `Sendable`: make one per thread.
public final class Workspace {
    private var free: [AlignedFloats] = []

    public init() {}

    /// Total size of the buffers waiting to be used again, in bytes.
    public var idleByteCount: Int { free.reduce(0) { $0 + $1.capacity * MemoryLayout<Float>.stride } }

    /// Memory for `count` floats with unspecified contents.
    func buffer(_ count: Int) -> ScratchBuffer {
        let fitting = free.indices.filter { free[$0].capacity >= count }.min { free[$0].capacity < free[$1].capacity }
        if let fitting { return ScratchBuffer(free.remove(at: fitting), of: self) }
        // The largest of those too small makes room for the new one: sizes grow, the number of buffers does not.
        if let largest = free.indices.max(by: { free[$0].capacity < free[$1].capacity }) { free.remove(at: largest) }
        return ScratchBuffer(AlignedFloats(capacity: count), of: self)
    }

    fileprivate func takeBack(_ memory: AlignedFloats) { free.append(memory) }
}

/// A piece of a workspace's memory; returns it when released.
final class ScratchBuffer {
    let memory: AlignedFloats
    private let workspace: Workspace

    init(_ memory: AlignedFloats, of workspace: Workspace) {
        self.memory = memory
        self.workspace = workspace
    }

    deinit { workspace.takeBack(memory) }
}

/// Floats on a cache-line boundary, uninitialised when made.
final class AlignedFloats {
    let pointer: UnsafeMutablePointer<Float>
    let capacity: Int

    init(capacity: Int) {
        self.capacity = capacity
        pointer =
            UnsafeMutableRawPointer
            .allocate(byteCount: max(capacity, 1) * MemoryLayout<Float>.stride, alignment: 64)
            .bindMemory(to: Float.self, capacity: max(capacity, 1))
    }

    deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}
