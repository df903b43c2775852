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
            (ChannelMapKind.riemannian, ChannelSides.tied, 0.0), (.exponential, .tied, 0.1), (.cayley, .tied, 0),
            (.riemannian, .untied, 0.1), (.riemannian, .positive, 0),
        ])
    func aRunThatStopsAfterEveryStepEndsWithTheSameBytes(
        map: ChannelMapKind, sides: ChannelSides, purity: Double
    ) throws {
        try withTemporaryFolder { folder in
            var small = try SmallRun(in: folder)
            small.configuration.training.epochs = 2
            small.configuration.head.channelMap = map
            small.configuration.head.signs = sides
            small.configuration.training.purity.spatialEntropy = purity
            small.configuration.training.purity.decorrelation = purity
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

    @Test func aMapOfSomeChannelsGoesOnWithTheSameBytes() throws {
        try withTemporaryFolder { folder in
            var small = try SmallRun(in: folder)
            small.configuration.training.epochs = 2
            small.configuration.head.mapRank = .channels(20)
            let last = try small.train().checkpoint
            let whole = try bytes(of: last)
            small.configuration.run.directory = folder.appending("in-steps")
            var outcome = try trainOneStep(small)
            while !outcome.isComplete { outcome = try trainOneStep(small) }
            #expect(try bytes(of: outcome.checkpoint) == whole)

            let checkpoint = try Checkpoint(reading: last)
            let shapes = Dictionary(uniqueKeysWithValues: checkpoint.optimizer.map { ($0.name, $0.shape) })
            #expect(shapes["channel_map.channels"] == [20])
            #expect(shapes["channel_map.first_moment"] == [20, 20])
            #expect(checkpoint.channelMap.count == 192 * 192)
            let channels = try #require(checkpoint.optimizer.first { $0.name == "channel_map.channels" }).elements
            for row in 0..<192 {
                for column in 0..<192 where !channels.contains(Float(row)) || !channels.contains(Float(column)) {
                    #expect(checkpoint.channelMap[row * 192 + column] == (row == column ? 1 : 0))
                }
            }
        }
    }

    @Test func aRunThatStartsFromAHeadTurnsTheChannelsOfThat() throws {
        try withTemporaryFolder { folder in
            var small = try SmallRun(in: folder)
            small.configuration.training.epochs = 1
            small.configuration.head.mapRank = .channels(20)
            let first = try small.train().checkpoint
            small.configuration.head.start = first
            for (rank, count) in [(MapRank.automatic, 20), (.all, nil), (.channels(20), 20)] as [(MapRank, Int?)] {
                small.configuration.head.mapRank = rank
                small.configuration.run.directory = folder.appending("from-\(rank)")
                #expect(try trainOneStep(small).step == 1)
                let last = try Checkpoint(reading: small.train().checkpoint)
                #expect(last.optimizer.first { $0.name == "channel_map.channels" }?.shape.first == count)
                // What `auto` has come to is part of the record.
                #expect(last.state.configuration.contains("  map_rank: \(count.map(String.init) ?? "all")\n"))
            }
            small.configuration.head.mapRank = .channels(30)
            small.configuration.run.directory = folder.appending("from-others")
            let error = #expect(throws: TrainingError.self) { try small.train() }
            guard case .startUnfit(_, let problem, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(problem == "turns 20 channels, and head.map_rank is 30")
        }
    }

    @Test func asManyTurnedChannelsAsThereAreIsAll() throws {
        try withTemporaryFolder { folder in
            var small = try SmallRun(in: folder)
            small.configuration.training.epochs = 1
            var tensors: [[[UInt8]]] = []
            for rank in [MapRank.automatic, .all, .channels(192)] {
                small.configuration.head.mapRank = rank
                small.configuration.run.directory = folder.appending(rank.description)
                let checkpoint = try small.train().checkpoint
                tensors.append(
                    try ["head", "optimizer"].map { try DurableFile.read(checkpoint.appending("\($0).safetensors")) })
            }
            #expect(tensors[1] == tensors[0] && tensors[2] == tensors[0])
            // Nor is it another run.
            for directory in ["auto", "all"] {
                small.configuration.run.directory = folder.appending(directory)
                for rank in [MapRank.automatic, .all, .channels(192)] {
                    small.configuration.head.mapRank = rank
                    #expect(throws: Never.self) { try small.train() }
                }
            }

            small.configuration.head.mapRank = .channels(193)
            small.configuration.run.directory = folder.appending("too-many")
            #expect(throws: ExperimentError.mapRankTooLarge(rank: 193, channelCount: 192)) { try small.train() }
        }
    }

    @Test func aRunThatTurnsAllOrSomeChannelsIsNotGoneOnWithAsAnother() throws {
        try withTemporaryFolder { folder in
            var small = try SmallRun(in: folder)
            small.configuration.head.mapRank = .channels(20)
            #expect(try trainOneStep(small).step == 1)
            for rank in [MapRank.automatic, .all, .channels(21)] {
                small.configuration.head.mapRank = rank
                let error = #expect(throws: TrainingError.self) { try small.train() }
                guard case .configurationDiffers(_, let differences) = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
                #expect(differences.count == 1 && differences[0].hasPrefix("head.map_rank was 20 and is"))
            }
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
