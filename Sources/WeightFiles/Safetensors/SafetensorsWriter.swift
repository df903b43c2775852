public import DurableFiles
import StrictJSON
public import SystemPackage

/// Writes safetensors files whose bytes depend on nothing but the arguments.
///
///     try SafetensorsWriter.write(
///         [.floats("channel_map", [64, 64], map), .floats("classifier", [50, 64], classifier)], to: path)
public enum SafetensorsWriter {
    /// A tensor to be written.
    public struct Entry {
        public let name: String
        public let elementType: ElementType
        public let shape: [Int]
        /// Bytes of all elements.
        public let byteCount: Int
        let produce: (_ sink: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

        /// A tensor whose little-endian bytes `produce` hands to its sink, in order, in pieces of any size; it is called
        /// once for each time the entry is written and must give exactly the bytes that the shape asks for.
        public init(
            name: String, elementType: ElementType, shape: [Int],
            produce: @escaping (_ sink: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
        ) {
            guard shape.allSatisfy({ $0 >= 0 }), let byteCount = TensorEntry.byteCount(of: shape, elementType) else {
                preconditionFailure("the tensor \"\(name)\" cannot have the shape \(shape)")
            }
            precondition(
                name != "__metadata__" && name.utf8.count <= JSONReader.keyByteCountLimit,
                "\"\(name)\" cannot be the name of a tensor")
            self.name = name
            self.elementType = elementType
            self.shape = shape
            self.byteCount = byteCount
            self.produce = produce
        }

        /// A tensor of elements that are in memory as they are to be in the file.
        public init<Element: BitwiseCopyable>(
            name: String, elementType: ElementType, shape: [Int], elements: [Element]
        ) {
            self.init(name: name, elementType: elementType, shape: shape) { sink in
                try elements.withUnsafeBytes { try sink($0) }
            }
            precondition(
                byteCount == elements.count * MemoryLayout<Element>.stride,
                "the tensor \"\(name)\" of shape \(shape) cannot have \(elements.count) elements")
        }

        /// A tensor of F32.
        public static func floats(_ name: String, _ shape: [Int], _ elements: [Float]) -> Entry {
            Entry(name: name, elementType: .float32, shape: shape, elements: elements)
        }

        /// A tensor of F16, each element rounded to nearest even; beyond 65504 they become infinite.
        public static func float16(_ name: String, _ shape: [Int], _ elements: [Float]) -> Entry {
            Entry(name: name, elementType: .float16, shape: shape, elements: elements.map { Float16($0) })
        }

        /// A tensor of I64.
        public static func int64(_ name: String, _ shape: [Int], _ elements: [Int64]) -> Entry {
            Entry(name: name, elementType: .int64, shape: shape, elements: elements)
        }
    }

    /// Writes the tensors in the given order to `path`, all or nothing, and gives the digest of the file.
    /// Throws `DurableFileError`, or what an entry's producer throws.
    @discardableResult
    public static func write(
        _ entries: [Entry], metadata: [String: String] = [:], to path: FilePath
    ) throws -> ContentDigest {
        var hasher = ContentHasher()
        try DurableFile.write(to: path) { writer in
            try forEachPiece(of: entries, metadata) { piece in
                hasher.update(piece)
                try writer.write(piece)
            }
        }
        return hasher.finalize()
    }

    /// The bytes that `write` would write. Throws what an entry's producer throws.
    public static func encode(_ entries: [Entry], metadata: [String: String] = [:]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try forEachPiece(of: entries, metadata) { bytes.append(contentsOf: $0) }
        return bytes
    }

    private static func forEachPiece(
        of entries: [Entry], _ metadata: [String: String], _ sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try header(of: entries, metadata).withUnsafeBytes { try sink($0) }
        for entry in entries {
            var byteCount = 0
            try entry.produce { piece in
                byteCount += piece.count
                try sink(piece)
            }
            precondition(
                byteCount == entry.byteCount,
                "the tensor \"\(entry.name)\" was given \(byteCount) bytes where \(entry.byteCount) are expected")
        }
    }

    /// The length and the text of the header, padded with spaces to a multiple of 8 bytes: the bytes before the tensors'.
    package static func header(of entries: [Entry], _ metadata: [String: String]) -> [UInt8] {
        let names = entries.map(\.name).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for (one, next) in zip(names, names.dropFirst()) {
            precondition(one != next, "two tensors are named \"\(one)\"")
        }
        var text = "{"
        if !metadata.isEmpty {
            let members = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            append("__metadata__", to: &text)
            for (index, member) in members.enumerated() {
                text += index == 0 ? ":{" : ","
                append(member.key, to: &text)
                text += ":"
                append(member.value, to: &text)
            }
            text += entries.isEmpty ? "}" : "},"
        }
        var offset = 0
        for (index, entry) in entries.enumerated() {
            if index > 0 { text += "," }
            append(entry.name, to: &text)
            let shape = entry.shape.map(String.init).joined(separator: ",")
            text += ":{\"dtype\":\"\(entry.elementType.rawValue)\",\"shape\":[\(shape)],"
            text += "\"data_offsets\":[\(offset),\(offset + entry.byteCount)]}"
            offset += entry.byteCount
        }
        text += "}"
        text += String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
        let length = withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Array($0) }
        return length + Array(text.utf8)
    }

    private static func append(_ string: String, to text: inout String) {
        JSONValue.append(string: string, to: &text)
    }
}
