public import SystemPackage

/// What can go wrong when the explorer's pages are made.
public enum ExplorerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A file of the pages that should lie beside the program is not there.
    case missingResource(path: FilePath)
    /// The folder that the pages' files go to holds something else.
    case foreignFolder(path: FilePath)
    /// A scorecard that cannot be shown.
    case badScorecard(path: FilePath, reason: String)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .missingResource: 66
        case .foreignFolder: 64
        case .badScorecard: 65
        }
    }

    public var description: String {
        switch self {
        case .missingResource(let path):
            "\(path) is not there. The folders that end in .resources belong beside the program: copy them with it."
        case .foreignFolder(let path):
            "\(path) is no folder of a report, and would be replaced. Choose another folder with --output."
        case .badScorecard(let path, let reason):
            "The scorecard \(path) cannot be shown: \(reason). It should be what `infodisent evaluate --metrics all --json` prints."
        }
    }
}
