import COpenBLAS
import Glibc
import Synchronization
import SystemFacts

/// The memory that OpenBLAS computes in.
///
/// OpenBLAS maps a buffer for each thread that calls it and keeps it for later calls. When it cannot have one (the address
/// space is limited by ulimit -v or a batch system, the system promises no more than it has, a process has too many maps) it
/// tries again, without end. So before the first call this asks for the buffers of all threads, one by one, as long as there
/// is room. They cost nothing until they are used.
package enum OpenBLASMemory {
    /// A buffer is 128 MiB on x86-64; the rest is for what is mapped beside it.
    private static let bufferByteCount = 160 << 20

    private static let threadCount = Atomic<Int>(0)

    /// Says that at most `count` threads will call OpenBLAS at a time; as many as there are processors if it is never said.
    package static func expect(threads count: Int) { threadCount.store(count, ordering: .relaxed) }

    /// What is done when there is not enough: nothing can be thrown out of a matrix product. The exit code is that of a
    /// system that refuses (EX_IOERR).
    package nonisolated(unsafe) static var fail: @Sendable (_ reason: String) -> Never = { reason in
        _ = (reason + "\n").utf8CString.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count - 1) }
        exit(74)
    }

    /// Makes sure of the buffers; before the first call of OpenBLAS.
    static func prepare() {
        let expected = threadCount.load(ordering: .relaxed)
        let count = expected > 0 ? expected : sysconf(Int32(_SC_NPROCESSORS_ONLN))
        typealias Allocate = @convention(c) (Int32) -> UnsafeMutableRawPointer?
        typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void
        // Not in its header, but it is with these that each of its functions begins and ends.
        let allocate = dlsym(nil, "blas_memory_alloc").map { unsafeBitCast($0, to: Allocate.self) }
        let free = dlsym(nil, "blas_memory_free").map { unsafeBitCast($0, to: Free.self) }
        var buffers: [UnsafeMutableRawPointer?] = []
        defer { for buffer in buffers { free?(buffer) } }
        for number in 0..<count {
            // Without those functions, room for all of the buffers at a time is what can be asked for.
            let needed = allocate == nil ? (number + 1) * bufferByteCount : bufferByteCount
            guard canMap(needed) else {
                let limit = AvailableMemory.addressSpaceLimit.map {
                    "the address space of this process is limited to \($0 >> 20) MiB (ulimit -v)"
                }
                fail(
                    "Memory is short: \(limit ?? "the system gives no more"), and OpenBLAS needs \(bufferByteCount >> 20) MiB for "
                        + "each of \(count) threads, which there is room for \(number) times. Raise the limit, or use fewer "
                        + "--threads.")
            }
            if let allocate, free != nil { buffers.append(allocate(0)) }
        }
    }

    private static func canMap(_ byteCount: Int) -> Bool {
        let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard memory != MAP_FAILED else { return false }
        munmap(memory, byteCount)
        return true
    }
}
