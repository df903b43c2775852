import Checkpoints
import DisentangledHead
import DurableFiles
import FeatureCache
import Foundation
import MessagePassing
import RunConfiguration
import StrictJSON
import SystemPackage
import Tensors

/// A head read from a checkpoint, with the dataset, weights and backbone it was trained on, checked to be the same ones.
public struct TrainedModel: Sendable {
    public let checkpoint: Checkpoint
    public let configuration: RunConfiguration
    public let experiment: Experiment
    public let head: Head

    /// The folder of the run the checkpoint belongs to; nil for a checkpoint that was moved out of its run.
    public let runDirectory: FilePath?

    /// The checkpoint's folder name, such as step-00001234.
    public var checkpointName: String { checkpoint.directory.lastComponent?.string ?? "" }

    /// SHA-256 of the checkpoint's head.
    public var headDigest: ContentDigest {
        // A sound checkpoint states it (`Checkpoint.init(reading:)`).
        checkpoint.state.files["head.safetensors"]!
    }

    /// Reads the checkpoint at `path` (a run directory, its checkpoints folder, or one checkpoint's folder). Collective:
    /// rank 0 reads it and gives it to the others.
    ///
    /// - Parameter overrides: `section.key=value`, for paths of the configuration that have moved.
    /// - Throws: `CheckpointError`, `ConfigurationError`, the errors of a dataset or weights that are gone, and
    ///   `TrainingError.provenanceDiffers` if they are not the ones the checkpoint was made from.
    public init(
        _ path: FilePath, overrides: [String] = [], communicator: any Communicator = SingleProcess()
    ) throws {
        communicator.activity.begin(step: 0, "reading the checkpoint \(path)")
        var locations: [String] = []
        let bytes = try communicator.fromRank0(allowing: .seconds(600)) {
            let checkpoint = try Checkpoint(reading: CheckpointStore.resolve(path).absolute)
            locations = try Self.locations(ofRun: Self.runDirectory(of: checkpoint))
            return checkpoint.bytes
        }
        checkpoint = try Checkpoint(bytes: bytes)
        runDirectory = Self.runDirectory(of: checkpoint)
        // No value holds a zero byte.
        let text = try communicator.fromRank0(allowing: .zero) { Array(locations.joined(separator: "\0").utf8) }
        locations = text.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        configuration = try Self.configuration(of: checkpoint, overrides: locations + overrides)
        experiment = try Experiment(configuration, on: communicator)
        try checkpoint.requireSameData(as: experiment)
        head = try checkpoint.head()
    }

    private static func configuration(of checkpoint: Checkpoint, overrides: [String]) throws -> RunConfiguration {
        do {
            return try RunConfiguration(
                yaml: checkpoint.state.configuration, source: "\(checkpoint.directory.appending("state.json"))",
                overrides: overrides)
        } catch {
            guard case .missingKey(_, let key) = error else { throw error }
            throw TrainingError.locationUnknown(checkpoint: checkpoint.directory, key: key)
        }
    }

    /// The run that a checkpoint lies in; nil for one that was moved out of its run.
    private static func runDirectory(of checkpoint: Checkpoint) -> FilePath? {
        let folder = checkpoint.directory.removingLastComponent()
        return folder.lastComponent == "checkpoints" ? folder.removingLastComponent() : nil
    }

    /// Where the run's own configuration says that dataset, weights and cache are; a checkpoint does not say it, so that
    /// equal runs have equal checkpoints. Nothing but the run directory if there is no such file.
    private static func locations(ofRun runDirectory: FilePath?) throws -> [String] {
        guard let runDirectory else { return ["run.directory=none"] }
        let path = runDirectory.appending(RunDirectory.configurationName)
        guard DurableFile.exists(path) else { return ["run.directory=\(runDirectory)"] }
        return try RunConfiguration(contentsOf: path).locations + ["run.directory=\(runDirectory)"]
    }

    /// The feature cache the head was trained on. Collective. What is missing in a cache on the nodes' own disks is
    /// fetched from other ranks or extracted again.
    /// - Throws: `FeatureCacheError` if it is gone, incomplete, or holds something else.
    public func cache(
        on communicator: any Communicator = SingleProcess(), team: WorkerTeam = WorkerTeam(),
        progress: @escaping ProgressHandler = { _ in }
    ) throws -> FeatureCache {
        if configuration.cache.location == .nodeLocal,
            let cache = try Extraction.run(experiment, team: team, communicator: communicator, progress: progress)
        {
            return cache
        }
        return try communicator.together {
            try communicator.activity.allowing(.seconds(3600)) {
                try FeatureCache(directory: configuration.cache.directory, expecting: experiment.cacheIdentity)
            }
        }
    }
}

extension FilePath {
    /// The same place, whatever the current directory is.
    package var absolute: FilePath {
        isAbsolute
            ? lexicallyNormalized()
            : FilePath(FileManager.default.currentDirectoryPath).pushing(self).lexicallyNormalized()
    }
}

extension Checkpoint {
    /// The head of the checkpoint.
    func head() throws -> Head {
        try Head(
            channelMap: channelMap, classifier: classifier, channelCount: channelCount, classCount: classCount)
    }

    /// What the trainer needs to go on exactly.
    func trainerState() throws -> HeadTrainerState {
        HeadTrainerState(
            step: state.step, head: try head(),
            optimizer: optimizer.map { NamedTensor(name: $0.name, shape: $0.shape, values: $0.elements) })
    }

    /// Checks that the dataset, the weights and the input are those the checkpoint was made from.
    /// - Throws: `TrainingError.provenanceDiffers` naming the first that is not.
    func requireSameData(as experiment: Experiment) throws {
        let identity = experiment.cacheIdentity
        func require(_ what: String, _ recorded: String, _ found: String) throws {
            guard recorded == found else {
                throw TrainingError.provenanceDiffers(
                    checkpoint: directory, what: what, expected: recorded, found: found)
            }
        }
        try require("backbone", state.backbone, identity.backbone)
        try require("weight file (SHA-256)", "\(state.weightDigest)", "\(identity.weightDigest)")
        try require("dataset (fingerprint)", "\(state.datasetFingerprint)", "\(identity.datasetFingerprint)")
        try require("input preset", state.input.text(), try JSONValue(encoding: identity.input).text())
        try require("list of classes", "\(state.classNames)", "\(identity.classNames)")
    }

    /// Checks that the checkpoint is of the run that `experiment` describes.
    /// - Throws: `TrainingError.configurationDiffers` naming the keys, or `.provenanceDiffers`.
    func requireSameRun(as experiment: Experiment) throws {
        let recorded = try RunConfiguration(
            yaml: state.configuration, source: "\(directory.appending("state.json"))",
            overrides: experiment.configuration.locations)
        let differences = recorded.differences(from: experiment.configuration)
        guard differences.isEmpty else {
            throw TrainingError.configurationDiffers(checkpoint: directory, differences: differences)
        }
        try requireSameData(as: experiment)
    }
}

extension CheckpointState {
    /// The state of a run of `experiment` after some steps.
    init(_ trainer: HeadTrainerState, experiment: Experiment, epoch: Int, metrics: [String: Double]) throws {
        let identity = experiment.cacheIdentity
        self.init(
            step: trainer.step, epoch: epoch, seed: UInt64(experiment.configuration.run.seed),
            configuration: experiment.configuration.yaml(leavingOut: RunConfiguration.locationKeys),
            classNames: identity.classNames, backbone: identity.backbone, weightDigest: identity.weightDigest,
            input: try JSONValue(encoding: identity.input), datasetFingerprint: identity.datasetFingerprint,
            metrics: metrics)
    }
}
