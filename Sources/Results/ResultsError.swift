public import SystemPackage

/// What can be wrong with a file of a user's that says something about a head.
public enum ResultsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A list of edits that cannot be used.
    case badEdits(path: FilePath, reason: String)
    /// Names of channels that cannot be used.
    case badNames(path: FilePath, reason: String)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 { 65 }

    public var description: String {
        switch self {
        case .badEdits(let path, let reason):
            """
            The edits in \(path) cannot be used: \(reason). An edit list is what the report's page exports, such as \
            {"schema": "\(HeadEdits.schema)", "checkpoint": "SHA-256 of its head.safetensors", "channels": {"28": 0.0}}.
            """
        case .badNames(let path, let reason):
            """
            The names in \(path) cannot be used: \(reason). Each line should be the number of a channel and its name, such \
            as 28: dotted wing.
            """
        }
    }
}
