/// Where in a configuration a value stands.
public struct ValueLocation: Equatable, Sendable, CustomStringConvertible {
    /// The file's path, or `--set` for an override on the command line.
    public let source: String
    /// 1-based; nil for an override.
    public let line: Int?
    /// Section and key, joined by a dot.
    public let key: String

    public init(source: String, line: Int?, key: String) {
        self.source = source
        self.line = line
        self.key = key
    }

    public var description: String { "\(source)\(line.map { ":\($0)" } ?? ""): \(key)" }
}

/// What can be wrong with a configuration. The message says what was found, what was expected and what to do.
public enum ConfigurationError: Error, Equatable, CustomStringConvertible {
    case missingFile(path: String)
    case isFolder(path: String)
    case unreadable(path: String, reason: String)
    case notYAML(path: String, reason: String)
    case notASection(ValueLocation)
    case unknownKey(ValueLocation, suggestion: String?)
    case repeatedKey(ValueLocation)
    case badValue(ValueLocation, found: String, expected: String)
    case missingKey(source: String, key: String)
    case badOverride(String)
    case inconsistent(source: String, reason: String)

    public var description: String {
        switch self {
        case .missingFile(let path):
            "There is no configuration file \(path). Give the path of a YAML file such as those in Configs/."
        case .isFolder(let path):
            "\(path) is a folder. Give the path of a YAML file such as those in Configs/; a folder of images is dataset.root."
        case .unreadable(let path, let reason):
            "The configuration file \(path) cannot be read: \(reason)."
        case .notYAML(let path, let reason):
            "The configuration file \(path) is not valid YAML: \(reason)."
        case .notASection(let location):
            "\(location) should be a section with keys of its own, indented below it."
        case .unknownKey(let location, let suggestion):
            "\(location) is not a configuration key. \(suggestion ?? "README.md lists them.")"
        case .repeatedKey(let location):
            "\(location) is given twice. Keep one of them."
        case .badValue(let location, let found, let expected):
            "\(location) is \"\(found)\", but it takes \(expected)."
        case .missingKey(let source, let key):
            "\(source) does not set \(key), which has no default. Add it, or pass --set \(key)=VALUE."
        case .badOverride(let text):
            "--set \(text) is not of the form section.key=value."
        case .inconsistent(let source, let reason):
            "\(source): \(reason)"
        }
    }
}
