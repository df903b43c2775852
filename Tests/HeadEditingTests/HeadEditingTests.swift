import Checkpoints
import DisentangledHead
import DurableFiles
import Extraction
import HeadEditing
import Inference
import Results
import SmallModel
import SystemPackage
import TemporaryFolders
import Tensors
import Testing
import Training

/// A head with its channels weighted otherwise is a run that every other command takes.
@Suite struct HeadEditingTests {
    private func head(sides: ChannelSides) throws -> Head {
        let width = 3 * sides.valuesPerChannel
        return try Head(
            channelMap: [1, 0, 0, 0, 1, 0, 0, 0, 1],
            classifier: Classifier(
                weights: (0..<2 * width).map { Float($0 + 1) }, bias: [5, 6], classCount: 2, channelCount: width),
            sides: sides)
    }

    private static let digest = ContentDigest(of: "head")

    @Test func factorsMultiplyColumnsOfBothSidesAndAClassHasItsOwn() throws {
        let edits = HeadEdits(checkpoint: Self.digest, channels: [0: 0, 2: 0.5], classes: [1: [1: 2, 2: 4]])
        let tied = try edits.applied(to: head(sides: .tied))
        #expect(tied.classifier.weights == [0, 2, 1.5, 0, 10, 12] && tied.classifier.bias == [5, 6])
        let untied = try edits.applied(to: head(sides: .untied))
        #expect(untied.classifier.weights == [0, 2, 1.5, 0, 5, 3, 0, 16, 18, 0, 22, 24])
        #expect(untied.sides == .untied)
    }

    @Test func contributionsAreMultipliedByTheirFactors() throws {
        try withSmallModel { model in
            let label = 1
            let dataset = model.experiment.dataset
            let inference = try model.inference(ofImageAt: dataset.path(of: dataset.test[0]), team: WorkerTeam())
                .inference
            func contribution(_ head: Head, _ channel: Int) -> Float {
                head.contribution(of: channel, to: label, pooled: inference.pooled)
            }
            let channels = (0..<model.head.channelCount).sorted {
                abs(contribution(model.head, $0)) > abs(contribution(model.head, $1))
            }
            let edits = HeadEdits(checkpoint: model.headDigest, channels: [channels[0]: 0, channels[1]: 0.25])
            let edited = try edits.applied(to: model.head)
            #expect(contribution(edited, channels[0]) == 0)
            #expect(contribution(edited, channels[1]) == 0.25 * contribution(model.head, channels[1]))
            #expect(contribution(edited, channels[2]) == contribution(model.head, channels[2]))
            let expected =
                inference.logits[label] - contribution(model.head, channels[0])
                - 0.75 * contribution(model.head, channels[1])
            let logits = try edited.forward(inference.features, team: WorkerTeam()).logits
            #expect(abs(logits[label] - expected) < 1e-5)
        }
    }

    @Test func theNewRunSaysWhatWasEditedAndItsAccuracyIsThatOfEvaluate() throws {
        try withTemporaryFolder { folder in
            let run = try SmallRun(in: folder)
            try run.train()
            let model = try TrainedModel(folder.appending("run"))
            let cache = try run.cache()
            // Without its channels a head has its bias alone, and predicts one class for all.
            let all = Dictionary(uniqueKeysWithValues: (0..<model.head.channelCount).map { ($0, 0.0) })
            let editing = try HeadEditing(
                HeadEdits(checkpoint: model.headDigest, channels: all), from: "edits.json", of: model)
            let comparison = try editing.compare(on: cache, team: WorkerTeam())
            #expect(comparison.imageCount == 9 && comparison.after.top1 == 1.0 / 3)
            #expect(comparison.before.top1 > 0.9 && comparison.changedCount >= 5)
            let output = folder.appending("edited")
            let saved = try editing.save(in: output, comparison)
            let again = try TrainedModel(output)
            #expect(again.checkpoint.directory == saved && again.head == editing.edited)
            #expect(
                again.runDirectory == output && again.configuration.dataset.root == model.configuration.dataset.root)
            let state = again.checkpoint.state
            #expect(
                state.edits
                    == [
                        CheckpointEdit(
                            head: model.headDigest, checkpoint: model.checkpointName, channels: all, classes: [:])
                    ])
            #expect(state.metrics["test_top1"] == 1.0 / 3)
            // Edited once more, it knows both.
            let second = try HeadEditing(
                HeadEdits(checkpoint: model.headDigest, channels: [0: 0.5], classes: [2: [1: 3]]), from: "e", of: model)
            let twice = try second.save(in: folder.appending("twice"), comparison)
            #expect(try Checkpoint(reading: twice).state.edits[0].classes == [2: [1: 3]])
            // Training does not go on from it, but may begin with it.
            var configuration = run.configuration
            configuration.run.directory = output
            #expect(throws: TrainingError.self) {
                _ = try TrainingRun(Experiment(configuration), cache: cache)
            }
            configuration.run.directory = folder.appending("new")
            configuration.head.start = output
            configuration.head.classifierInit = .uniform
            configuration.head.pooling = .argmax
            var next = try TrainingRun(Experiment(configuration), cache: cache)
            #expect(try next.run().isComplete)
        }
    }

    @Test func anEditThatChangesNothingIsRefused() throws {
        try withSmallModel { model in
            for channels in [[:], [0: 1.0]] {
                #expect(throws: HeadEditingError.changesNothing(path: "edits.json")) {
                    _ = try HeadEditing(
                        HeadEdits(checkpoint: model.headDigest, channels: channels), from: "edits.json", of: model)
                }
            }
        }
    }
}
