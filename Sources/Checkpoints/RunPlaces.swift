import DurableFiles
public import SystemPackage

/// Where the files of a run are, as the effective configuration beside its checkpoints says. The checkpoints themselves do not
/// say it, so that equal runs have equal checkpoints.
public struct RunPlaces: Equatable, Sendable {
    /// The file in a run's folder with its effective configuration.
    public static let configurationName = "config.yaml"
    /// The file in a run's folder with names of channels, which count before those of a checkpoint.
    public static let channelNamesName = "names.yaml"

    /// The paths by the configuration's keys, such as `dataset.root`; those that are set.
    public let paths: [String: FilePath]

    /// Nil for a checkpoint that was moved out of its run, or a run without a readable configuration.
    public init?(ofCheckpoint directory: FilePath) {
        guard let run = Self.run(ofCheckpoint: directory),
            let bytes = try? DurableFile.read(run.appending(Self.configurationName))
        else { return nil }
        let values = ConfigurationText.values(String(decoding: bytes, as: UTF8.self))
        paths = Dictionary(
            uniqueKeysWithValues: ["dataset.root", "backbone.weights", "cache.directory"].compactMap { key in
                values[key].map { (key, FilePath($0)) }
            })
    }

    /// The run's `names.yaml`, if it is there.
    public static func channelNames(ofCheckpoint directory: FilePath) -> FilePath? {
        run(ofCheckpoint: directory).map { $0.appending(channelNamesName) }.flatMap {
            DurableFile.exists($0) ? $0 : nil
        }
    }

    private static func run(ofCheckpoint directory: FilePath) -> FilePath? {
        let folder = directory.removingLastComponent()
        return folder.lastComponent == "checkpoints" ? folder.removingLastComponent() : nil
    }
}
