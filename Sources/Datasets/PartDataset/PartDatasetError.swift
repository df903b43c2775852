import SystemPackage

/// Why a part data set could not be made.
public enum PartDatasetError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidOption(name: String, value: Int, expected: String)
    case outputNotEmpty(FilePath)
    case notADirectory(FilePath)
    case malformed(FilePath, line: Int?, reason: String)
    case unknownVersion(FilePath, found: Int, expected: Int)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .invalidOption, .outputNotEmpty, .notADirectory: 64
        case .malformed, .unknownVersion: 65
        }
    }

    public var description: String {
        switch self {
        case .invalidOption(let name, let value, let expected):
            "The \(name) of the part data set cannot be \(value): expected \(expected)."
        case .outputNotEmpty(let path):
            "The output directory \(path) is not empty. Choose another one, or remove it first."
        case .notADirectory(let path):
            "The output \(path) exists and is not a directory. Choose another one, or remove it first."
        case .malformed(let path, let line, let reason):
            "\(path)\(line.map { ", line \($0)" } ?? "") is malformed: \(reason). Generate the data set again."
        case .unknownVersion(let path, let found, let expected):
            "\(path) is of version \(found), and this program reads version \(expected). Generate the data set again."
        }
    }
}
