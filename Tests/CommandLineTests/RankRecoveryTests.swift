import Foundation
import Testing

/// Kills at random moments, each followed by a start with another number of ranks: the end is always the same.
///
/// Five kills as part of the suite; INFODISENT_KILLS=20 in the environment asks for more. INFODISENT_SEED repeats a run.
@Suite(.serialized, .enabled(if: Mpirun.isRunnable)) struct RankRecoveryTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let killCount = environment["INFODISENT_KILLS"].flatMap { Int($0) } ?? 5
    private static let seed =
        environment["INFODISENT_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...999_999)

    private enum Fault: CaseIterable {
        case killRank, killMpirun, terminateMpirun, requestStop
    }

    @Test func aRunKilledAnywhereEndsWithTheSameBytesOnAnyRanks() throws {
        let arguments = [
            "train", "--config", "small.yaml", "--set", "training.epochs=\(20 * Self.killCount)", "--set",
            "head.pooling=gumbel",
        ]
        let reference = try SmallExperiment.folder()
        try #require(try Tool.infodisent.run(arguments, in: reference).exitCode == 0)

        let folder = try SmallExperiment.folder()
        try folder.remove("features")
        var random = SeededGenerator(state: Self.seed)
        var history = "seed \(Self.seed):"
        var kills = 0
        var endedCount = 0
        for attempt in 0... {
            let rankCount = Int.random(in: 1...4, using: &random)
            let run = try Mpirun.start(ranks: rankCount, arguments, in: folder)
            if kills < Self.killCount {
                // The first kill may be during extraction, which comes first.
                usleep(useconds_t.random(in: 200_000...(attempt == 0 ? 500_000 : 1_600_000), using: &random))
            } else {
                run.waitUntilExit()
            }
            let ranks = try Mpirun.ranks(of: run).sorted()
            let fault = Fault.allCases[attempt % Fault.allCases.count]
            guard run.isRunning, !ranks.isEmpty else {
                let outcome = try Tool.finish(run, in: folder)
                try #require(outcome.exitCode == 0, "\(history) \(rankCount) ranks: \(outcome.errors)")
                break
            }
            history += " \(fault) of \(rankCount),"
            switch fault {
            case .killRank: kill(ranks[Int.random(in: 0..<ranks.count, using: &random)], SIGKILL)
            case .killMpirun: kill(run.processIdentifier, SIGKILL)
            case .terminateMpirun: kill(run.processIdentifier, SIGTERM)
            case .requestStop: kill(run.processIdentifier, SIGUSR1)
            }
            kills += 1
            let outcome = try Tool.finish(run, in: folder)
            Mpirun.waitForEnd(of: ranks)
            // The run may have come to its end while the fault was on its way, but never to an error of its own.
            for code in [65, 66, 70, 74, 78] as [Int32] {
                #expect(outcome.exitCode != code, "\(history) \(outcome.errors)")
            }
            if outcome.exitCode != 0 { endedCount += 1 }
        }
        #expect(endedCount >= min(kills, 3), "most faults end the run: \(history)")
        let last = try reference.text("run/checkpoints/latest").trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(try folder.text("run/checkpoints/latest") == last + "\n", "\(history)")
        #expect(
            try folder.contents(of: "run/checkpoints/\(last)") == reference.contents(of: "run/checkpoints/\(last)"),
            "\(history)")
        #expect(try folder.contents(of: "features") == reference.contents(of: "features"), "\(history)")
    }

    @Test func aStopRequestEndsAllRanksWithACheckpoint() throws {
        let folder = try SmallExperiment.folder()
        let long = ["train", "--config", "small.yaml", "--set", "training.epochs=300"]
        let run = try Mpirun.start(ranks: 3, long, in: folder)
        for _ in 0..<500 where !folder.exists("run/checkpoints/latest") { usleep(20_000) }
        // To one rank only: the others hear of it.
        let rank = try #require(try Mpirun.ranks(of: run).randomElement())
        kill(rank, SIGUSR1)
        let outcome = try Tool.finish(run, in: folder)
        #expect(outcome.exitCode == 75, "\(outcome.errors)")
        #expect(outcome.errors.components(separatedBy: "run the same command again to go on").count == 2)
        #expect(try Tool.inspect.run(["run", "--verify"], in: folder).exitCode == 0)
    }
}

/// SplitMix64, so that a failure can be repeated.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
