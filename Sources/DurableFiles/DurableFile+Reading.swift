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
        let descriptor = try check("open", path) { path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC) } }
        defer { close(descriptor) }
        var status = stat()
        try check("look at", path) { fstat(descriptor, &status) }
        guard status.isRegularFile else { throw DurableFileError.notAFile(path: path) }
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
