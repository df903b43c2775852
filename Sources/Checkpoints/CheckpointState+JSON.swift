import DurableFiles
public import StrictJSON
import SystemPackage

extension CheckpointState {
    private static let digestKey = "state_sha256"

    /// The state as JSON. A seed above 2^63 - 1 becomes a string, since readers of JSON cannot hold it as a number.
    public var json: JSONValue {
        .object(members)
    }

    private var members: [String: JSONValue] {
        var members: [String: JSONValue] = [
            "schema_version": .integer(fileSchemaVersion),
            "step": .integer(step),
            "epoch": .integer(epoch),
            "seed": Int(exactly: seed).map { .integer($0) } ?? .string(String(seed)),
            "configuration": .string(configuration),
            "class_names": .array(classNames.map { .string($0) }),
            "backbone": .string(backbone),
            "weight_digest": .string(weightDigest.hexadecimal),
            "input": input,
            "dataset_fingerprint": .string(datasetFingerprint.hexadecimal),
            "metrics": .object(metrics.mapValues { .number($0) }),
            "files": .object(files.mapValues { .string($0.hexadecimal) }),
        ]
        if !edits.isEmpty { members["edits"] = .array(edits.map(\.json)) }
        if !channelNames.isEmpty { members["channel_names"] = channelNamesJSON }
        return members
    }

    /// The bytes of `state.json`.
    var fileText: String {
        guard case .object(var members) = json else { preconditionFailure("a state is an object") }
        members[Self.digestKey] = .string(ContentDigest(of: json.text()).hexadecimal)
        return JSONValue.object(members).text(indented: true) + "\n"
    }

    /// Reads and checks `state.json`. Throws `CheckpointError`, `DurableFileError`.
    init(reading path: FilePath) throws {
        let bytes: [UInt8]
        do {
            bytes = try DurableFile.read(path)
        } catch DurableFileError.missing {
            throw CheckpointError.incomplete(path: path)
        }
        try self.init(parsing: bytes, path: path)
    }

    /// Checks the bytes of `state.json`; `path` names them in errors. Throws `CheckpointError`.
    init(parsing bytes: [UInt8], path: FilePath) throws {
        do {
            let value = try JSONValue(parsing: bytes)
            guard case .object(var members) = value else { throw Problem("it is not an object") }
            guard case .integer(let version) = members.removeValue(forKey: "schema_version") else {
                throw Problem("it has no \"schema_version\"")
            }
            guard [Self.schemaVersion, Self.editedSchemaVersion, Self.namedSchemaVersion].contains(version) else {
                throw CheckpointError.unknownVersion(path: path, found: version, supported: Self.namedSchemaVersion)
            }
            let digest = members.removeValue(forKey: Self.digestKey)
            try self.init(members)
            guard digest == .string(ContentDigest(of: json.text()).hexadecimal), Array(fileText.utf8) == bytes else {
                throw Problem("its content does not have the digest it states")
            }
        } catch let error as JSONError {
            throw CheckpointError.malformedState(path: path, problem: "\(error)")
        } catch let problem as Problem {
            throw CheckpointError.malformedState(path: path, problem: problem.text)
        }
    }

    private struct Problem: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }

    /// Takes every member once; none may be left.
    private init(_ object: [String: JSONValue]) throws {
        var members = object
        func take(_ key: String) throws -> JSONValue {
            guard let value = members.removeValue(forKey: key) else { throw Problem("it has no \"\(key)\"") }
            return value
        }
        func wrong(_ key: String) -> Problem { Problem("the value of \"\(key)\" is not of the right form") }
        func string(_ key: String) throws -> String {
            guard case .string(let value) = try take(key) else { throw wrong(key) }
            return value
        }
        func count(_ key: String) throws -> Int {
            guard case .integer(let value) = try take(key), value >= 0 else { throw wrong(key) }
            return value
        }
        func digest(_ key: String) throws -> ContentDigest {
            guard let value = ContentDigest(hexadecimal: try string(key)) else { throw wrong(key) }
            return value
        }
        func seed() throws -> UInt64 {
            switch try take("seed") {
            case .integer(let value) where value >= 0: return UInt64(value)
            case .string(let text):
                guard let value = UInt64(text) else { throw wrong("seed") }
                return value
            default: throw wrong("seed")
            }
        }
        func dictionary<Value>(_ key: String, _ convert: (JSONValue) -> Value?) throws -> [String: Value] {
            guard case .object(let values) = try take(key) else { throw wrong(key) }
            return try values.mapValues {
                guard let value = convert($0) else { throw wrong(key) }
                return value
            }
        }
        func classNames() throws -> [String] {
            guard case .array(let values) = try take("class_names") else { throw wrong("class_names") }
            return try values.map {
                guard case .string(let name) = $0 else { throw wrong("class_names") }
                return name
            }
        }
        func edits() throws -> [CheckpointEdit] {
            guard let value = members.removeValue(forKey: "edits") else { return [] }
            guard case .array(let values) = value, !values.isEmpty else { throw wrong("edits") }
            return try values.map {
                guard let edit = CheckpointEdit($0) else { throw wrong("edits") }
                return edit
            }
        }
        func channelNames() throws -> [Int: String] {
            guard let value = members.removeValue(forKey: "channel_names") else { return [:] }
            guard let names = Self.channelNames(value) else { throw wrong("channel_names") }
            return names
        }
        self.init(
            step: try count("step"), epoch: try count("epoch"), seed: try seed(),
            configuration: try string("configuration"), classNames: try classNames(),
            backbone: try string("backbone"), weightDigest: try digest("weight_digest"), input: try take("input"),
            datasetFingerprint: try digest("dataset_fingerprint"),
            metrics: try dictionary("metrics") { if case .number(let value) = $0 { value } else { nil } },
            edits: try edits(), channelNames: try channelNames(),
            files: try dictionary("files") {
                if case .string(let text) = $0 { ContentDigest(hexadecimal: text) } else { nil }
            })
        if let key = members.keys.sorted().first { throw Problem("it has the unknown key \"\(key)\"") }
    }
}
