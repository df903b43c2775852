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
        let directory = FilePath(try reader.readText())
        let state = try CheckpointState(
            parsing: Array(try reader.readText().utf8), path: directory.appending(Self.stateName))
        let orthogonalityError = Double(bitPattern: try reader.readInteger())
        let channelCount = Int(truncatingIfNeeded: try reader.readInteger())
        let channelMap = try reader.readFloats()
        let classifier = try reader.readFloats()
        let optimizer = try (0..<reader.readCount(ofAtLeast: 24)).map { _ in try reader.readTensor() }
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

/// Reads what `FieldWriter` wrote. Throws `CheckpointError.malformedMessage` where the bytes end too soon.
private struct FieldReader {
    let bytes: [UInt8]
    var position = 0

    mutating func readInteger() throws -> UInt64 {
        let range = try take(8)
        return bytes.withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self))
        }
    }

    mutating func readText() throws -> String {
        String(decoding: bytes[try take(readCount(ofAtLeast: 1))], as: UTF8.self)
    }

    mutating func readFloats() throws -> [Float] {
        let count = try readCount(ofAtLeast: 4)
        let range = try take(4 * count)
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialisedCount in
            bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(buffer)
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
            }
            initialisedCount = count
        }
    }

    mutating func readTensor() throws -> OptimizerTensor {
        let name = try readText()
        let shape = try (0..<readCount(ofAtLeast: 8)).map { _ in Int(truncatingIfNeeded: try readInteger()) }
        let elements = try readFloats()
        let count = shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
        guard count == elements.count else {
            throw CheckpointError.malformedMessage(
                problem: "\(name) has \(elements.count) elements for the shape \(shape)")
        }
        return OptimizerTensor(name: name, shape: shape, elements: elements)
    }

    /// A number of things of `byteCount` bytes or more that follow.
    mutating func readCount(ofAtLeast byteCount: Int) throws -> Int {
        let count = try readInteger()
        guard count <= UInt64((bytes.count - position) / byteCount) else {
            throw CheckpointError.malformedMessage(problem: "it ends after \(bytes.count) bytes")
        }
        return Int(count)
    }

    private mutating func take(_ count: Int) throws -> Range<Int> {
        guard count <= bytes.count - position else {
            throw CheckpointError.malformedMessage(problem: "it ends after \(bytes.count) bytes")
        }
        defer { position += count }
        return position..<position + count
    }
}
