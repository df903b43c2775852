import DurableFiles
import SystemPackage
import Yams

/// A small file of a user's in YAML, of which JSON is a part: mappings of numbers to values.
struct UserMapping {
    /// More bytes than edits of a thousand classes' thousand channels have.
    static let byteLimit = 64 << 20

    /// Its entries, in the order of the file, each key once.
    let entries: [(key: String, value: Node)]
    private let refusal: (String) -> ResultsError

    /// The mapping that the file at `path` holds; none for an empty file.
    /// - Throws: `DurableFileError`, or what `refusal` makes of a reason.
    init(reading path: FilePath, refusal: @escaping (String) -> ResultsError) throws {
        let byteCount = try DurableFile.byteCount(of: path)
        guard byteCount <= Self.byteLimit else {
            throw refusal("it has \(byteCount) bytes, but at most \(Self.byteLimit) are read")
        }
        try self.init(text: String(decoding: DurableFile.read(path), as: UTF8.self), refusal: refusal)
    }

    init(text: String, refusal: @escaping (String) -> ResultsError) throws {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            // Yams shows the place on further lines; its first line says what is wrong and where.
            let reason = "\(error)".split(separator: "\n").first.map(String.init) ?? "it cannot be parsed"
            throw refusal("it is neither JSON nor YAML: \(reason)")
        }
        guard let root, root.null == nil else {
            self.init(entries: [], refusal: refusal)
            return
        }
        try self.init(root, named: "the file", refusal: refusal)
    }

    private init(entries: [(key: String, value: Node)], refusal: @escaping (String) -> ResultsError) {
        self.entries = entries
        self.refusal = refusal
    }

    private init(_ node: Node, named name: String, refusal: @escaping (String) -> ResultsError) throws {
        guard case .mapping(let mapping) = node else { throw refusal("\(name) is no mapping") }
        var seen: Set<String> = []
        let entries = try mapping.map { key, value in
            guard let text = key.scalar?.string else { throw refusal("a key of \(name) is no text") }
            guard seen.insert(text).inserted else { throw refusal("\(name) has the key \(text) twice") }
            return (key: text, value: value)
        }
        self.init(entries: entries, refusal: refusal)
    }

    subscript(key: String) -> Node? { entries.first { $0.key == key }?.value }

    /// The text of a value.
    func text(_ node: Node, named name: String) throws -> String {
        guard let text = node.scalar?.string else { throw refusal("\(name) is no text") }
        return text
    }

    /// What is below a number: a channel or a class, from 0.
    func numbered<Value>(_ node: Node, named name: String, _ value: (Node, String) throws -> Value) throws -> [Int:
        Value]
    {
        try UserMapping(node, named: name, refusal: refusal).numbered(named: name, value)
    }

    /// The values by the number that is their key.
    func numbered<Value>(named name: String, _ value: (Node, String) throws -> Value) throws -> [Int: Value] {
        var result: [Int: Value] = [:]
        for (key, node) in entries {
            // 007 and +7 would be second ways to write a key.
            guard let number = Int(key), number >= 0, "\(number)" == key else {
                throw refusal("the key '\(key.prefix(40))' of \(name) is no number from 0")
            }
            result[number] = try value(node, "\(name) \(number)")
        }
        return result
    }
}
