import Foundation
import Testing

/// How runs end when something goes wrong. These mostly wait for deadlines, so they run side by side.
@Suite(.enabled(if: Probe.isRunnable)) struct FailureTests {
    /// Sends `signal` to rank `rank`, given the line of process identifiers that the probe prints.
    private func send(_ signal: Int32, to rank: Int) -> (String) -> Void {
        { line in
            // Let it take some steps.
            usleep(300_000)
            let identifiers = line.split(separator: " ").compactMap { pid_t($0) }
            guard identifiers.indices.contains(rank) else { return }
            kill(identifiers[rank], signal)
        }
    }

    @Test(arguments: [1, 2]) func aStoppedRankIsNamedAndEndsTheRun(rank: Int) throws {
        let outcome = try Probe.run(ranks: 3, ["loop", "2000"], limit: 30, disturb: send(SIGSTOP, to: rank))
        #expect(outcome.exitCode == 75, "\(outcome)")
        #expect(outcome.errors.contains("rank 0 ("), "\(outcome)")
        #expect(outcome.errors.contains("ended by the watchdog: rank \(rank) ("), "\(outcome)")
        #expect(outcome.errors.contains("has not been heard for "), "\(outcome)")
        #expect(outcome.errors.contains(": adding gradients"), "\(outcome)")
        #expect(outcome.seconds > 1.5 && outcome.seconds < 8, "\(outcome)")
    }

    @Test func aStoppedRank0IsNamedByTheOthers() throws {
        let outcome = try Probe.run(ranks: 3, ["loop", "2000"], limit: 30, disturb: send(SIGSTOP, to: 0))
        #expect(outcome.exitCode == 75, "\(outcome)")
        #expect(outcome.errors.contains("rank 1 ("), "\(outcome)")
        #expect(outcome.errors.contains("ended by the watchdog: rank 0 ("), "\(outcome)")
        #expect(outcome.seconds > 2 && outcome.seconds < 10, "\(outcome)")
    }

    @Test func aKilledRankEndsTheRunAtOnce() throws {
        let outcome = try Probe.run(ranks: 3, ["loop", "20000"], limit: 30, disturb: send(SIGKILL, to: 1))
        #expect(outcome.exitCode == 137, "\(outcome)")
        #expect(outcome.seconds < 6, "\(outcome)")
    }

    @Test func aRankThatDoesNotGetOnIsNamed() throws {
        let outcome = try Probe.run(ranks: 3, ["stall", "2000"], limit: 30)
        #expect(outcome.exitCode == 75, "\(outcome)")
        #expect(outcome.errors.contains("no rank has got on for "), "\(outcome)")
        #expect(outcome.errors.contains("because rank 2 ("), "\(outcome)")
        #expect(outcome.errors.contains("is at step 3: reading labels.csv"), "\(outcome)")
        #expect(!outcome.errors.contains("rank 1 ("), "\(outcome)")
    }

    @Test func longWorkThatIsAnnouncedIsNotDisturbed() throws {
        let outcome = try Probe.run(ranks: 3, ["patience", "1500"], limit: 30)
        #expect(outcome.exitCode == 0 && outcome.lines == ["finished"] && outcome.errors.isEmpty, "\(outcome)")
    }

    @Test(arguments: [0, 65, 75]) func theExitCodeOfAllRanksIsThatOfTheRun(code: Int) throws {
        let outcome = try Probe.run(ranks: 3, ["exit", "\(code)"], limit: 30)
        #expect(outcome.exitCode == Int32(code), "\(outcome)")
    }

    @Test func aRankThatAbortsEndsTheRunWithItsCodeAndMessage() throws {
        let outcome = try Probe.run(ranks: 3, ["abort-alone", "65"], limit: 30)
        #expect(outcome.exitCode == 65, "\(outcome)")
        #expect(outcome.errors.contains("rank 2 (") && outcome.errors.contains("): asked to"), "\(outcome)")
    }

    @Test func ranksThatEndTogetherHearOfEachOther() throws {
        let outcome = try Probe.run(ranks: 3, ["endings"], limit: 30)
        #expect(outcome.exitCode == 0 && outcome.lines == ["ended together"], "\(outcome)")
    }

    @Test func aRankThatFailsAloneFindsThatOutAndEndsTheRun() throws {
        let outcome = try Probe.run(ranks: 3, ["ending-alone", "65"], limit: 30)
        #expect(outcome.exitCode == 65 && outcome.errors.contains("the only one to end"), "\(outcome)")
    }

    @Test func aRankThatLeavesAloneEndsTheRunWithItsCode() throws {
        let outcome = try Probe.run(ranks: 3, ["exit-alone", "3"], limit: 30)
        #expect(outcome.exitCode == 3, "\(outcome)")
        #expect(outcome.errors.contains("left the run alone with exit code 3"), "\(outcome)")
    }

    @Test func aRankThatDoesNotComeIsNotWaitedForBeyondTheDeadline() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("heartbeat-\(UUID().uuidString)")
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        // One of three never calls MPI_Init.
        let outcome = try Probe.run(
            ranks: 2, ["start", "3", file.path], beside: ["/bin/sleep", "60"], limit: 40)
        #expect(outcome.exitCode == 75 && outcome.seconds > 2.5 && outcome.seconds < 20, "\(outcome)")
        #expect(
            outcome.errors.firstMatch(of: #/rank [01] \(.+\): ended by the watchdog: MPI has not started within 5 s/#)
                != nil,
            "\(outcome)")
        #expect(try String(contentsOf: file, encoding: .utf8).hasPrefix("given up: rank "))
    }

    @Test func ranksWhoseMpirunIsStoppedAtTheEndDoNotWaitForEver() throws {
        let outcome = try Probe.run(ranks: 2, ["finish"], limit: 60) { line in
            // When all of them are gone, mpirun may say so.
            sleep(15)
            if let mpirun = pid_t(line) { kill(mpirun, SIGCONT) }
        }
        #expect(outcome.exitCode == 75, "\(outcome)")
        #expect(outcome.errors.contains("left the run alone with exit code 75"), "\(outcome)")
    }

    @Test func aGuardOutsideSeesTheHeartbeatInAFile() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("heartbeat-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let outcome = try Probe.run(ranks: 2, ["heartbeat-file", file.path], limit: 30)
        #expect(outcome.exitCode == 0 && outcome.lines == ["touched"], "\(outcome)")
    }
}
