import Yams

/// The values of a configuration by the path of their key.
enum ConfigurationText {
    /// More values than any configuration has; what a hostile file repeats by aliases is cut here.
    static let valueLimit = 10_000

    /// "training.epochs": "20" and so on, elements of lists by their number. A text that is not YAML is compared line by
    /// line.
    static func values(_ text: String) -> [String: String] {
        guard let root = try? Yams.compose(yaml: text) else {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            return Dictionary(
                uniqueKeysWithValues: lines.enumerated().map { ("line \($0.offset + 1)", String($0.element)) })
        }
        var values: [String: String] = [:]
        collect(root, path: "", into: &values)
        return values
    }

    private static func collect(_ node: Node, path: String, into values: inout [String: String]) {
        guard values.count < valueLimit else { return }
        switch node {
        case .mapping(let mapping) where !mapping.isEmpty:
            for (key, value) in mapping { collect(value, path: joined(path, key.string ?? "?"), into: &values) }
        case .sequence(let sequence) where !sequence.isEmpty:
            for (index, element) in sequence.enumerated() {
                collect(element, path: joined(path, "\(index)"), into: &values)
            }
        case .scalar(let scalar): values[path] = scalar.string
        case .mapping: values[path] = "{}"
        case .sequence: values[path] = "[]"
        case .alias: values[path] = "an alias"
        }
    }

    private static func joined(_ path: String, _ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }
}
