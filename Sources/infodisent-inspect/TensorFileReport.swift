import DurableFiles
import StrictJSON
import SystemPackage
import WeightFiles

/// What is in a safetensors file.
struct TensorFileReport {
    private let file: SafetensorsFile
    private let byteCount: Int
    private let digest: ContentDigest
    /// Tensors with elements that are not finite, when they were looked for.
    private let notFinite: [String]?

    init(_ path: FilePath, checkingElements: Bool) throws {
        file = try SafetensorsFile(path)
        byteCount = try DurableFile.byteCount(of: path)
        digest = try file.digest()
        let file = file
        notFinite =
            try checkingElements
            ? file.entries.filter { entry in
                let isReal = [.float64, .float32, .float16, .bfloat16].contains(entry.elementType)
                return try isReal && file.floats(entry.name).contains { !$0.isFinite }
            }.map(\.name) : nil
    }

    var text: String {
        var head = AlignedText()
        head.add("file", file.path.string)
        head.add("bytes", byteCount)
        head.add("sha256", digest)
        for (key, value) in file.metadata.sorted(by: { $0.key < $1.key }) { head.add("metadata \(key)", value) }
        if let notFinite {
            head.add("format", "ok")
            head.add("not finite", notFinite.isEmpty ? "none" : listed(notFinite))
        }
        var tensors = AlignedText()
        for entry in file.entries {
            let type = entry.elementType.rawValue
            tensors.add(entry.name, type + String(repeating: " ", count: max(1, 6 - type.count)) + "\(entry.shape)")
        }
        return """
            \(head.text())

            \(file.entries.count) tensors
            \(tensors.text(indent: 2))
            """
    }

    var json: JSONValue {
        var members: [String: JSONValue] = [
            "file": .string(file.path.string), "bytes": .integer(byteCount), "sha256": .string(digest.hexadecimal),
            "metadata": .object(file.metadata.mapValues { .string($0) }),
            "tensors": .array(
                file.entries.map {
                    .object([
                        "name": .string($0.name), "dtype": .string($0.elementType.rawValue),
                        "shape": .array($0.shape.map { .integer($0) }),
                    ])
                }),
        ]
        members["not_finite"] = notFinite.map { .array($0.map { .string($0) }) }
        return .object(members)
    }
}
