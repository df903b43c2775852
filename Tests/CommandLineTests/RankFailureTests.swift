import Foundation
import Testing

/// What goes wrong on one rank ends all of them, soon, with one message and the right exit code.
@Suite(.serialized, .enabled(if: Mpirun.isRunnable)) struct RankFailureTests {
    private func expect(
        _ outcome: Tool.Outcome, exitCode: Int32, naming parts: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.exitCode == exitCode, "\(outcome.errors)", sourceLocation: sourceLocation)
        #expect(outcome.output.isEmpty, "results although it failed", sourceLocation: sourceLocation)
        #expect(
            outcome.errors.components(separatedBy: "infodisent: ").count == 2, "one message: \(outcome.errors)",
            sourceLocation: sourceLocation)
        for part in parts {
            #expect(outcome.errors.contains(part), "\(outcome.errors)", sourceLocation: sourceLocation)
        }
    }

    private func training(_ ranks: Int, _ overrides: String...) -> Mpirun.Part {
        Mpirun.Part(rankCount: ranks, arguments: SmallExperiment.arguments("train", setting: overrides))
    }

    @Test func aRankWithAnotherConfigurationIsNamed() throws {
        let folder = try SmallExperiment.folder()
        expect(
            try Mpirun.run([training(2, "training.momentum=0.5"), training(1, "training.momentum=0.75")], in: folder),
            exitCode: 78,
            naming: "Rank 2 (", "training.momentum is 0.75 there and 0.5 on rank 0")
        #expect(!folder.exists("run"))
    }

    @Test func aRankWithAnotherDatasetIsNamed() throws {
        let folder = try SmallExperiment.folder()
        try folder.copy("birds", to: "fewer-birds")
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.url("fewer-birds/train").path).first)
        try folder.remove("fewer-birds/train/\(name)/0003.jpg")
        expect(
            try Mpirun.run([training(1), training(1, "dataset.root=fewer-birds")], in: folder), exitCode: 78,
            naming: "Rank 1 (", "dataset (fingerprint)")
        expect(
            try Mpirun.run([training(1), training(1, "dataset.root=no-birds")], in: folder), exitCode: 66,
            naming: "rank 1 (", "no-birds")
        #expect(!folder.exists("run"))
    }

    @Test func anErrorOfAllRanksIsReportedOnce() throws {
        let folder = try SmallExperiment.folder()
        let outcome = try Mpirun.run(ranks: 3, ["train", "--config", "none.yaml"], in: folder)
        expect(outcome, exitCode: 66, naming: "none.yaml")
        #expect(!outcome.errors.contains("rank 0 (") && !outcome.errors.contains("rank 1 ("))
        let misused = try Mpirun.run(ranks: 3, ["train", "--confg", "none.yaml"], in: folder)
        #expect(misused.exitCode == 64)
        #expect(misused.errors.components(separatedBy: "Did you mean --config?").count == 2, "\(misused.errors)")
    }

    @Test func whatIsNoHeartbeatFileIsNotWrittenTo() throws {
        let folder = try SmallExperiment.folder()
        try folder.write(Data("mine".utf8), to: "notes.txt")
        for name in ["birds", "notes.txt"] {
            let outcome = try Mpirun.run(
                ranks: 2, ["train", "--config", "small.yaml", "--heartbeat-file", name], in: folder)
            expect(outcome, exitCode: 64, naming: "\(name) cannot be the heartbeat file")
        }
        #expect(try folder.text("notes.txt") == "mine" && !folder.exists("run"))
    }

    @Test func anImageThatOnlyOneRankReadsEndsAll() throws {
        let folder = try SmallExperiment.folder()
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.url("birds/train").path).sorted().first)
        let image = "birds/train/\(name)/0003.jpg"
        try folder.write(folder.bytes(image).prefix(2000), to: image)
        expect(
            try Mpirun.run(
                ranks: 3, ["extract", "--config", "small.yaml", "--set", "cache.directory=new"], in: folder),
            // Of four logical shards the last, which the last rank hosts.
            exitCode: 65, naming: image, "rank 2 (")
    }

    @Test func aFullDiskOfRank0EndsAll() throws {
        let folder = try SmallExperiment.folder()
        let disk = folder.url("disk").path
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        guard shell("/bin/mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk) == 0 else {
            print("skipped: this process may not mount a small tmpfs")
            return
        }
        defer { _ = shell("/bin/umount", disk) }
        expect(
            try Mpirun.run([training(3, "run.directory=disk/run")], in: folder), exitCode: 74,
            naming: "disk is full", "rank 0 (")
        #expect(try folder.contents(of: "disk").keys.allSatisfy { !$0.contains("step-") })
    }

    @Test func aFrozenRankIsNamedAndEndsTheRunWithinTheDeadline() throws {
        let folder = try SmallExperiment.folder()
        let run = try Mpirun.start(
            ranks: 3,
            ["train", "--config", "small.yaml", "--set", "training.epochs=100000", "--deadline", "2"], in: folder)
        for _ in 0..<500 where !folder.exists("run/checkpoints/latest") { usleep(20_000) }
        let ranks = try Mpirun.ranks(of: run)
        try #require(ranks.count == 3)
        let start = ContinuousClock.now
        kill(try #require(ranks.randomElement()), SIGSTOP)
        let outcome = try Tool.finish(run, in: folder)
        Mpirun.waitForEnd(of: ranks)
        #expect(ContinuousClock.now - start < .seconds(15))
        #expect(outcome.exitCode == 75, "\(outcome.errors)")
        // Rank 0 judges the others; if it is the frozen one, they judge it.
        #expect(outcome.errors.contains(#/rank [012] \(.*\) has not been heard for/#), "\(outcome.errors)")
        #expect(outcome.errors.contains("at step"), "\(outcome.errors)")
    }

    private func shell(_ program: String, _ arguments: String...) -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        guard (try? process.run()) != nil else { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }
}
