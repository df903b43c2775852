import Foundation
import Testing

/// Kills at moments that differ from run to run of the suite: what must hold, holds at every moment.
@Suite struct RecoveryTests {
    @Test func aTrainingKilledAnywhereEndsWithTheSameBytes() throws {
        let reference = try SmallExperiment.trainedFolder()
        let folder = try SmallExperiment.folder()
        var killCount = 0
        for attempt in 1...60 {
            let process = try Tool.infodisent.start(["train", "--config", "small.yaml"], in: folder)
            // Later attempts get more time, so that the run ends.
            usleep(useconds_t.random(in: 20_000...(60_000 + 20_000 * useconds_t(attempt))))
            let wasRunning = process.isRunning
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            if !wasRunning && process.terminationReason == .exit { break }
            killCount += 1
        }
        try Tool.infodisent.succeed("train", "--config", "small.yaml", in: folder)
        #expect(killCount > 0)
        #expect(try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"))
        #expect(try timeless(folder.text("run/metrics.jsonl")) == timeless(reference.text("run/metrics.jsonl")))
    }

    @Test func anExtractionKilledAnywhereEndsWithTheSameBytes() throws {
        let reference = try SmallExperiment.folder()
        let folder = try SmallExperiment.folder()
        try folder.remove("features")
        for attempt in 1...60 {
            let process = try Tool.infodisent.start(["extract", "--config", "small.yaml"], in: folder)
            usleep(useconds_t.random(in: 20_000...(60_000 + 20_000 * useconds_t(attempt))))
            let wasRunning = process.isRunning
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            if !wasRunning && process.terminationReason == .exit { break }
        }
        try Tool.infodisent.succeed("extract", "--config", "small.yaml", in: folder)
        #expect(try folder.contents(of: "features") == reference.contents(of: "features"))
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGUSR1])
    func aSignalEndsTheRunWithACheckpointToGoOnFrom(signal: Int32) throws {
        let reference = try SmallExperiment.folder()
        let long = ["train", "--config", "small.yaml", "--set", "training.epochs=400"]
        let folder = try SmallExperiment.folder()
        let process = try Tool.infodisent.start(long, in: folder)
        // The metrics log appears when training begins.
        for _ in 0..<200 where !folder.exists("run/checkpoints") { usleep(20_000) }
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 75)
        #expect(try folder.text("stderr").contains("run the same command again"))
        #expect(try Tool.inspect.run(["run", "--verify"], in: folder).exitCode == 0)
        #expect(try Tool.infodisent.run(long, in: folder).exitCode == 0)
        #expect(try Tool.infodisent.run(long, in: reference).exitCode == 0)
        let name = try folder.text("run/checkpoints/latest").trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(
            try folder.contents(of: "run/checkpoints/\(name)") == reference.contents(of: "run/checkpoints/\(name)"))
    }

    @Test func checkpointsThatAKillLeftOverAreRemoved() throws {
        let folder = try SmallExperiment.folder()
        let train = ["train", "--config", "small.yaml", "--set"]
        #expect(try Tool.infodisent.run(train + ["checkpoint.keep=5"], in: folder).exitCode == 0)
        let names = try folder.contents(of: "run/checkpoints").keys.filter { $0.hasSuffix("state.json") }.sorted()
        #expect(names.count == 5)
        #expect(try Tool.infodisent.run(train + ["checkpoint.keep=2"], in: folder).exitCode == 0)
        let left = try folder.contents(of: "run/checkpoints").keys.filter { $0.hasSuffix("state.json") }.sorted()
        #expect(left == Array(names.suffix(2)))
    }

    @Test func aRunGoesOnFromTheCheckpointOfAnother() throws {
        let folder = try SmallExperiment.trainedFolder()
        let steps = try FileManager.default.contentsOfDirectory(atPath: folder.url("run/checkpoints").path)
            .filter { $0.hasPrefix("step-") }.sorted()
        for step in [steps[0], steps[steps.count - 1]] {
            try Tool.infodisent.succeed(
                "train", "--config", "small.yaml", "--set", "run.directory=from-\(step)", "--resume",
                "run/checkpoints/\(step)", in: folder)
            let last = steps[steps.count - 1]
            #expect(
                try folder.contents(of: "from-\(step)/checkpoints/\(last)")
                    == folder.contents(of: "run/checkpoints/\(last)"))
        }
    }

    @Test func theNumberOfThreadsChangesNothing() throws {
        let reference = try SmallExperiment.trainedFolder()
        let folder = try SmallExperiment.folder()
        try folder.remove("features")
        try Tool.infodisent.succeed("train", "--config", "small.yaml", "--threads", "3", in: folder)
        #expect(try folder.contents(of: "features") == reference.contents(of: "features"))
        #expect(try folder.contents(of: "run/checkpoints") == reference.contents(of: "run/checkpoints"))
    }

    @Test func aCorruptLastCheckpointIsLeftOutWithAWarning() throws {
        let reference = try SmallExperiment.trainedFolder()
        let folder = try SmallExperiment.folder()
        try folder.copy("small.yaml", to: "copy.yaml")
        try Tool.infodisent.succeed("train", "--config", "small.yaml", in: folder)
        let latest = try folder.text("run/checkpoints/latest").trimmingCharacters(in: .whitespacesAndNewlines)
        var head = try folder.bytes("run/checkpoints/\(latest)/head.safetensors")
        head[head.count - 10] ^= 1
        try folder.write(head, to: "run/checkpoints/\(latest)/head.safetensors")
        let outcome = try Tool.infodisent.run(["train", "--config", "small.yaml"], in: folder)
        #expect(outcome.exitCode == 0)
        #expect(outcome.errors.contains(latest), "the warning names the checkpoint that is left out")
        #expect(
            try folder.contents(of: "run/checkpoints/\(latest)") == reference.contents(of: "run/checkpoints/\(latest)"))
    }

    @Test func aSecondProcessInTheSameRunDirectoryIsTurnedAway() throws {
        let folder = try SmallExperiment.folder()
        let long = ["train", "--config", "small.yaml", "--set", "training.epochs=100000"]
        let first = try Tool.infodisent.start(long, in: folder)
        defer {
            kill(first.processIdentifier, SIGKILL)
            first.waitUntilExit()
        }
        for _ in 0..<200 where !folder.exists("run/checkpoints") { usleep(20_000) }
        let second = try Tool.infodisent.run(long, in: folder)
        #expect(second.exitCode == 78 && second.errors.contains("Another process is training"))
    }

    /// The log without its wall-clock times.
    private func timeless(_ log: String) -> String {
        log.replacing(#/,"seconds":[0-9.e-]+/#, with: "")
    }
}
