import Foundation
import Testing

/// A run that starts from a dense head, loses channels and learns from that head: its bytes are those of one process on any ranks
/// and after kills.
@Suite(.serialized) struct HeadStartTests {
    private static let settings = [
        "run.directory=few", "head.start=run", "head.channels_per_class=4", "training.distillation.weight=0.5",
        "training.distillation.teacher=start",
    ]

    private func train(_ more: [String] = []) -> [String] {
        SmallExperiment.arguments("train", setting: Self.settings + more)
    }

    @Test(.enabled(if: Mpirun.isRunnable)) func anyNumberOfRanksGivesTheBytesOfOneProcess() throws {
        let reference = try SmallExperiment.trainedFolder()
        #expect(try Tool.infodisent.run(train(), in: reference).exitCode == 0)
        #expect(try Tool.inspect.run(["few", "--verify"], in: reference).exitCode == 0)
        for arguments in [
            ["evaluate", "--checkpoint", "few", "--json"],
            SmallExperiment.arguments("plan", setting: Self.settings),
        ] {
            let outcome = try Tool.infodisent.run(arguments, in: reference)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
        }
        for ranks in [2, 4] {
            let folder = try SmallExperiment.folder()
            try folder.copy("run", from: reference)
            let outcome = try Mpirun.run(ranks: ranks, train(), in: folder)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(
                try folder.contents(of: "few/checkpoints") == reference.contents(of: "few/checkpoints"),
                "\(ranks) ranks")
        }
    }

    @Test func aKillChangesNothing() throws {
        let long = train(["training.epochs=40", "checkpoint.every=10"])
        let reference = try SmallExperiment.trainedFolder()
        #expect(try Tool.infodisent.run(long, in: reference).exitCode == 0)
        let folder = try SmallExperiment.folder()
        try folder.copy("run", from: reference)
        let process = try Tool.infodisent.start(long, in: folder)
        for _ in 0..<3000 where process.isRunning && !folder.exists("few/checkpoints/step-00000060") { usleep(2_000) }
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let outcome = try Tool.infodisent.run(long, in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(try folder.contents(of: "few/checkpoints") == reference.contents(of: "few/checkpoints"))
    }

    @Test func aStartThatIsNotThereOrDoesNotFitIsFoundBeforeAnythingIsExtracted() throws {
        let folder = try SmallExperiment.trainedFolder()
        try folder.remove("features")
        for (settings, code, text) in [
            (["head.start=nowhere"], 66, "nowhere"), (["head.start=birds"], 66, "holds no checkpoint"),
            (["head.start=run", "head.classifier_init=black_box"], 78, "Set one of them"),
            (["training.distillation.weight=0.5", "training.distillation.teacher=start"], 78, "Set head.start to"),
            (["head.start=run", "head.start_digest=12"], 78, "64 digits"),
            (["head.start_digest=\(String(repeating: "a", count: 64))"], 78, "head.start does not say"),
        ] as [([String], Int32, String)] {
            let outcome = try Tool.infodisent.run(
                SmallExperiment.arguments("train", setting: settings + ["run.directory=other"]), in: folder)
            #expect(outcome.exitCode == code && outcome.errors.contains(text), "\(settings): \(outcome.errors)")
            #expect(!folder.exists("features") && !folder.exists("other"))
        }
    }
}

extension Folder {
    fileprivate func copy(_ name: String, from other: Folder) throws {
        try FileManager.default.copyItem(at: other.url(name), to: url(name))
    }
}
