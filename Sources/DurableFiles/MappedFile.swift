import Glibc
public import SystemPackage

/// A file seen as memory, read-only. Its pages are read when they are touched and given back under memory pressure.
///
/// The file must not be cut short while it is mapped: touching a page past the new end kills the process (SIGBUS).
/// Nothing in this project does that to a file in use (files are replaced by renames, which leave a map intact); other
/// programs are out of scope.
public final class MappedFile: Sendable {
    public let path: FilePath
    public let byteCount: Int

    /// nil for an empty file, which the system will not map.
    nonisolated(unsafe) private let base: UnsafeMutableRawPointer?

    /// How a range is about to be read.
    public enum AccessPattern: Sendable {
        /// As the system thinks best.
        case normal
        /// Here and there: do not read ahead.
        case random
        /// From front to back: read far ahead.
        case sequential
        /// Soon: start to read it.
        case soon
        /// No longer: its memory may be given back.
        case finished
    }

    /// Maps the file at `path`. Throws `DurableFileError`.
    public init(_ path: FilePath) throws {
        self.path = path
        let (descriptor, status) = try openForReading(path)
        defer { close(descriptor) }
        byteCount = Int(status.st_size)
        guard byteCount > 0 else {
            base = nil
            return
        }
        guard let base = mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0), base != MAP_FAILED else {
            throw DurableFileError.failed(operation: "map", path: path, code: errno)
        }
        self.base = base
    }

    deinit {
        if let base { munmap(base, byteCount) }
    }

    /// Calls `body` with the bytes of the file, which are valid only within it.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: byteCount))
    }

    /// Tells the system how the bytes in `range` (of the whole file when nil) are about to be read.
    public func advise(_ pattern: AccessPattern, range: Range<Int>? = nil) {
        let range = (range ?? 0..<byteCount).clamped(to: 0..<byteCount)
        guard let base, !range.isEmpty else { return }
        let advice =
            switch pattern {
            case .normal: MADV_NORMAL
            case .random: MADV_RANDOM
            case .sequential: MADV_SEQUENTIAL
            case .soon: MADV_WILLNEED
            case .finished: MADV_DONTNEED
            }
        let start = range.lowerBound & ~4095  // the call takes whole pages
        _ = madvise(base + start, range.upperBound - start, advice)  // a hint: no failure of it matters
    }
}
