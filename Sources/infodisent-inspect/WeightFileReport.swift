import DurableFiles
import StrictJSON
import SystemPackage
import WeightFiles

/// What is in a file of weights, or in several that a list names: safetensors, what torch.save wrote, arrays of NumPy.
struct WeightFileReport {
    private let file: WeightFile
    private let digest: ContentDigest
    /// Tensors with elements that are not finite, when they were looked for.
    private let notFinite: [String]?

    /// - Parameter checkingElements: whether to read all data: checksums, and whether the numbers are finite.
    init(_ path: FilePath, checkingElements: Bool) throws {
        file = try WeightFile.open(path)
        digest = try file.digest()
        notFinite = try checkingElements ? Self.tensorsNotFinite(in: file) : nil
    }

    private static func tensorsNotFinite(in file: WeightFile) throws -> [String] {
        try file.entries.filter { entry in
            guard [.float64, .float32, .float16, .bfloat16].contains(entry.elementType) else {
                // Nothing to look for in whole numbers, but their checksum is looked at.
                return try file.withBytes(of: entry.name) { _ in false }
            }
            return try file.floats(entry.name).contains { !$0.isFinite }
        }.map(\.name)
    }

    /// Numbers in all tensors.
    private var parameterCount: Int { file.entries.reduce(0) { $0 + $1.elementCount } }

    /// What all names begin with.
    private var beginning: String { TensorNames.sharedBeginning(of: file.tensorNames) }

    var text: String {
        let layout = file.layout
        var head = AlignedText()
        head.add("file", file.path.string)
        head.add("bytes", file.byteCount)
        head.add("sha256", digest)
        head.add("format", layout.form.rawValue + (layout.partCount > 1 ? ", \(layout.partCount) files" : ""))
        if !beginning.isEmpty { head.add("names", "all begin with \(printable(beginning))") }
        for (key, value) in file.metadata.sorted(by: { $0.key < $1.key }) {
            head.add("metadata \(printable(key))", printable(value))
        }
        if let configuration = file.configuration {
            let said =
                (configuration.modelType.map { ["\(printable($0))"] } ?? [])
                + (configuration.labelNames.map {
                    ["\($0.count) classes: \(listed($0.map { printable($0) }, limit: 4))"]
                } ?? [])
            head.add(SavedConfiguration.fileName, said.isEmpty ? "of something else" : said.joined(separator: ", "))
        }
        if !layout.others.isEmpty {
            head.add("beside", listed(layout.others.map { "\(printable($0.name)) (\($0.kind))" }))
        }
        if let notFinite {
            head.add("checked", layout.hasChecksums ? "structure, checksums" : "structure")
            head.add("not finite", notFinite.isEmpty ? "none" : listed(notFinite.map { printable($0) }))
        }
        var tensors = AlignedText()
        for entry in file.entries {
            let type = entry.elementType.rawValue
            tensors.add(
                printable(entry.name), type + String(repeating: " ", count: max(1, 6 - type.count)) + "\(entry.shape)")
        }
        return """
            \(head.text())

            \(file.entries.count) tensors, \(parameterCount) numbers
            \(tensors.text(indent: 2))
            """
    }

    var json: JSONValue {
        let layout = file.layout
        var members: [String: JSONValue] = [
            "file": .string(file.path.string), "bytes": .integer(file.byteCount),
            "sha256": .string(digest.hexadecimal), "format": .string(layout.form.rawValue),
            "files": .integer(layout.partCount),
            "shared_beginning": .string(beginning),
            "beside": .array(layout.others.map { .object(["name": .string($0.name), "kind": .string($0.kind)]) }),
            "metadata": .object(file.metadata.mapValues { .string($0) }),
            "parameters": .integer(parameterCount),
            "tensors": .array(
                file.entries.map {
                    .object([
                        "name": .string($0.name), "dtype": .string($0.elementType.rawValue),
                        "shape": .array($0.shape.map { .integer($0) }),
                    ])
                }),
        ]
        members["labels"] = file.configuration?.labelNames.map { .array($0.map { .string($0) }) }
        members["not_finite"] = notFinite.map { .array($0.map { .string($0) }) }
        return .object(members)
    }
}
