import StrictJSON

/// The list that `save_pretrained` writes where weights are spread over several files: in which of them each tensor is.
///
/// JSON: `{"metadata": {...}, "weight_map": {"NAME": "model-00001-of-00002.safetensors", ...}}`. The files lie beside it.
package struct ShardIndex: Equatable, Sendable {
    /// The names of the files, sorted.
    package let files: [String]
    /// Names of tensors, each with the place of its file among `files`, in the order of the list.
    package let tensors: [(name: String, file: Int)]

    package static let byteCountLimit = 64 << 20
    package static let fileLimit = 4096

    /// - Throws: `ShardFault`.
    package init(_ text: UnsafeRawBufferPointer) throws {
        guard text.count <= Self.byteCountLimit else { throw ShardFault.tooLong(byteCount: text.count) }
        var entries: [(tensor: String, file: String)]?
        do {
            var reader = JSONReader(text)
            try reader.readObject { key, reader in
                guard key == "weight_map" else {
                    _ = try reader.readValue()
                    return
                }
                var read: [(String, String)] = []
                try reader.readObject { name, reader in read.append((name, try reader.readString())) }
                entries = read
            }
            try reader.finish()
        } catch let error as JSONError {
            throw ShardFault.badIndex(error)
        }
        guard let entries, !entries.isEmpty else { throw ShardFault.noTensors }
        var places: [String: Int] = [:]
        for (_, file) in entries where places[file] == nil {
            guard Self.isPlain(file) else { throw ShardFault.badFileName(file) }
            guard places.count < Self.fileLimit else { throw ShardFault.tooManyFiles }
            places[file] = 0
        }
        files = places.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for (place, file) in files.enumerated() { places[file] = place }
        tensors = entries.map { ($0.tensor, places[$0.file]!) }
    }

    /// Whether it is the name of a file beside the list, and no way to another folder.
    private static func isPlain(_ name: String) -> Bool {
        (1...255).contains(name.utf8.count) && !name.utf8.contains(UInt8(ascii: "/")) && name != "." && name != ".."
            && name.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
    }

    package static func == (one: ShardIndex, other: ShardIndex) -> Bool {
        one.files == other.files && one.tensors.elementsEqual(other.tensors, by: ==)
    }
}

/// Why weights that are spread over several files cannot be used.
public enum ShardFault: Error, Equatable, Sendable {
    case tooLong(byteCount: Int)
    case badIndex(JSONError)
    /// The list has no "weight_map", or an empty one.
    case noTensors
    case tooManyFiles
    /// The list names a file that does not lie beside it.
    case badFileName(String)
    case missingFile(String)
    /// A tensor is not in the file that the list says it is in.
    case missingTensor(String, file: String)
    /// A file has a tensor that the list does not say it has.
    case unlistedTensor(String, file: String)
}

extension ShardFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooLong(let byteCount):
            "it has \(byteCount) bytes, more than the \(ShardIndex.byteCountLimit) allowed; it is no list of weights"
        case .badIndex(let error): "it cannot be read: \(error). Get it again"
        case .noTensors:
            "it has no \"weight_map\", which says in which file each tensor is. Give the file of weights itself"
        case .tooManyFiles: "it lists more than \(ShardIndex.fileLimit) files"
        case .badFileName(let name):
            "it lists \"\(printable(name))\", which is not the name of a file beside it. Get it again"
        case .missingFile(let name): "the file \"\(name)\" that it lists is not beside it. Get that file too"
        case .missingTensor(let name, let file):
            "it lists the tensor \"\(printable(name))\", which is not in \(file). Get both files again"
        case .unlistedTensor(let name, let file):
            "\(file) has the tensor \"\(printable(name))\", which it does not list there. Get both files again"
        }
    }
}
