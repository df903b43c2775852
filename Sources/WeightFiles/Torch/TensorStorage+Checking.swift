import CZlib

extension TensorStorage {
    /// Checks the storage's bytes in `file` against their checksum. Gives the bytes where the file has them compressed, and
    /// nil where it has them as they are.
    ///
    /// - Throws: `TorchFault.zip`.
    package func inflated(from file: UnsafeRawBufferPointer) throws -> [UInt8]? {
        let stored = UnsafeRawBufferPointer(rebasing: file[fileRange])
        guard isDeflated else {
            try check(stored)
            return nil
        }
        // How many bytes a file may ask for was checked when it was opened (`ZipArchive.checkInflation`).
        var inflated = [UInt8](repeating: 0, count: byteCount)
        guard inflated.withUnsafeMutableBytes({ Self.inflate(stored, into: $0) }) else {
            throw TorchFault.zip(.badCompression(name))
        }
        try inflated.withUnsafeBytes(check)
        return inflated
    }

    /// Calls `body` with the storage's bytes, checked. Throws `TorchFault.zip`, or what `body` throws.
    func withBytes<Result>(
        in file: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        if let inflated = try inflated(from: file) { return try inflated.withUnsafeBytes(body) }
        return try body(UnsafeRawBufferPointer(rebasing: file[fileRange]))
    }

    private func check(_ bytes: UnsafeRawBufferPointer) throws {
        guard let checksum else { return }
        let found = crc32_z(0, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        // Of no bytes, zlib takes no pointer for "begin", and the sum is that beginning: 0.
        guard (bytes.isEmpty ? 0 : UInt32(truncatingIfNeeded: found)) == checksum else {
            throw TorchFault.zip(.wrongChecksum(name))
        }
    }

    /// Whether `source` is raw deflate data, all of it, that fills `destination` exactly.
    private static func inflate(_ source: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer)
        -> Bool
    {
        var stream = z_stream()
        guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            return false
        }
        defer { inflateEnd(&stream) }
        // zlib counts in 32 bits, so large data goes through in pieces. It wants somewhere to write even when nothing is left.
        let pieceLimit = 1 << 30
        var spare: UInt8 = 0
        var (read, written) = (0, 0)
        while true {
            let available = min(pieceLimit, source.count - read)
            let room = min(pieceLimit, destination.count - written)
            stream.next_in = UnsafeMutablePointer(
                mutating: source.bindMemory(to: UInt8.self).baseAddress.map { $0 + read })
            stream.avail_in = uInt(available)
            let status = withUnsafeMutablePointer(to: &spare) { spare in
                stream.next_out = room == 0 ? spare : destination.bindMemory(to: UInt8.self).baseAddress! + written
                stream.avail_out = uInt(max(1, room))
                return CZlib.inflate(&stream, Z_NO_FLUSH)
            }
            let (consumed, produced) = (available - Int(stream.avail_in), max(1, room) - Int(stream.avail_out))
            guard produced <= room else { return false }
            read += consumed
            written += produced
            if status == Z_STREAM_END { return read == source.count && written == destination.count }
            guard status == Z_OK, consumed > 0 || produced > 0 else { return false }
        }
    }
}
