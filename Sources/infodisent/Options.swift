import ArgumentParser
import Foundation
import MessagePassing
import RunConfiguration
import SystemPackage
import Tensors
import Training

/// How work is carried out; never changes a result.
struct DeploymentOptions: ParsableArguments {
    @Option(help: "Threads to use (default: the processors this process may use, shared with other ranks there).")
    var threads: Int?

    func validate() throws {
        if let threads, threads < 1 { throw ValidationError("--threads is \(threads), but at least 1 is needed.") }
    }

    var team: WorkerTeam { WorkerTeam(workerCount: threads) }
}

/// A configuration file and what overrides it.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: "The configuration file (YAML).", transform: { FilePath($0) })
    var path: FilePath
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Override a key of the configuration; may be repeated.", valueName: "key.path=value"))
    var overrides: [String] = []

    func load() throws -> RunConfiguration {
        try RunConfiguration(contentsOf: path, overrides: overrides).withAbsolutePaths()
    }
}

/// A checkpoint and what of its configuration is elsewhere now.
struct CheckpointOptions: ParsableArguments {
    @Option(
        name: .customLong("checkpoint"), help: "A run directory, its checkpoints folder, or one checkpoint's folder.",
        transform: { FilePath($0) })
    var path: FilePath
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Override a key of its configuration, such as a path that has moved; may be repeated.",
            valueName: "key.path=value"))
    var overrides: [String] = []

    func load(on communicator: any Communicator = SingleProcess()) throws -> TrainedModel {
        try TrainedModel(path, overrides: overrides, communicator: communicator)
    }
}

extension RunConfiguration {
    /// The same configuration with paths that mean the same from every directory.
    func withAbsolutePaths() -> RunConfiguration {
        let current = FilePath(FileManager.default.currentDirectoryPath)
        func absolute(_ path: FilePath) -> FilePath {
            path.isAbsolute ? path : current.pushing(path).lexicallyNormalized()
        }
        var result = self
        result.run.directory = absolute(run.directory)
        result.dataset.root = absolute(dataset.root)
        result.cache.directory = absolute(cache.directory)
        result.backbone.weights = backbone.weights.map(absolute)
        return result
    }
}
