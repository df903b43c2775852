import Checkpoints
import DisentangledHead
import DurableFiles
import FeatureCache
import Foundation
import RunConfiguration
import StrictJSON
import SystemPackage

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

    /// Reads the checkpoint at `path` (a run directory, its checkpoints folder, or one checkpoint's folder).
    ///
    /// - Parameter overrides: `section.key=value`, for paths of the configuration that have moved.
    /// - Throws: `CheckpointError`, `ConfigurationError`, the errors of a dataset or weights that are gone, and
    ///   `TrainingError.provenanceDiffers` if they are not the ones the checkpoint was made from.
    public init(_ path: FilePath, overrides: [String] = []) throws {
        let directory = try CheckpointStore.resolve(path).absolute
        checkpoint = try Checkpoint(reading: directory)
        let folder = directory.removingLastComponent()
        runDirectory = folder.lastComponent == "checkpoints" ? folder.removingLastComponent() : nil
        do {
            configuration = try RunConfiguration(
                yaml: checkpoint.state.configuration, source: "\(directory.appending("state.json"))",
                overrides: Self.locations(ofRun: runDirectory) + overrides)
        } catch ConfigurationError.missingKey(_, let key) {
            throw TrainingError.locationUnknown(checkpoint: directory, key: key)
        }
        experiment = try Experiment(configuration)
        try checkpoint.requireSameData(as: experiment)
        head = try checkpoint.head()
    }

    /// Where the run's own configuration says that dataset, weights and cache are; a checkpoint does not say it, so that
    /// equal runs have equal checkpoints. Nothing but the run directory if there is no such file.
    private static func locations(ofRun runDirectory: FilePath?) throws -> [String] {
        guard let runDirectory else { return ["run.directory=none"] }
        let path = runDirectory.appending(RunDirectory.configurationName)
        guard DurableFile.exists(path) else { return ["run.directory=\(runDirectory)"] }
        return try RunConfiguration(contentsOf: path).locations + ["run.directory=\(runDirectory)"]
    }

    /// The feature cache the head was trained on.
    /// - Throws: `FeatureCacheError` if it is gone, incomplete, or holds something else.
    public func cache() throws -> FeatureCache {
        try FeatureCache(directory: configuration.cache.directory, expecting: experiment.cacheIdentity)
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
