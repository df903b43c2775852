import SystemPackage

/// Why a part data set could not be made.
public enum PartDatasetError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidOption(name: String, value: Int, expected: String)
    case outputNotEmpty(FilePath)
    case notADirectory(FilePath)

    public var description: String {
        switch self {
        case .invalidOption(let name, let value, let expected):
            "The \(name) of the part data set cannot be \(value): expected \(expected)."
        case .outputNotEmpty(let path):
            "The output directory \(path) is not empty. Choose another one, or remove it first."
        case .notADirectory(let path):
            "The output \(path) exists and is not a directory. Choose another one, or remove it first."
        }
    }
}
