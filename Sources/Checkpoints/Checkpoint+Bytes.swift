import SystemPackage

/// A checkpoint in one array of bytes, on its way from the process that read and checked it to others.
///
/// Fields in order, integers as 64-bit little endian, texts and lists preceded by their count: folder, `state.json`,
/// channel map, classifier, and name, shape and elements of each of the optimizer's tensors.
extension Checkpoint {
    /// What `init(bytes:)` reads.
    public var bytes: [UInt8] {
        var writer = FieldWriter()
        writer.append(directory.string)
        writer.append(state.fileText)
        writer.append(orthogonalityError.bitPattern)
        writer.append(UInt64(channelCount))
        writer.append(channelMap)
        writer.append(classifier)
        writer.append(UInt64(optimizer.count))
        for tensor in optimizer {
            writer.append(tensor.name)
            writer.append(UInt64(tensor.shape.count))
            for extent in tensor.shape { writer.append(UInt64(extent)) }
            writer.append(tensor.elements)
        }
        return writer.bytes
    }

    /// The checkpoint that gave `bytes`, which must come from the same program. Throws `CheckpointError`.
    public init(bytes: [UInt8]) throws {
        var reader = FieldReader(bytes: bytes)
        let directory = FilePath(reader.readText())
        let state = try CheckpointState(
            parsing: Array(reader.readText().utf8), path: directory.appending(Self.stateName))
        let orthogonalityError = Double(bitPattern: reader.readInteger())
        let channelCount = Int(reader.readInteger())
        let (channelMap, classifier) = (reader.readFloats(), reader.readFloats())
        let optimizer = (0..<Int(reader.readInteger())).map { _ in
            let name = reader.readText()
            let shape = (0..<Int(reader.readInteger())).map { _ in Int(reader.readInteger()) }
            return OptimizerTensor(name: name, shape: shape, elements: reader.readFloats())
        }
        self.init(
            directory: directory, state: state, channelCount: channelCount, channelMap: channelMap,
            classifier: classifier, optimizer: optimizer, orthogonalityError: orthogonalityError)
    }
}

private struct FieldWriter {
    var bytes: [UInt8] = []

    mutating func append(_ integer: UInt64) {
        withUnsafeBytes(of: integer.littleEndian) { bytes += $0 }
    }

    mutating func append(_ text: String) {
        append(UInt64(text.utf8.count))
        bytes += text.utf8
    }

    mutating func append(_ floats: [Float]) {
        append(UInt64(floats.count))
        floats.withUnsafeBytes { bytes += $0 }
    }
}

/// Traps on bytes that `FieldWriter` did not write.
private struct FieldReader {
    let bytes: [UInt8]
    var position = 0

    mutating func readInteger() -> UInt64 {
        defer { position += 8 }
        return bytes.withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        }
    }

    mutating func readText() -> String {
        let count = Int(readInteger())
        defer { position += count }
        return String(decoding: bytes[position..<position + count], as: UTF8.self)
    }

    mutating func readFloats() -> [Float] {
        let count = Int(readInteger())
        defer { position += 4 * count }
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialisedCount in
            bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(buffer)
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position..<position + 4 * count]))
            }
            initialisedCount = count
        }
    }
}
