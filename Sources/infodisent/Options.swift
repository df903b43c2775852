import ArgumentParser
import DeployedModels
import DurableFiles
import Foundation
import Inference
import MessagePassing
import RunConfiguration
import SystemPackage
import Tensors

/// How work is carried out; never changes a result.
struct DeploymentOptions: ParsableArguments {
    @Option(help: "Threads to use (default: the processors this process may use, shared with other ranks there).")
    var threads: Int?
    @OptionGroup var console: ConsoleOptions

    func validate() throws {
        if let threads, threads < 1 { throw ValidationError("--threads is \(threads), but at least 1 is needed.") }
    }

    var team: WorkerTeam {
        let team = WorkerTeam(workerCount: threads)
        OpenBLASMemory.expect(threads: team.workerCount)
        return team
    }
}

/// A configuration file and what overrides it.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .customLong("config"), help: "The configuration file (YAML).", completion: .configuration,
        transform: { FilePath($0) })
    var path: FilePath
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Override a key of the configuration; may be repeated.", valueName: "key.path=value"),
        completion: .configurationKey)
    var overrides: [String] = []

    func load() throws -> RunConfiguration {
        try RunConfiguration(contentsOf: path, overrides: overrides).withAbsolutePaths()
    }
}

/// A configuration file, which a command can do without, and what overrides it.
struct OptionalConfigurationOptions: ParsableArguments {
    @Option(
        name: .customLong("config"), help: "A configuration file (YAML).", completion: .configuration,
        transform: { FilePath($0) })
    var path: FilePath?
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Override a key of the configuration; may be repeated.", valueName: "key.path=value"),
        completion: .configurationKey)
    var overrides: [String] = []

    /// The configuration of the file, or of the defaults if there is none, with `sets` after the overrides.
    ///
    /// - Parameter unused: keys that every configuration must have and the command makes no use of.
    func load(_ sets: [String], unused: [String]) throws -> RunConfiguration {
        if let path { return try RunConfiguration(contentsOf: path, overrides: overrides + sets).withAbsolutePaths() }
        return try RunConfiguration(
            yaml: "", source: "The command line", overrides: unused.map { "\($0)=none" } + overrides + sets
        ).withAbsolutePaths()
    }
}

/// A checkpoint and what of its configuration is elsewhere now.
struct CheckpointOptions: ParsableArguments {
    @Option(
        name: .customLong("checkpoint"), help: "A run directory, its checkpoints folder, or one checkpoint's folder.",
        completion: .directory, transform: { FilePath($0) })
    var path: FilePath
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Override a key of its configuration, such as a path that has moved; may be repeated.",
            valueName: "key.path=value"), completion: .configurationKey)
    var overrides: [String] = []

    func load(
        on communicator: any Communicator = SingleProcess(), team: WorkerTeam
    ) throws -> TrainedModel {
        try checkOverrides()
        return try TrainedModel(path, overrides: overrides, communicator: communicator, team: team)
    }

    /// The head and its backbone, for images of any kind. Collective.
    func deploy(on communicator: any Communicator) throws -> DeployedModel {
        try checkOverrides()
        return try DeployedModel(path, overrides: overrides, communicator: communicator)
    }

    private func checkOverrides() throws {
        // What a checkpoint was trained with cannot be changed afterwards; saying so beats doing nothing.
        for override in overrides {
            let key = override.prefix { $0 != "=" }
            guard RunConfiguration.locationKeys.contains(String(key)) || key.hasPrefix("evaluation.") else {
                throw ValidationError(
                    "--set \(override): a checkpoint's \(key) is as it was trained; what can be set here is where "
                        + "things are (dataset.root, cache.directory, backbone.weights) and evaluation.")
            }
        }
    }
}

extension RunConfiguration {
    /// The same configuration with paths that mean the same from every directory.
    func withAbsolutePaths() -> RunConfiguration {
        var result = self
        result.run.directory = run.directory.absolute
        result.dataset.root = dataset.root.absolute
        result.cache.directory = cache.directory.absolute
        result.backbone.weights = backbone.weights?.absolute
        result.head.start = head.start?.absolute
        return result
    }
}
