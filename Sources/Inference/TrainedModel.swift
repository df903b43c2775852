import Checkpoints
import Datasets
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
    public var headDigest: ContentDigest { checkpoint.headDigest }

    /// Reads the checkpoint at `path` (a run directory, its checkpoints folder, or one checkpoint's folder). Collective:
    /// rank 0 reads it and gives it to the others.
    ///
    /// - Parameter overrides: `section.key=value`, for paths of the configuration that have moved.
    /// - Throws: `CheckpointError`, `ConfigurationError`, the errors of a dataset or weights that are gone, and
    ///   `ExperimentError.provenanceDiffers` if they are not the ones the checkpoint was made from.
    public init(
        _ path: FilePath, overrides: [String] = [], communicator: any Communicator = SingleProcess(),
        team: WorkerTeam = WorkerTeam()
    ) throws {
        communicator.activity.begin(step: 0, "reading the checkpoint \(path)")
        let read = try communicator.checkpointFromRank0 {
            try CheckpointStore.withCheckpoint(at: path) { try Checkpoint(reading: $0.absolute) }
        }
        guard let read else { preconditionFailure("rank 0 reads a checkpoint or throws") }
        checkpoint = read
        runDirectory = Self.runDirectory(of: checkpoint)
        // No value holds a zero byte.
        let text = try communicator.fromRank0(allowing: .seconds(60)) { [runDirectory] in
            Array(try Self.locations(ofRun: runDirectory).joined(separator: "\0").utf8)
        }
        let locations = text.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        configuration = try Self.configuration(of: checkpoint, overrides: locations + overrides)
        experiment = try Experiment(configuration, on: communicator, team: team) { [configuration, checkpoint] error in
            switch error {
            case DatasetError.missingRoot(let path):
                ExperimentError.moved(checkpoint: checkpoint.directory, key: "dataset.root", path: path)
            case DurableFileError.missing(let path) where path == configuration.backbone.weights:
                ExperimentError.moved(checkpoint: checkpoint.directory, key: "backbone.weights", path: path)
            default: error
            }
        }
        try checkpoint.requireSameData(as: experiment)
        head = try checkpoint.head(as: configuration.head)
        try configuration.headConfiguration(totalSteps: 0).requireForm(of: head.classifier)
    }

    private static func configuration(of checkpoint: Checkpoint, overrides: [String]) throws -> RunConfiguration {
        do {
            return try RunConfiguration(recordedIn: checkpoint.state, of: checkpoint.directory, overrides: overrides)
        } catch {
            guard case .missingKey(_, let key) = error else { throw error }
            throw ExperimentError.locationUnknown(checkpoint: checkpoint.directory, key: key)
        }
    }

    /// The run that a checkpoint lies in; nil for one that was moved out of its run.
    package static func runDirectory(of checkpoint: Checkpoint) -> FilePath? {
        let folder = checkpoint.directory.removingLastComponent()
        return folder.lastComponent == "checkpoints" ? folder.removingLastComponent() : nil
    }

    /// Where the run's own configuration says that dataset, weights and cache are; a checkpoint does not say it, so that
    /// equal runs have equal checkpoints. Nothing but the run directory if there is no such file.
    package static func locations(ofRun runDirectory: FilePath?) throws -> [String] {
        guard let runDirectory else { return ["run.directory=none"] }
        let path = runDirectory.appending(RunPlaces.configurationName)
        guard DurableFile.exists(path) else { return ["run.directory=\(runDirectory)"] }
        return try RunConfiguration(contentsOf: path).locations + ["run.directory=\(runDirectory)"]
    }
}

extension Checkpoint {
    /// The head of the checkpoint, whose configuration says what its sides are and how many channels of an image count.
    /// - Throws: `HeadError`, such as `.shapeMismatch` for a classifier that does not have the columns for them.
    package func head(as configuration: RunConfiguration.Head) throws -> Head {
        let sides = configuration.signs
        guard weightsPerClass == channelCount * sides.valuesPerChannel else {
            throw HeadError.shapeMismatch(
                tensor: "classifier", expected: [classCount, channelCount * sides.valuesPerChannel],
                found: [classCount, weightsPerClass])
        }
        let isPosthoc = configuration.mode == .posthoc
        return try Head(
            channelMap: channelMap,
            classifier: Classifier(
                weights: classifier, bias: bias, mask: mask, signs: isPosthoc ? .any : .nonNegative,
                classCount: classCount, channelCount: weightsPerClass),
            sides: sides, channelsPerImage: configuration.channelsPerImage,
            reading: isPosthoc ? .mean(epsilon: epsilon) : .extrema, loss: configuration.loss)
    }

    /// Checks that the dataset, the weights and the input are those the checkpoint was made from.
    /// - Throws: `ExperimentError.provenanceDiffers` naming the first that is not.
    package func requireSameData(as experiment: Experiment) throws {
        let identity = experiment.cacheIdentity
        func require(_ what: String, _ recorded: String, _ found: String) throws {
            guard recorded == found else {
                throw ExperimentError.provenanceDiffers(
                    checkpoint: directory, what: what, expected: recorded, found: found)
            }
        }
        try require("backbone", state.backbone, identity.backbone)
        try require("weight file (SHA-256)", "\(state.weightDigest)", "\(identity.weightDigest)")
        if state.datasetFingerprint != identity.datasetFingerprint {
            // The cache that the checkpoint was trained on may still be there.
            let directory = experiment.configuration.cache.directory
            let cached = try? CachedImages(directory: directory).identity.datasetFingerprint
            let more =
                cached == state.datasetFingerprint ? experiment.differencesOfImages(fromCacheIn: directory) : []
            let details = more.map { "; in the cache \(directory), \($0)" }.joined()
            try require(
                "dataset (fingerprint)", "\(state.datasetFingerprint)", "\(identity.datasetFingerprint)\(details)")
        }
        try require("input preset", state.input.text(), try JSONValue(encoding: identity.input).text())
        try require("list of classes", "\(state.classNames)", "\(identity.classNames)")
    }
}
