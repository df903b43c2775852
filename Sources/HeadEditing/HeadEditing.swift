import Checkpoints
import Datasets
public import DisentangledHead
import DurableFiles
import Evaluation
public import FeatureCache
public import Inference
public import MessagePassing
public import Results
public import SystemPackage
public import Tensors

/// Turns a list of edits into a run of its own.
public struct HeadEditing: Sendable {
    private let model: TrainedModel
    private let edits: HeadEdits
    /// What the channels of the new checkpoint are called.
    public let names: ChannelNames
    /// The head with its edits.
    public let edited: Head
    /// Weights that are another number than before.
    public let changedWeightCount: Int

    /// - Parameters:
    ///   - path: where the edits come from, for errors.
    ///   - names: what the channels are called; nil for the names that they have.
    /// - Throws: `HeadEditingError.changesNothing`, `HeadError`, `ResultsError.badNames` for a `names.yaml` of the run.
    public init(_ edits: HeadEdits, from path: FilePath, of model: TrainedModel, names: ChannelNames? = nil) throws {
        self.model = model
        self.edits = edits
        // U is as it was, and so are the names.
        self.names = try names ?? model.channelNames()
        edited = try edits.applied(to: model.head)
        changedWeightCount = zip(edited.classifier.weights, model.head.classifier.weights).count { $0 != $1 }
        guard changedWeightCount > 0 else { throw HeadEditingError.changesNothing(path: path) }
    }

    /// The accuracy of the head on the test images as it was and as it is.
    public struct Comparison: Equatable, Sendable {
        public let imageCount: Int
        public let before: Accuracy
        public let after: Accuracy
        /// Top-5 whatever the number of classes, as a checkpoint's metrics have it.
        let afterTop5: Double
        /// Images that another class is predicted for.
        public let changedCount: Int
    }

    /// Evaluates both heads on the cached features of the test images. Collective; all ranks get the same.
    public func compare(
        on cache: FeatureCache, team: WorkerTeam, communicator: any Communicator = SingleProcess()
    ) throws -> Comparison {
        // Images, top-1 and top-5 before, those after, changes.
        communicator.activity.begin(step: 0, "evaluating")
        let counts = try communicator.sumTogether(count: 6) {
            var counts = [Int64](repeating: 0, count: 6)
            let share = cache.share(of: Split.test.rawValue, on: communicator)
            try cache.forEachBatch(of: share) { samples, features in
                let (before, after) = try (
                    model.head.forward(features, team: team), edited.forward(features, team: team)
                )
                for (row, sample) in samples.enumerated() {
                    counts[0] += 1
                    let label = cache.samples.label(of: sample)
                    for (place, result) in [(1, before), (3, after)] {
                        guard let rank = Ranking.rank(of: label, in: result.logits(ofImage: row)) else { continue }
                        if rank == 0 { counts[place] += 1 }
                        if rank < 5 { counts[place + 1] += 1 }
                    }
                    if Ranking.first(of: before.logits(ofImage: row)) != Ranking.first(of: after.logits(ofImage: row)) {
                        counts[5] += 1
                    }
                }
                communicator.activity.progress()
            }
            return counts
        }
        let total = Double(max(counts[0], 1))
        func accuracy(_ place: Int) -> Accuracy {
            Accuracy(
                top1: Double(counts[place]) / total, top5: Double(counts[place + 1]) / total,
                classCount: edited.classCount)
        }
        return Comparison(
            imageCount: Int(counts[0]), before: accuracy(1), after: accuracy(3), afterTop5: Double(counts[4]) / total,
            changedCount: Int(counts[5]))
    }

    /// Writes the edited head as the checkpoint of a new run in `directory`, with the configuration of the run it was trained in, and
    /// gives the checkpoint's folder. What it was trained with goes with it, but for the optimizer's state: a training does not go on
    /// from it.
    /// - Throws: `CheckpointError.notFinite`, `DurableFileError`.
    public func save(in directory: FilePath, _ comparison: Comparison) throws -> FilePath {
        let checkpoint = model.checkpoint
        var state = checkpoint.state
        state.edits.append(
            CheckpointEdit(
                head: checkpoint.headDigest, checkpoint: model.checkpointName, channels: edits.channels,
                classes: edits.classes))
        state.channelNames = names.names
        state.metrics = ["test_top1": comparison.after.top1, "test_top5": comparison.afterTop5]
        state.files = [:]
        try model.beginRun(in: directory)
        return try CheckpointStore(runDirectory: directory).save(
            state, channelMap: edited.channelMap, classifier: edited.classifier.weights, bias: edited.classifier.bias,
            mask: edited.classifier.mask, epsilon: edited.epsilon, optimizer: [])
    }
}
