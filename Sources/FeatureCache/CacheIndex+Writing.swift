import DurableFiles
import StrictJSON
import SystemPackage

extension CacheIndex {
    /// What stands between the last byte of which the digest is taken and the digest.
    static let digestKey = "\"digest\": \""
    /// What follows the digest.
    static let end = "\"\n}\n"

    /// The versions that caches of whole files were written with: the first of plain views with no skipped samples.
    static let wholeFilesVersions = 1...2

    /// Writes the index, all or nothing. Throws `DurableFileError`.
    func write(to path: FilePath) throws {
        try DurableFile.write(to: path) { try write(to: &$0) }
    }

    /// Writes the index where there must be none yet. Throws `DurableFileError.alreadyExists`, or as `write(to:)`.
    func create(_ path: FilePath) throws {
        try DurableFile.create(path) { try write(to: &$0) }
    }

    private func write(to writer: inout FileWriter) throws {
        let head = try headText()
        var hasher = ContentHasher()
        func write(_ text: String, to writer: inout FileWriter) throws {
            let bytes = Array(text.utf8)
            hasher.update(bytes)
            try writer.write(bytes)
        }
        try write(head, to: &writer)
        var lines = ""
        for index in samples.indices {
            lines += index == 0 ? "\n[" : ",\n["
            JSONValue.append(string: samples.path(of: index), to: &lines)
            lines += ",\(samples.label(of: index)),\(samples.shard(of: index)),\(samples.row(of: index))]"
            if lines.utf8.count > 1 << 16 {
                try write(lines, to: &writer)
                lines = ""
            }
        }
        try write(lines + "\n],\n", to: &writer)
        try writer.write(Self.digestKey + hasher.finalize().hexadecimal + Self.end)
    }

    /// Everything up to the bracket that opens the list of samples.
    private func headText() throws -> String {
        guard case .object(var members) = try JSONValue(encoding: identity) else {
            preconditionFailure("an identity is an object")
        }
        switch format {
        case .rows: members["schema_version"] = .integer(Self.schemaVersion(of: identity))
        case .wholeFiles:
            let isPlain = identity.views == nil && skipped.isEmpty
            members["schema_version"] = .integer(
                isPlain ? Self.wholeFilesVersions.lowerBound : Self.wholeFilesVersions.upperBound)
        }
        if let logicalShardCount { members["logical_shards"] = .integer(logicalShardCount) }
        var text = "{\n"
        for key in ["schema_version"] + members.keys.filter({ $0 != "schema_version" }).sorted() {
            JSONValue.append(string: key, to: &text)
            text += ": \(members[key]!.text()),\n"
        }
        let shards = shards[..<plainShardCount].map {
            JSONValue.object(["split": .string($0.split), "samples": .integer($0.sampleCount)])
        }
        text += "\"shards\": [\n" + shards.map { $0.text() }.joined(separator: ",\n") + "\n],\n"
        if !skipped.isEmpty {
            text += "\"skipped\": \(SkippedSample.text(skipped.map { ($0.sample, $0.reason) })),\n"
        }
        text += "\"columns\": [\"path\", \"label\", \"shard\", \"row\"],\n"
        return text + "\"samples\": ["
    }
}
