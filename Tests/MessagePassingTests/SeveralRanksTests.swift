import Foundation
import Testing

/// Behaviour of several processes, checked by the probe from inside; skipped where mpirun is missing.
@Suite(.enabled(if: Probe.isRunnable), .serialized) struct SeveralRanksTests {
    @Test(arguments: 1...4) func everyRankReceivesWhatTheOthersSend(rankCount: Int) throws {
        for (mode, answer) in [("numbers", "numbers agree"), ("bytes", "bytes agree")] {
            let outcome = try Probe.run(ranks: rankCount, [mode])
            #expect(outcome.lines == [answer] && outcome.exitCode == 0, "\(outcome)")
        }
    }

    @Test func anExactSumHasTheSameBitsForAllRankCountsAndDistributions() throws {
        let alone = try Probe.runAlone(["sums"])
        #expect(Set(alone.lines).count == 3 && alone.lines.count == 37, "\(alone)")
        for rankCount in 1...4 {
            let outcome = try Probe.run(ranks: rankCount, ["sums"])
            #expect(outcome.lines == alone.lines && outcome.exitCode == 0, "\(rankCount) ranks: \(outcome)")
        }
    }

    @Test func allRanksNameTheShardAndRankOfANaN() throws {
        let outcome = try Probe.run(ranks: 3, ["not-finite"])
        #expect(outcome.lines.count == 3 && Set(outcome.lines).count == 1, "\(outcome)")
        let line = try #require(outcome.lines.first)
        #expect(line.hasPrefix("Logical shard 4, computed by rank 1 ("), "\(line)")
        #expect(line.contains("gave nan for element 1234 of tensor 0"), "\(line)")
    }

    @Test func aShardThatTwoRanksGiveIsAnErrorOnAllRanks() throws {
        let outcome = try Probe.run(ranks: 3, ["wrong-shards"])
        let line = "Logical shard 0 was given to the exact sum by 2 ranks instead of one."
        #expect(outcome.lines == [line, line, line], "\(outcome)")
    }

    @Test func aFailureOnOneRankIsAnErrorOnAllRanks() throws {
        let outcome = try Probe.run(ranks: 3, ["together"])
        #expect(outcome.lines.count == 3 && outcome.exitCode == 0, "\(outcome)")
        #expect(outcome.lines.last == "no such file: labels.csv")
        for line in outcome.lines.dropLast() {
            #expect(line.hasPrefix("Rank 2 (") && line.hasSuffix("failed: no such file: labels.csv"), "\(line)")
        }
    }

    @Test func memoryOfRequestsThatAnErrorLeavesUnderWayIsNotUsedAgain() throws {
        let outcome = try Probe.run(ranks: 2, ["abandoned"])
        #expect(outcome.lines == ["left alone"] && outcome.errors.contains("on purpose"), "\(outcome)")
    }

    @Test(arguments: [-5, Int(Int64.min), 1 << 50, Int(Int64.max)])
    func aMessageOfImpossibleLengthIsAnErrorThatNamesTheRank(byteCount: Int) throws {
        let outcome = try Probe.run(ranks: 2, ["malformed", "\(byteCount)"])
        #expect(outcome.lines.count == 4, "\(outcome)")
        for line in outcome.lines {
            #expect(
                line.hasPrefix("The message of rank 1 with its part in ") && line.contains("\(byteCount) bytes"),
                "\(outcome)")
        }
    }

    @Test func theWorldIsHandedOutOnce() throws {
        let outcome = try Probe.run(ranks: 2, ["start-twice"])
        #expect(outcome.lines.count == 1 && outcome.output.contains("second time"), "\(outcome)")
    }

    @Test func waitingRanksLeaveTheirCoresAlone() throws {
        let outcome = try Probe.run(ranks: 3, ["rest"])
        let microseconds = try #require(outcome.lines.first?.split(separator: " ").first.flatMap { Int($0) })
        // Of a second. Polling would take all of it.
        #expect(microseconds < 250_000, "\(outcome)")
    }
}

/// A run without mpirun.
@Suite struct AloneTests {
    @Test func itStartsQuicklyAndQuietlyWithoutMPI() throws {
        let outcomes = try (0..<5).map { _ in try Probe.runAlone(["layout"]) }
        for outcome in outcomes {
            #expect(outcome.exitCode == 0 && outcome.errors.isEmpty, "\(outcome)")
            #expect(outcome.output.hasPrefix("1 ranks, 1 here, on "), "\(outcome)")
        }
        // An MPI_Init with the default settings takes 0.3 s.
        #expect(outcomes.map(\.seconds).min()! < 0.25)
    }

    @Test func itWorksInAnEmptyEnvironment() throws {
        let outcome = try Probe.runAlone(["numbers"], environment: [:])
        #expect(outcome.exitCode == 0 && outcome.output == "numbers agree\n" && outcome.errors.isEmpty, "\(outcome)")
    }

    @Test func aStepOfSlurmWithoutPMIxIsRefused() throws {
        let outcome = try Probe.runAlone(["layout"], environment: Probe.environment(["SLURM_STEP_NUM_TASKS": "4"]))
        #expect(outcome.exitCode != 0)
        #expect(outcome.errors.contains("srun --mpi=pmix"), "\(outcome)")
    }
}
