import Glibc
public import SystemPackage

extension DurableFile {
    /// All bytes of the file at `path`. Throws `DurableFileError`.
    public static func read(_ path: FilePath) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try forEachPiece(of: path) {
            bytes.append(contentsOf: $0)
        } reserving: {
            bytes.reserveCapacity($0)
        }
        return bytes
    }

    /// `byteCount` bytes of the file at `path`, from `offset` on. Throws `DurableFileError`, `.shorter` if it ends before.
    public static func read(_ path: FilePath, from offset: Int, byteCount: Int) throws -> [UInt8] {
        precondition(offset >= 0 && byteCount >= 0, "bytes \(offset) and \(byteCount) more are no part of a file")
        let (descriptor, status) = try openForReading(path)
        defer { close(descriptor) }
        // Before the memory is asked for: a record of where something was may be of an older, longer file.
        let (end, overflows) = offset.addingReportingOverflow(byteCount)
        guard !overflows, end <= Int(status.st_size) else {
            throw DurableFileError.shorter(path: path, byteCount: Int(status.st_size), expected: overflows ? .max : end)
        }
        return try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, filled in
            while filled < byteCount {
                let (place, start) = (buffer.baseAddress! + filled, filled)
                let count = try check("read", path) {
                    pread(descriptor, place, byteCount - start, off_t(offset + start))
                }
                guard count > 0 else {
                    throw DurableFileError.shorter(path: path, byteCount: offset + filled, expected: end)
                }
                filled += count
            }
        }
    }

    /// Whether a regular file is at `path`.
    public static func exists(_ path: FilePath) -> Bool {
        (try? status(of: path).isRegularFile) == true
    }

    /// The size of the file at `path`. Throws `DurableFileError`.
    public static func byteCount(of path: FilePath) throws -> Int {
        let status = try status(of: path)
        guard status.isRegularFile else { throw DurableFileError.notAFile(path: path) }
        return Int(status.st_size)
    }

    /// Hands the file to `body` piece by piece, in order, in constant memory.
    static func forEachPiece(
        of path: FilePath, _ body: (UnsafeRawBufferPointer) throws -> Void, reserving reserve: (Int) -> Void = { _ in }
    ) throws {
        let (descriptor, status) = try openForReading(path)
        defer { close(descriptor) }
        reserve(Int(status.st_size))
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, min(Int(status.st_size), 1 << 20)) + 4096, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count = try check("read", path) { Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
            if count == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
