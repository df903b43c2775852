import Glibc
import Synchronization

/// Scratch memory: the buffers that layers write their results to, and how the layers multiply.
///
/// A buffer goes back to its workspace when the last `Activations` on it is released and is handed out again, so that a
/// network running on inputs of one size allocates during its first pass only. There are never more buffers than were
/// once in use at the same time.
///
/// Make one per thread: several threads may use one, but then each gets memory that another has just had in its cache.
public final class Workspace: Sendable {
    /// What multiplies matrices in the layers.
    public let engine: MatrixEngine
    /// What their products are made of.
    public let compute: ComputePrecision
    /// Whether the images of a batch are changed copies of one another: layers then look for what they need not compute again. The
    /// results are the same, bit for bit; images that have nothing in common take a little longer. Products of brain floats do not look.
    public let expectsSimilarImages: Bool
    private let free = Mutex<[AlignedFloats]>([])

    /// - Parameter compute: one without an `obstacle`, and with the engine `packed` if it is not `f32`.
    public init(
        engine: MatrixEngine = .packed, compute: ComputePrecision = .f32, expectsSimilarImages: Bool = false
    ) {
        precondition(
            compute == .f32 || engine == .packed, "\(compute.rawValue) is a matter of the program's own kernel")
        if let obstacle = compute.obstacle { preconditionFailure("\(compute.rawValue): \(obstacle)") }
        self.engine = engine
        self.compute = compute
        self.expectsSimilarImages = expectsSimilarImages
    }

    /// Operands of large products, which are made again and again: fresh memory would cost more than the packing.
    static let shared = Workspace()

    /// Total size of the buffers waiting to be used again, in bytes.
    public var idleByteCount: Int {
        free.withLock { $0.reduce(0) { $0 + $1.capacity * MemoryLayout<Float>.stride } }
    }

    /// Memory for `count` floats with unspecified contents.
    func buffer(_ count: Int) -> ScratchBuffer {
        let memory = free.withLock { free -> AlignedFloats? in
            let fitting = free.indices.filter { free[$0].capacity >= count }
                .min { free[$0].capacity < free[$1].capacity }
            if let fitting { return free.remove(at: fitting) }
            // The largest of those too small makes room for the new one: sizes grow, the number of buffers does not.
            if let largest = free.indices.max(by: { free[$0].capacity < free[$1].capacity }) {
                free.remove(at: largest)
            }
            return nil
        }
        return ScratchBuffer(memory ?? AlignedFloats(capacity: count), of: self)
    }

    fileprivate func takeBack(_ memory: AlignedFloats) { free.withLock { $0.append(memory) } }
}

/// A piece of a workspace's memory, returned to it when released; without a workspace, memory of its own.
final class ScratchBuffer: Sendable {
    private let memory: AlignedFloats
    private let workspace: Workspace?

    init(_ memory: AlignedFloats, of workspace: Workspace?) {
        self.memory = memory
        self.workspace = workspace
    }

    var pointer: UnsafeMutablePointer<Float> { memory.pointer }

    deinit { workspace?.takeBack(memory) }
}

/// Floats on a cache-line boundary, uninitialised when made. Who may write to them is their owner's business.
final class AlignedFloats: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Float>
    let capacity: Int
    /// Nil of memory that is somebody else's.
    private let pages: LargePages?

    /// Memory that somebody else keeps for as long, and that is only read.
    init(borrowing memory: UnsafePointer<Float>, count: Int) {
        pointer = UnsafeMutablePointer(mutating: memory)
        capacity = count
        pages = nil
    }

    /// Memory of its own.
    convenience init(capacity: Int) {
        let pages = LargePages(byteCount: Self.byteCount(capacity))
        self.init(capacity: capacity, at: 0, of: pages)
    }

    private init(capacity: Int, at offset: Int, of pages: LargePages) {
        self.capacity = capacity
        self.pages = pages
        pointer = (pages.base + offset).bindMemory(to: Float.self, capacity: max(capacity, 1))
    }

    /// Memory for constants that are read together, such as the weights of a network: they lie side by side in few pages. It is
    /// given back with the last of its neighbours.
    static func constants(capacity: Int) -> AlignedFloats {
        let byteCount = byteCount(capacity)
        guard byteCount < chunkByteCount / 8 else { return AlignedFloats(capacity: capacity) }
        return chunk.withLock { chunk in
            if chunk == nil || chunk!.used + byteCount > chunkByteCount {
                chunk = (LargePages(byteCount: chunkByteCount), used: 0)
            }
            defer { chunk!.used += byteCount }
            return AlignedFloats(capacity: capacity, at: chunk!.used, of: chunk!.pages)
        }
    }

    private static let chunkByteCount = 16 << 20
    /// What constants are taken from, and how much of it is taken.
    private static let chunk = Mutex<(pages: LargePages, used: Int)?>(nil)

    /// Whole cache lines.
    private static func byteCount(_ capacity: Int) -> Int {
        (max(capacity, 1) * MemoryLayout<Float>.stride + 63) / 64 * 64
    }
}

/// Memory that the system is asked to keep in pages of 2 MiB, if it is as large: with the usual 4 KiB, a core forgets where the pages
/// of a layer's weights are before it has come round to them again.
private final class LargePages: @unchecked Sendable {
    let base: UnsafeMutableRawPointer

    init(byteCount: Int) {
        let pageByteCount = 2 << 20
        guard byteCount >= pageByteCount else {
            base = .allocate(byteCount: byteCount, alignment: 64)
            return
        }
        // Whole pages: the last would not be a large one.
        let byteCount = (byteCount + pageByteCount - 1) / pageByteCount * pageByteCount
        base = .allocate(byteCount: byteCount, alignment: pageByteCount)
        // A wish: without it, everything is the same but slower.
        _ = madvise(base, byteCount, MADV_HUGEPAGE)
    }

    deinit { base.deallocate() }
}
