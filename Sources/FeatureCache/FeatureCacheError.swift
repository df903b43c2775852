public import SystemPackage

/// What can be wrong with a cache. Files that cannot be read or written are a `DurableFileError`.
public enum FeatureCacheError: Error, Equatable, Sendable {
    /// The folder has no index.
    case noIndex(directory: FilePath)
    /// The index is damaged or not of the right form.
    case corruptIndex(path: FilePath, problem: String)
    /// The index was written by another version of this program.
    case unknownVersion(path: FilePath, found: Int, supported: Int)
    /// The cache was made from something else than what is asked for.
    case mismatch(directory: FilePath, differences: [CacheDifference])
    /// Shards have not been written yet.
    case incomplete(directory: FilePath, missingShards: [Int], shardCount: Int)
    /// The file of a shard is damaged or is not what the index says.
    case corruptShard(path: FilePath, problem: String)
    /// The same, found out when one of its rows was asked for.
    case corruptRow(path: FilePath, row: Int, sample: String, problem: String)
    /// A damaged file was made anew, and is another than it was; `sample` is that of the row, if it is known.
    case notReproduced(path: FilePath, sample: String?)
    /// The network gave a value that the cache cannot hold.
    case notRepresentable(sample: String, value: Float, precision: CachePrecision)

    /// The exit code (sysexits) of a program that ends with this error: 66 for a missing cache, else 65.
    public var exitCode: Int32 {
        if case .noIndex = self { 66 } else { 65 }
    }
}

extension FeatureCacheError: CustomStringConvertible {
    private static let advice =
        "Where the images are, extract --verify makes anew what is damaged; or bring the file back from a copy."

    public var description: String {
        switch self {
        case .noIndex(let directory):
            "\(directory) is not a feature cache: it has no index.json. Check the path, or run extract."
        case .corruptIndex(let path, let problem):
            "\(path) is damaged: \(problem). Delete the cache's folder and run extract again."
        case .unknownVersion(let path, let found, let supported):
            "\(path) has the schema version \(found) and this program reads version \(supported). "
                + "Delete the cache's folder and run extract again."
        case .mismatch(let directory, let differences):
            "the cache \(directory) does not fit: \(differences.map(\.description).joined(separator: "; ")). "
                + "Use another folder for the cache, or delete this one and run extract again."
        case .incomplete(let directory, let missing, let count):
            "the cache \(directory) is not complete: \(missing.count) of its \(count) shards are missing, the first is "
                + "shard \(missing.first ?? 0). Run extract again: it goes on where it stopped."
        case .corruptShard(let path, let problem):
            "\(path) is damaged: \(problem). \(Self.advice)"
        case .corruptRow(let path, let row, let sample, let problem):
            "\(path) is damaged: \(problem). Row \(row), \(sample), cannot be read. \(Self.advice)"
        case .notReproduced(let path, let sample):
            "\(path) is damaged, and extracting it again gives other features than it had"
                + "\(sample.map { " (for \($0))" } ?? ""), so that it was made from other images, or by another version of "
                + "this program. Extract into another folder."
        case .notRepresentable(let sample, let value, let precision):
            if value.isFinite {
                "the backbone gave \(value) for \(sample), more than \(precision.rawValue) can hold. "
                    + "Use a new cache with the precision f32."
            } else {
                "the backbone gave \(value) for \(sample). Check the weights and the image."
            }
        }
    }
}
