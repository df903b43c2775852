import Foundation
import Testing

/// A small part dataset with its feature cache, made once by the built program and copied for each test.
enum SmallExperiment {
    private static let made: Result<Folder, any Error> = Result {
        let folder = try Folder()
        try Tool.infodisent.succeed(
            "generate", "--output", "birds", "--classes", "4", "--train", "12", "--test", "5", "--side", "128",
            in: folder)
        try folder.write(Data(configuration.utf8), to: "small.yaml")
        try Tool.infodisent.succeed("extract", "--config", "small.yaml", in: folder)
        atexit { SmallExperiment.remove() }
        return folder
    }

    /// Statics are never released, so their folder is removed when the tests end.
    private static func remove() {
        if let folder = try? made.get() { try? FileManager.default.removeItem(atPath: folder.path.string) }
    }

    private static let configuration = """
        run:
          directory: run
          seed: 3
        dataset:
          kind: parts
          root: birds
        cache:
          directory: features
          samples_per_shard: 10
        training:
          epochs: 6
          batch_size: 16
          logical_shards: 4
        checkpoint:
          every: 4
        """

    /// A new folder with `birds`, `features` and `small.yaml`.
    static func folder() throws -> Folder {
        let source = try made.get()
        let folder = try Folder()
        for name in ["birds", "features", "small.yaml"] {
            try FileManager.default.copyItem(at: source.url(name), to: folder.url(name))
        }
        return folder
    }

    /// The same, with a finished run in `run`.
    static func trainedFolder() throws -> Folder {
        let folder = try folder()
        try Tool.infodisent.succeed("train", "--config", "small.yaml", in: folder)
        return folder
    }

    /// A command's arguments, with its configuration and keys that are set otherwise (`section.key=value`).
    static func arguments(_ command: String, setting settings: [String]) -> [String] {
        [command, "--config", "small.yaml"] + settings.flatMap { ["--set", $0] }
    }
}
