public import SystemPackage

/// What can be wrong with an edit of a head, beyond the list of edits itself.
public enum HeadEditingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Every weight is what it was.
    case changesNothing(path: FilePath)
    /// The checkpoint has these names already.
    case namesNothing(checkpoint: FilePath)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 { 65 }

    public var description: String {
        switch self {
        case .changesNothing(let path):
            "The edits in \(path) change no weight of this head: it has none for these channels, or each factor is 1. "
                + "Nothing was written."
        case .namesNothing(let checkpoint):
            "\(checkpoint) keeps these names of channels already. Nothing was written."
        }
    }
}
