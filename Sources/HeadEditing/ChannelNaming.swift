import Checkpoints
import DurableFiles
import Evaluation
public import Inference
public import Results
import RunConfiguration
public import SystemPackage

/// Puts names of channels into a checkpoint of its own, which is otherwise the same: its head has the same digest, and a training goes
/// on from it as from the old one.
public struct ChannelNaming: Sendable {
    private let model: TrainedModel
    /// What the channels of the new checkpoint are called.
    public let names: ChannelNames

    /// What else is known of the same head, beside its run's checkpoints.
    private static let companions = ["metrics.jsonl", "metrics.csv", "scorecard.json"]

    /// - Throws: `HeadEditingError.namesNothing` for the names that the checkpoint has.
    public init(_ names: ChannelNames, of model: TrainedModel) throws {
        guard names.names != model.checkpoint.state.channelNames else {
            throw HeadEditingError.namesNothing(checkpoint: model.checkpoint.directory)
        }
        (self.model, self.names) = (model, names)
    }

    /// Writes the checkpoint of a new run in `directory`, with the configuration and the curves of the old one, and gives its folder.
    /// - Throws: `DurableFileError`.
    public func save(in directory: FilePath) throws -> FilePath {
        let checkpoint = model.checkpoint
        var state = checkpoint.state
        state.channelNames = names.names
        state.files = [:]
        try model.beginRun(in: directory, copying: Self.companions)
        return try CheckpointStore(runDirectory: directory).save(
            state, channelMap: checkpoint.channelMap, classifier: checkpoint.classifier, bias: checkpoint.bias,
            mask: checkpoint.mask, epsilon: checkpoint.epsilon, optimizer: checkpoint.optimizer)
    }
}

extension TrainedModel {
    /// What the channels are called now.
    /// - Throws: `ResultsError.badNames` for a `names.yaml` of the run that cannot be used, `DurableFileError`.
    func channelNames() throws -> ChannelNames {
        try ChannelNames(
            ofRun: runDirectory, recorded: checkpoint.state.channelNames, channelCount: checkpoint.channelCount)
    }

    /// Makes the folder of a run with this model's configuration, what is known of its features, and other files of its run that are
    /// there.
    func beginRun(in directory: FilePath, copying names: [String] = []) throws {
        var configuration = configuration
        configuration.run.directory = directory.absolute
        try DurableFile.createDirectory(directory)
        try DurableFile.write(configuration.yaml, to: directory.appending(RunPlaces.configurationName))
        for name in names + [BlackBox.keptName] {
            guard let path = runDirectory?.appending(name), DurableFile.exists(path) else { continue }
            try DurableFile.write(DurableFile.read(path), to: directory.appending(name))
        }
    }
}
