import Foundation
import Testing

/// A head with everything that has a memory of its own or happens at certain steps: a bias, a pooling that changes with the
/// step, a teacher, a mask that is learnt, terms that are about a shard's images together, and a gauge. Its bytes are those of one process on any ranks and after kills in the
/// middle of the schedule.
@Suite(.serialized) struct FewChannelsTests {
    private static let settings = [
        "head.bias=true", "head.pooling=annealed", "head.classifier_init=black_box_signed", "head.channels_per_class=4",
        "head.gauge=true", "training.distillation.weight=0.5", "training.purity.spatial_entropy=0.1",
        "head.channels_per_image=40",
        "training.purity.decorrelation=0.1",
    ]

    private func train(_ more: [String] = []) -> [String] {
        SmallExperiment.arguments("train", setting: Self.settings + more)
    }

    @Test(.enabled(if: Mpirun.isRunnable)) func anyNumberOfRanksGivesTheBytesOfOneProcess() throws {
        let reference = try SmallExperiment.folder()
        #expect(try Tool.infodisent.run(train(), in: reference).exitCode == 0)
        #expect(try Tool.inspect.run(["run", "--verify"], in: reference).exitCode == 0)
        let inspection = try Tool.inspect.run(["run"], in: reference)
        #expect(inspection.output.contains("kept per class") && inspection.output.contains("min 4, median 4, max 4"))
        #expect(inspection.output.contains("bias of the classes"))
        for ranks in [1, 3] {
            let folder = try SmallExperiment.folder()
            #expect(try Mpirun.run(ranks: ranks, train(), in: folder).exitCode == 0)
            #expect(
                try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"),
                "\(ranks) ranks")
        }
        for arguments in [
            ["evaluate", "--checkpoint", "run", "--json"],
            SmallExperiment.arguments("plan", setting: Self.settings),
        ] {
            let outcome = try Tool.infodisent.run(arguments, in: reference)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
        }
    }

    @Test(.enabled(if: Mpirun.isRunnable), arguments: ["untied", "positive"])
    func otherSidesGiveTheSameBytesOnRanksAndEveryCommandReadsThem(signs: String) throws {
        let reference = try SmallExperiment.folder()
        let arguments = train(["head.signs=\(signs)"])
        #expect(try Tool.infodisent.run(arguments, in: reference).exitCode == 0)
        let ranks = try SmallExperiment.folder()
        #expect(try Mpirun.run(ranks: 3, arguments, in: ranks).exitCode == 0)
        #expect(try ranks.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"))
        // 192 channels of 4 classes.
        let columns = signs == "untied" ? 384 : 192
        #expect(
            try Tool.inspect.succeed("run", "--verify", in: reference).contains("classifier [4, \(columns)] is finite"))
        let inspection = try Tool.inspect.succeed("run", in: reference)
        #expect(inspection.contains("4 x \(columns) weights") && inspection.contains("signs: \(signs)"))
        #expect(inspection.contains("min 4, median 4, max 4"))
        let image = try #require(
            FileManager.default.enumerator(atPath: reference.url("birds").path)?.compactMap { $0 as? String }
                .filter { $0.hasSuffix(".jpg") || $0.hasSuffix(".png") }.min())
        for arguments in [
            ["evaluate", "--checkpoint", "run"], ["prototypes", "--checkpoint", "run", "--output", "prototypes"],
            ["explain", "--checkpoint", "run", "--output", "explanation", "birds/\(image)"],
            ["plan", "--config", "small.yaml", "--set", "head.signs=\(signs)"],
        ] {
            let outcome = try Tool.infodisent.run(arguments, in: reference)
            #expect(outcome.exitCode == 0, "\(arguments): \(outcome.errors)")
        }
        #expect(try reference.text("explanation/explanations.json").contains("\"negative_weight\""))
        // A checkpoint of other sides is another run's.
        let other = try Tool.infodisent.run(train(["head.signs=tied"]), in: reference)
        #expect(other.exitCode == 78 && other.errors.contains("head.signs"), "\(other.errors)")
    }

    @Test func aKillInTheMiddleOfTheScheduleChangesNothing() throws {
        let long = train(["training.epochs=60", "checkpoint.every=10"])
        let reference = try SmallExperiment.folder()
        #expect(try Tool.infodisent.run(long, in: reference).exitCode == 0)
        // 180 steps: channels are left out from step 54 to step 126.
        for step in [50, 80, 120] {
            let folder = try SmallExperiment.folder()
            let process = try Tool.infodisent.start(long, in: folder)
            for _ in 0..<3000 where process.isRunning && !reached(step, folder) { usleep(2_000) }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            let outcome =
                try Mpirun.isRunnable ? Mpirun.run(ranks: 3, long, in: folder) : Tool.infodisent.run(long, in: folder)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            #expect(
                try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"), "step \(step)")
        }
    }

    /// Whether the run has a checkpoint of that step or a later one.
    private func reached(_ step: Int, _ folder: Folder) -> Bool {
        guard let text = try? folder.text("run/checkpoints/latest") else { return false }
        return Int(text.dropFirst(5).trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0 >= step
    }

    @Test func theOwnClassifierOfAnotherNumberOfClassesIsRefusedByTheKeyThatAsksForIt() throws {
        let folder = try SmallExperiment.folder()
        for (setting, key) in [
            (["head.classifier_init=backbone"], "head.classifier_init is backbone,"),
            (["head.classifier_init=backbone_signed"], "head.classifier_init is backbone_signed,"),
            (
                ["training.distillation.weight=0.5", "training.distillation.teacher=backbone"],
                "training.distillation.teacher is backbone"
            ),
        ] {
            let outcome = try Tool.infodisent.run(
                SmallExperiment.arguments("train", setting: setting), in: folder)
            #expect(outcome.exitCode == 78 && outcome.errors.contains(key), "\(outcome.errors)")
        }
    }

    /// A classifier that is kept and explained, and a head with a probability for each class.
    @Test(
        .enabled(if: Mpirun.isRunnable),
        arguments: [
            ["head.mode=posthoc", "head.prototypes_begin=20"],
            [
                "head.loss=binary_cross_entropy", "head.classifier_l1=0.001", "head.channels_per_class=5",
                "training.distillation.weight=none",
            ],
        ])
    func otherHeadsGiveTheSameBytesOnRanksAndEveryCommandReadsThem(settings: [String]) throws {
        let reference = try SmallExperiment.folder()
        let arguments = SmallExperiment.arguments("train", setting: settings)
        #expect(try Tool.infodisent.run(arguments, in: reference).exitCode == 0)
        for ranks in [2, 4] {
            let folder = try SmallExperiment.folder()
            #expect(try Mpirun.run(ranks: ranks, arguments, in: folder).exitCode == 0)
            #expect(try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"))
        }
        let image = try #require(
            FileManager.default.enumerator(atPath: reference.url("birds").path)?.compactMap { $0 as? String }
                .filter { $0.hasSuffix(".jpg") || $0.hasSuffix(".png") }.min())
        #expect(try Tool.inspect.run(["run", "--verify"], in: reference).exitCode == 0)
        for arguments in [
            ["evaluate", "--checkpoint", "run"], ["prototypes", "--checkpoint", "run", "--output", "prototypes"],
            ["evaluate", "--checkpoint", "run", "--metrics", "all", "--pass-images", "2"],
            ["explain", "--checkpoint", "run", "--output", "explanation", "birds/\(image)"],
            SmallExperiment.arguments("plan", setting: settings),
        ] {
            let outcome = try Tool.infodisent.run(arguments, in: reference)
            #expect(outcome.exitCode == 0, "\(arguments): \(outcome.errors)")
        }
    }
}
