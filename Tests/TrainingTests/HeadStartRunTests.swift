import Checkpoints
import DurableFiles
import Foundation
import Inference
import MessagePassing
import RunConfiguration
import SmallModel
import SystemPackage
import TemporaryFolders
import Testing
import Training

/// Runs that begin with the head of another run (`head.start`).
@Suite struct HeadStartRunTests {
    private func bytes(_ run: FilePath) throws -> [[UInt8]] {
        let folder = try #require(try CheckpointStore(runDirectory: run).list().last)
        return try ["head.safetensors", "optimizer.safetensors", "state.json"].map {
            try DurableFile.read(folder.appending($0))
        }
    }

    /// A run in `second` that starts from the finished one in `run`.
    private func second(_ run: SmallRun, _ folder: FilePath) -> SmallRun {
        var next = run
        next.configuration.run.directory = folder.appending("second")
        next.configuration.head.start = run.configuration.run.directory
        return next
    }

    private func unfit(_ body: () throws -> Void) -> String {
        guard case .startUnfit(_, let problem, let remedy) = #expect(throws: TrainingError.self, performing: body)
        else { return "another error" }
        return problem + ". " + remedy
    }

    @Test func aRunBeginsWithTheHeadAndLearnsFromIt() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            run.configuration.head.bias = true
            run.configuration.head.classifierInit = .blackBox
            let first = try Checkpoint(reading: run.train().checkpoint)
            var next = second(run, folder)
            next.configuration.head.classifierInit = .uniform
            next.configuration.training.distillation.weight = 0.5
            next.configuration.training.distillation.teacher = .start
            // So small a rate leaves the head where it starts.
            next.configuration.training.learningRate = 1e-12
            next.configuration.training.channelMapLearningRate = nil
            next.configuration.training.epochs = 1
            let checkpoint = try Checkpoint(reading: next.train().checkpoint)
            for (tensor, expected) in [
                (checkpoint.classifier, first.classifier), (checkpoint.channelMap, first.channelMap),
            ] {
                let largest = zip(tensor, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
                #expect(tensor.count == expected.count && largest < 1e-6)
            }
            let teacher = checkpoint.optimizer.filter { $0.name.hasPrefix("teacher.") }
            #expect(teacher.map(\.name) == ["teacher.bias", "teacher.channel_map", "teacher.weights"])
            #expect(
                teacher.map(\.elements) == [try #require(first.bias), first.channelMap, first.classifier])
            let digest = try #require(first.state.files["head.safetensors"])
            #expect(checkpoint.state.configuration.contains("  start_digest: \(digest)\n"))
            #expect(!checkpoint.state.configuration.contains("\(folder)"), "it does not say where the head lay")
            // It can be used as any other.
            _ = try TrainedModel(next.configuration.run.directory)
        }
    }

    @Test func theBytesAreTheSameWhereverTheHeadLiesAndARunThatHasBegunGoesOnWithoutIt() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            try run.train()
            run.configuration.head.pooling = .argmax
            run.configuration.training.distillation.weight = 0.5
            run.configuration.training.distillation.teacher = .start
            run.configuration.training.schedule = .constant
            var whole = second(run, folder)
            try whole.train()

            var parts = second(run, folder)
            let moved = folder.appending("moved")
            try FileManager.default.moveItem(
                atPath: run.configuration.run.directory.string, toPath: moved.string)
            parts.configuration.head.start = moved.appending("checkpoints")
            parts.configuration.run.directory = folder.appending("third")
            parts.configuration.training.epochs = 2
            try parts.train()
            try FileManager.default.removeItem(atPath: moved.string)
            parts.configuration.training.epochs = 4
            try parts.train()
            #expect(try bytes(folder.appending("third")) == bytes(folder.appending("second")))
            whole.configuration.run.directory = folder.appending("fourth")
            whole.configuration.head.start = moved
            #expect(throws: DurableFileError.missing(path: moved)) { try whole.train() }
        }
    }

    @Test func aHeadOfOtherClassesWeightsOrDigestIsRefusedByName() throws {
        try withTemporaryFolder { folder in
            let run = try SmallRun(in: folder)
            let checkpoint = try run.train().checkpoint
            var next = second(run, folder)
            next.configuration.head.startDigest = String(repeating: "0", count: 64)
            #expect(unfit { try next.train() }.contains("head.start_digest is 0000"))
            next.configuration.head.start = nil
            #expect(throws: TrainingError.startNotGiven(digest: String(repeating: "0", count: 64))) {
                try next.train()
            }

            let other = try SmallRun(in: folder.appending("other"), classCount: 4)
            var unfitting = second(other, folder)
            unfitting.configuration.head.start = run.configuration.run.directory
            #expect(unfit { try unfitting.train() }.contains("has 3 classes, and this run's dataset has 4"))

            let written = try Checkpoint(reading: checkpoint)
            func rewrite(_ change: (inout CheckpointState) -> Void) throws {
                var state = written.state
                change(&state)
                try CheckpointStore(runDirectory: run.configuration.run.directory).save(
                    state, channelMap: written.channelMap, classifier: written.classifier, optimizer: written.optimizer)
            }
            next = second(run, folder)
            try rewrite { $0.weightDigest = ContentDigest(of: "other weights") }
            #expect(unfit { try next.train() }.contains("is of the weights \(ContentDigest(of: "other weights"))"))
            try rewrite { $0.classNames.swapAt(1, 2) }
            let names = try next.experiment().dataset.classNames
            #expect(
                unfit { try next.train() }
                    .contains("has \"\(names[2])\" as its class 1, and this run's dataset \"\(names[1])\""))
            try rewrite { $0.backbone = "resnet50" }
            #expect(unfit { try next.train() }.contains("is of the backbone resnet50"))
            #expect(!DurableDirectory.exists(folder.appending("second")), "nothing was begun")
        }
    }

    @Test func theStartIsPartOfWhatARunIs() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            try run.train()
            var next = second(run, folder)
            try next.train()
            next.configuration.head.start = nil
            guard
                case .configurationDiffers(_, let differences) = #expect(
                    throws: TrainingError.self,
                    performing: {
                        try next.train()
                    })
            else { return }
            #expect(differences.count == 1 && differences[0].hasPrefix("head.start_digest was "))

            run.configuration.run.directory = folder.appending("biased")
            run.configuration.head.bias = true
            try run.train()
            next = second(run, folder)
            next.configuration.run.directory = folder.appending("third")
            next.configuration.head.bias = false
            #expect(unfit { try next.train() }.contains("has a bias"))
        }
    }

    @Test func whatATeacherSaidIsRememberedForEachViewAsLongAsThereIsRoom() throws {
        // Room for two images.
        let memory = TeacherMemory(classCount: 2, byteLimit: 2 * 72)
        var computed: [[Int]] = []
        func logits(_ samples: [Int], view: Int) throws -> [Float]? {
            try memory.logits(of: samples, view: view) { missing in
                computed.append(missing)
                return missing.flatMap { [Float(samples[$0]), Float(view)] }
            }
        }
        for _ in 0..<2 { #expect(try logits([7, 3], view: 0) == [7, 0, 3, 0]) }
        #expect(try logits([3], view: 0) == [3, 0])
        #expect(computed == [[0, 1]])
        for _ in 0..<2 { #expect(try logits([5, 3, 9], view: 0) == [5, 0, 3, 0, 9, 0]) }
        #expect(computed == [[0, 1], [0, 2], [0, 2]], "there was no room for more")
        #expect(try logits([3], view: 1) == [3, 1])
        #expect(computed.last == [0])
        #expect(try memory.logits(of: [9], view: 0) { _ in nil } == nil)
        #expect(TeacherMemory.byteCount(imageCount: 3, classCount: 2) == 3 * 72)
        #expect(TeacherMemory.byteCount(imageCount: 1 << 30, classCount: 2) == 256 << 20)
    }
}
