import DurableFiles
import StrictJSON
import SystemPackage
import WeightFiles

/// What is in a file of weights: safetensors, or what torch.save wrote.
struct WeightFileReport {
    private let file: WeightFile
    private let digest: ContentDigest
    /// Tensors with elements that are not finite, when they were looked for.
    private let notFinite: [String]?

    /// - Parameter checkingElements: whether to read all data: checksums, and whether the numbers are finite.
    init(_ path: FilePath, checkingElements: Bool) throws {
        file = try Self.open(path)
        digest = try file.digest()
        notFinite = try checkingElements ? Self.tensorsNotFinite(in: file) : nil
    }

    /// Averaged weights are shown where there are no others; a run takes them on request alone.
    private static func open(_ path: FilePath) throws -> WeightFile {
        do {
            return try WeightFile.open(path)
        } catch WeightFileError.unsuitable(_, .onlyEMA) {
            return try WeightFile.open(path, useEMA: true)
        }
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

    /// Numbers in all tensors of the network.
    private var parameterCount: Int { file.entries.reduce(0) { $0 + $1.elementCount } }

    var text: String {
        let layout = file.layout
        var head = AlignedText()
        head.add("file", file.path.string)
        head.add("bytes", file.byteCount)
        head.add("sha256", digest)
        head.add("format", layout.form.rawValue)
        head.add("layout", layout.path + (layout.usesEMA ? ", averaged weights (--use-ema)" : ""))
        for (key, value) in file.metadata.sorted(by: { $0.key < $1.key }) {
            head.add("metadata \(printable(key))", printable(value))
        }
        if !layout.alternatives.isEmpty { head.add("also there", listed(layout.alternatives.map { printable($0) })) }
        if !layout.ignored.isEmpty {
            head.add("left out", listed(layout.ignored.map { "\(printable($0.name)) (\($0.reason))" }))
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
            "layout": .object([
                "container": .array(layout.container.map { .string($0) }),
                "stripped_prefixes": .array(layout.strippedPrefixes.map { .string($0) }),
                "renamed_prefixes": .object(layout.renamedPrefixes.mapValues { .string($0) }),
                "averaged": .bool(layout.usesEMA),
                "alternatives": .array(layout.alternatives.map { .string($0) }),
                "left_out": .array(
                    layout.ignored.map { .object(["name": .string($0.name), "reason": .string($0.reason)]) }),
            ]),
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
        members["not_finite"] = notFinite.map { .array($0.map { .string($0) }) }
        return .object(members)
    }
}
