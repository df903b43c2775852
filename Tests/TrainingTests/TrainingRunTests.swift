import Checkpoints
import DisentangledHead
import DurableFiles
import Evaluation
import RunConfiguration
import SmallModel
import SystemPackage
import TemporaryFolders
import Tensors
import Testing
import Training

@Suite struct TrainingRunTests {
    /// The bytes of the last checkpoint of a run, but for the names of its folders.
    private func lastCheckpoint(_ directory: FilePath) throws -> [[UInt8]] {
        let folder = try #require(try CheckpointStore(runDirectory: directory).list().last)
        return try ["head.safetensors", "optimizer.safetensors", "state.json"].map {
            try DurableFile.read(folder.appending($0))
        }
    }

    @Test func aRunWithAConstantLearningRateCanBeGivenMoreEpochs() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            run.configuration.head.pooling = .argmax
            run.configuration.training.schedule = .constant
            run.configuration.training.epochs = 2
            try run.train()
            run.configuration.training.epochs = 4
            let outcome = try run.train()
            #expect(outcome.isComplete && outcome.step == outcome.totalSteps)

            run.configuration.run.directory = folder.appending("at-once")
            try run.train()
            let bytes = try lastCheckpoint(folder.appending("run"))
            #expect(try lastCheckpoint(folder.appending("at-once")) == bytes)
        }
    }

    @Test func whereAllStepsDependOnTheEpochsAnotherNumberIsRefused() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            try run.train()
            run.configuration.training.epochs = 5
            let error = #expect(throws: TrainingError.self) { try run.train() }
            guard case .epochsDiffer(_, 4, 5, let reason) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(reason.contains("cosine"))
        }
    }

    @Test func fewerEpochsThanARunHasBehindItAreRefused() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            run.configuration.head.pooling = .argmax
            run.configuration.training.schedule = .constant
            let outcome = try run.train()
            run.configuration.training.epochs = 3
            let checkpoint = outcome.checkpoint
            #expect(
                throws: TrainingError.beyondTheEnd(
                    checkpoint: checkpoint, step: outcome.step, totalSteps: outcome.step / 4 * 3)
            ) { try run.train() }
        }
    }

    @Test func theBlackBoxIsWhereTheClassifierStartsAndWhatTeachesIt() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            run.configuration.head.bias = true
            run.configuration.head.classifierInit = .blackBox
            run.configuration.training.distillation.weight = 0.75
            // So small a rate leaves the classifier where it starts.
            run.configuration.training.learningRate = 1e-12
            run.configuration.training.epochs = 1
            let outcome = try run.train()
            let checkpoint = try Checkpoint(reading: outcome.checkpoint)
            let fitted = try BlackBox.fitted(
                to: run.cache(), shardCount: run.configuration.training.logicalShards, seed: 0, team: WorkerTeam()
            ).classifier
            let teacher = checkpoint.optimizer.filter { $0.name.hasPrefix("teacher.") }
            #expect(teacher.map(\.name) == ["teacher.bias", "teacher.weights"])
            #expect(teacher[0].elements == fitted.bias && teacher[1].elements == fitted.weights)
            #expect(fitted.weights.contains { $0 < 0 })
            for (found, expected) in zip(checkpoint.classifier, fitted.weights) {
                #expect(abs(found - max(0, expected)) < 1e-6)
            }
            for (found, expected) in zip(try #require(checkpoint.bias), try #require(fitted.bias)) {
                #expect(abs(found - expected) < 1e-6)
            }
        }
    }

    @Test func aScheduleOfTheHeadFixesTheEpochs() throws {
        try withTemporaryFolder { folder in
            for (name, reason, change) in [
                ("annealed", "sharpness", { $0.head.pooling = .annealed }),
                ("budget", "head.channels_per_class", { $0.head.channelsPerClass = 3 }),
                ("gauge", "head.gauge", { $0.head.gauge = true }),
            ] as [(String, String, (inout RunConfiguration) -> Void)] {
                var run = try SmallRun(in: folder.appending(name))
                run.configuration.training.schedule = .constant
                change(&run.configuration)
                try run.train()
                run.configuration.training.epochs = 5
                let error = #expect(throws: TrainingError.self) { try run.train() }
                guard case .epochsDiffer(_, 4, 5, let found) = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
                #expect(found.contains(reason))
            }
        }
    }

    @Test func theBestCheckpointIsKeptAndChangesNoBytes() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            run.configuration.checkpoint.keep = 1
            run.configuration.checkpoint.best = true
            run.configuration.training.epochs = 12
            let outcome = try run.train()
            let store = CheckpointStore(runDirectory: run.configuration.run.directory)
            let best = try #require(try store.best())
            #expect(outcome.bestCheckpoint == best)
            let records = try MetricsLog.read(run.configuration.run.directory.appending("metrics.jsonl"))
            let top1 = try #require(records.compactMap(\.testTop1).max())
            let first = try #require(records.first { $0.testTop1 == top1 })
            let state = try Checkpoint.state(of: best)
            #expect(state.step == first.step, "of equally good ones the first")
            #expect(state.metrics["test_top1"] == top1)
            #expect(try CheckpointStore.resolve(store.directory.appending("best")) == best)
            let bytes = try lastCheckpoint(run.configuration.run.directory)

            run.configuration.run.directory = folder.appending("without")
            run.configuration.checkpoint.best = false
            try run.train()
            #expect(try lastCheckpoint(folder.appending("without")) == bytes)
        }
    }

    @Test func aBestCheckpointThatWasNotNamedBeforeAKillIsNamedAfterIt() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            run.configuration.checkpoint.best = true
            run.configuration.training.schedule = .constant
            run.configuration.training.epochs = 1
            try run.train()
            let store = CheckpointStore(runDirectory: run.configuration.run.directory)
            let best = try #require(try store.best())
            try DurableFile.remove(store.directory.appending("best"))
            try run.train()
            #expect(try store.best() == best)
        }
    }

    @Test func theSecondsOfTheLogGoOnAfterAResume() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            run.configuration.head.pooling = .argmax
            run.configuration.training.schedule = .constant
            run.configuration.training.epochs = 1
            try run.train()
            let path = run.configuration.run.directory.appending("metrics.jsonl")
            var record = try #require(try MetricsLog.read(path).last)
            record.seconds = 5000
            try DurableFile.remove(path)
            try MetricsLog(path, continuingAfter: 0).append(record)
            run.configuration.training.epochs = 2
            try run.train()
            let last = try #require(try MetricsLog.read(path).last)
            #expect(last.epoch == 2)
            #expect((5000..<6000).contains(try #require(last.seconds)))
        }
    }
}
