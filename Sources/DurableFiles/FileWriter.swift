import Glibc
import SystemPackage

/// The open end of a file that is being written: bytes go in, in order, through a buffer.
public struct FileWriter {
    /// Bytes taken so far.
    public private(set) var byteCount = 0

    /// The name the file will have; errors speak of it.
    private let path: FilePath
    private let descriptor: Int32
    private var pending: [UInt8] = []

    private static let bufferByteCount = 1 << 18

    init(descriptor: Int32, path: FilePath) {
        self.descriptor = descriptor
        self.path = path
        pending.reserveCapacity(Self.bufferByteCount)
    }

    /// Appends `bytes`. Throws `DurableFileError.failed`, for example when the disk is full.
    public mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
        byteCount += bytes.count
        if pending.count + bytes.count > Self.bufferByteCount { try flush() }
        if bytes.count >= Self.bufferByteCount {
            try writeThrough(bytes)
        } else {
            pending.append(contentsOf: bytes)
        }
    }

    /// Appends `bytes`.
    public mutating func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }

    /// Appends the UTF-8 of `text`.
    public mutating func write(_ text: String) throws {
        try write(Array(text.utf8))
    }

    mutating func flush() throws {
        guard !pending.isEmpty else { return }
        try pending.withUnsafeBytes { [self] in try writeThrough($0) }
        pending.removeAll(keepingCapacity: true)
    }

    private func writeThrough(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let chunk = rest
            let count = try check("write", path) { Glibc.write(descriptor, chunk.baseAddress, chunk.count) }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}
