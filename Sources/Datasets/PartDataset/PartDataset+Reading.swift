import DurableFiles
import Foundation
import SystemPackage

extension PartDataset {
    /// Reads `dataset.json` of a generated data set.
    ///
    /// - Throws: `DurableFileError` if it is not there, `PartDatasetError` if it is malformed or of another version.
    public static func manifest(of directory: FilePath) throws -> Manifest {
        struct Version: Decodable {
            struct Options: Decodable { let level: Level? }
            let schemaVersion: Int
            let options: Options?
        }
        let path = directory.appending("dataset.json")
        let data = Data(try DurableFile.read(path))
        // The version first: what follows may look different in another one.
        let version = try decode(Version.self, from: data, path, line: nil)
        let expected = (version.options?.level ?? .easy).schemaVersion
        guard version.schemaVersion == expected else {
            throw PartDatasetError.unknownVersion(path, found: version.schemaVersion, expected: expected)
        }
        return try decode(Manifest.self, from: data, path, line: nil)
    }

    /// Reads `annotations.jsonl` of a generated data set, in the order of the file.
    ///
    /// - Throws: `DurableFileError` if it or `dataset.json` is not there, the errors of `manifest(of:)`, and
    ///   `PartDatasetError.malformed` naming the line, also for a bird of another level than the data set's.
    public static func annotations(of directory: FilePath) throws -> [Annotation] {
        let level = try manifest(of: directory).options.level
        let path = directory.appending("annotations.jsonl")
        let lines = try DurableFile.read(path).split(separator: UInt8(ascii: "\n"))
        return try lines.enumerated().map { number, line in
            let annotation = try decode(Annotation.self, from: Data(line), path, line: number + 1)
            guard annotation.bird.level == level else {
                throw PartDatasetError.malformed(
                    path, line: number + 1,
                    reason: "its bird is of level \(annotation.bird.level), but dataset.json says \(level)")
            }
            return annotation
        }
    }

    private static func decode<Value: Decodable>(
        _ type: Value.Type, from data: Data, _ path: FilePath, line: Int?
    ) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch DecodingError.keyNotFound(let key, _) {
            throw PartDatasetError.malformed(path, line: line, reason: "the key \(key.stringValue) is missing")
        } catch DecodingError.dataCorrupted(let context), DecodingError.typeMismatch(_, let context),
            DecodingError.valueNotFound(_, let context)
        {
            let key = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw PartDatasetError.malformed(
                path, line: line, reason: (key.isEmpty ? "" : "\(key): ") + context.debugDescription)
        }
    }
}
