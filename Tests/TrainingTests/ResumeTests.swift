import Checkpoints
import DisentangledHead
import DurableFiles
import Inference
import RunConfiguration
import RunControl
import SmallModel
import SystemPackage
import TemporaryFolders
import Testing
import Training

@Suite struct ResumeTests {
    private func bytes(of checkpoint: FilePath) throws -> [[UInt8]] {
        try ["head.safetensors", "optimizer.safetensors", "state.json"].map {
            try DurableFile.read(checkpoint.appending($0))
        }
    }

    /// Trains, asking to stop before the first step so that a single one is taken.
    private func trainOneStep(_ small: SmallRun, _ resume: TrainingRun.Resume = .automatic) throws
        -> TrainingRun.Outcome
    {
        let stop = StopRequest()
        stop.request()
        var run = try TrainingRun(small.experiment(), cache: small.cache(), resume: resume, stop: stop)
        return try run.run()
    }

    @Test(
        arguments: [
            (ChannelMapKind.riemannian, ChannelSides.tied), (.exponential, .tied), (.cayley, .tied),
            (.riemannian, .untied), (.riemannian, .positive),
        ])
    func aRunThatStopsAfterEveryStepEndsWithTheSameBytes(map: ChannelMapKind, sides: ChannelSides) throws {
        try withTemporaryFolder { folder in
            var small = try SmallRun(in: folder)
            small.configuration.training.epochs = 2
            small.configuration.head.channelMap = map
            small.configuration.head.signs = sides
            let whole = try bytes(of: small.train().checkpoint)

            small.configuration.run.directory = folder.appending("in-steps")
            var outcome = try trainOneStep(small)
            var stepCount = 1
            while !outcome.isComplete {
                #expect(outcome.step == stepCount)
                outcome = try trainOneStep(small)
                stepCount += 1
            }
            #expect(stepCount == outcome.totalSteps)
            #expect(try bytes(of: outcome.checkpoint) == whole)
        }
    }

    @Test func aRunOfFewChannelsAnImageGoesOnWithTheTeacherThatItStartedFrom() throws {
        try withTemporaryFolder { folder in
            var small = try SmallRun(in: folder)
            small.configuration.training.epochs = 2
            small.configuration.head.channelsPerImage = 20
            let first = try small.train().checkpoint
            small.configuration.head.start = first
            small.configuration.head.classifierInit = .uniform
            small.configuration.head.pooling = .argmax
            small.configuration.head.channelsPerImage = 5
            small.configuration.training.distillation.teacher = .start
            small.configuration.run.directory = folder.appending("few")
            let whole = try small.train().checkpoint
            #expect(
                try Checkpoint(reading: whole).optimizer.first { $0.name == "teacher.channels_per_image" }?.elements
                    == [20])
            small.configuration.run.directory = folder.appending("in-steps")
            var outcome = try trainOneStep(small)
            while !outcome.isComplete { outcome = try trainOneStep(small) }
            #expect(try bytes(of: outcome.checkpoint) == bytes(of: whole))
            #expect(try TrainedModel(folder.appending("few")).head.channelsPerImage == 5)
        }
    }

    @Test func aFreshStartDoesNotLoseCheckpoints() throws {
        try withTemporaryFolder { folder in
            let small = try SmallRun(in: folder)
            _ = try trainOneStep(small)
            #expect(
                throws: TrainingError.runExists(
                    directory: small.configuration.run.directory.appending("checkpoints"))
            ) {
                try small.train(.never)
            }
        }
    }

    @Test func anOlderCheckpointCanBeGoneOnFrom() throws {
        try withTemporaryFolder { folder in
            var small = try SmallRun(in: folder)
            small.configuration.checkpoint.every = 2
            let whole = try small.train()
            let older = try #require(
                try CheckpointStore(runDirectory: small.configuration.run.directory).list().first)
            small.configuration.run.directory = folder.appending("again")
            let outcome = try small.train(.from(older))
            #expect(try bytes(of: outcome.checkpoint) == bytes(of: whole.checkpoint))
        }
    }

    @Test func aCheckpointOfAnotherConfigurationIsRefusedWithTheKey() throws {
        try withTemporaryFolder { folder in
            var small = try SmallRun(in: folder)
            let step = try trainOneStep(small)
            small.configuration.training.learningRate *= 2
            let error = #expect(throws: TrainingError.self) { try small.train() }
            guard case .configurationDiffers(step.checkpoint, let differences) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(differences.count == 1 && differences[0].contains("training.learning_rate"))
        }
    }

    @Test func aDamagedLastCheckpointIsPassedOver() throws {
        try withTemporaryFolder { folder in
            var small = try SmallRun(in: folder)
            small.configuration.checkpoint.every = 2
            let whole = try small.train()
            let expected = try bytes(of: whole.checkpoint)
            var head = try DurableFile.read(whole.checkpoint.appending("head.safetensors"))
            head[head.count - 1] ^= 1
            try DurableFile.write(head, to: whole.checkpoint.appending("head.safetensors"))
            #expect(try bytes(of: small.train().checkpoint) == expected)
        }
    }

    @Test func aRunWithNewWeightsOrImagesIsRefused() throws {
        try withTemporaryFolder { folder in
            var small = try SmallRun(in: folder)
            let step = try trainOneStep(small)
            small.configuration.cache.directory = folder.appending("other-features")
            let image = try #require(small.experiment().dataset.train.first)
            try DurableFile.remove(small.configuration.dataset.root.appending(image.path))
            let error = #expect(throws: ExperimentError.self) { try small.train() }
            guard case .provenanceDiffers(let checkpoint, _, _, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(checkpoint == step.checkpoint)
        }
    }
}
