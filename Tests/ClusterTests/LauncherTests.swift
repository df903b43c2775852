import Foundation
import Testing

/// All tests of this target: one after the other, because each keeps the machine busy.
@Suite(.serialized) enum ClusterTests {}

extension ClusterTests {
    /// Launch/run on one machine.
    @Suite(.enabled(if: Requirement.mpirun), .serialized) struct LauncherTests {
        // MARK: A stand-in for the program

        /// Runs the launcher on a script in place of infodisent. In the script `$heartbeat` is the file of the guard, `$rank`
        /// the rank, and `$start` counts the starts from 1.
        private func launch(
            _ options: String..., script: String, arguments: [String] = ["train"], disturb: ((Job) -> Void)? = nil
        ) throws -> Job.Outcome {
            let folder = FileManager.default.temporaryDirectory.appending(path: "infodisent-stub-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let program = folder.appending(path: "infodisent")
            try Data(
                """
                #!/usr/bin/env bash
                if [[ " $* " == *" --help "* ]]; then echo '--heartbeat-file --deadline'; exit; fi
                rank=$OMPI_COMM_WORLD_RANK
                echo "rank $rank of $OMPI_COMM_WORLD_SIZE: $*"
                while (($#)); do if [[ $1 == --heartbeat-file ]]; then heartbeat=$2; fi; shift; done
                echo >> starts.$rank
                start=$(wc -l < starts.$rank)
                \(script)
                """.utf8
            ).write(to: program)
            chmod(program.path, 0o755)
            let job = try Job([Place.launcher] + options + ["--program", program.path] + arguments, in: folder)
            disturb?(job)
            return try job.finish(limit: 60)
        }

        @Test(arguments: [0, 64, 65, 66, 78, 75]) func thereIsNoRestartAfter(code: Int) throws {
            let outcome = try launch("--ranks", "2", "--restarts", "3", script: "exit \(code)")
            #expect(outcome.exitCode == code && !outcome.text.contains("restart"), "\(outcome)")
            #expect(outcome.text.contains(" of 2: train --heartbeat-file"))
        }

        @Test func aCrashIsFollowedByRestartsOnFewerRanksFromTheLastCheckpoint() throws {
            let outcome = try launch(
                "--ranks", "3", "--restarts", "5", "--shrink", "--deadline", "17",
                script: "if ((start < 3)); then kill -KILL $$; fi",
                arguments: ["train", "--resume", "never", "--set", "a=b c"])
            #expect(outcome.exitCode == 0, "\(outcome)")
            #expect(outcome.text.contains(" of 3: train --resume never --set a=b c --heartbeat-file"))
            #expect(outcome.text.contains("exit code 137; restart 1 of 5 on 2 ranks."))
            #expect(outcome.text.contains("rank 0 of 1: train --set a=b c --heartbeat-file"))
            #expect(outcome.text.contains("--deadline 17"))
        }

        @Test func whenRestartsAreUsedUpTheLastExitCodeIsPassedOn() throws {
            let outcome = try launch("--ranks", "1", "--restarts", "1", script: "exit $((40 + start))")
            #expect(outcome.exitCode == 42 && outcome.text.contains("giving up after 1 restarts"), "\(outcome)")
        }

        @Test func aHangWithoutAHeartbeatIsEndedByTheGuard() throws {
            let outcome = try launch(
                "--ranks", "2", "--guard", "2", script: "trap '' TERM; while :; do sleep 1; done")
            #expect(outcome.exitCode == 75 && outcome.seconds < 10, "\(outcome)")
            #expect(outcome.text.contains("killing mpirun: rank 0 has given no sign of life"))
        }

        @Test func aWatchdogsVerdictIsRepeatedAndFollowedByARestart() throws {
            let outcome = try launch(
                "--ranks", "2", "--restarts", "1",
                script:
                    "if ((rank == 0 && start == 1)); then echo 'rank 1 (h9) was silent' > \"$heartbeat\"; exit 75; fi")
            #expect(outcome.exitCode == 0, "\(outcome)")
            #expect(outcome.text.contains("exit code 75 (rank 1 (h9) was silent); restart 1 of 1"))
        }

        @Test(arguments: [SIGTERM, SIGINT, SIGUSR1]) func aSignalReachesEveryRankAsSIGUSR1(signal: Int32) throws {
            let script = "trap 'echo rank $rank stops; sleep 0.2; exit 75' USR1; while :; do sleep 0.1; done"
            let outcome = try launch("--ranks", "2", "--restarts", "1", script: script) { job in
                try? job.wait(for: "ranks") { job.text.contains("rank 1 of 2") && job.text.contains("rank 0 of 2") }
                usleep(300_000)
                job.send(signal)
            }
            #expect(outcome.exitCode == 75 && !outcome.text.contains("restart 1"), "\(outcome)")
            #expect(outcome.text.contains("rank 0 stops") && outcome.text.contains("rank 1 stops"), "\(outcome)")
        }

        @Test func aSecondSignalKillsARunThatDoesNotStop() throws {
            let outcome = try launch("--ranks", "2", script: "trap '' USR1; while :; do sleep 1; done") { job in
                try? job.wait(for: "ranks") { job.text.contains("rank 1 of 2") }
                job.send(SIGTERM)
                try? job.wait(for: "an answer") { job.text.contains("stopping with a checkpoint") }
                job.send(SIGTERM)
            }
            #expect(outcome.exitCode == 137 && outcome.text.contains("killing the run"), "\(outcome)")
        }

        @Test func aLaunchersDeathStopsTheRun() throws {
            var identifiers: [pid_t] = []
            _ = try launch("--ranks", "1", script: "echo $$ > pid; trap 'exit 75' USR1; while :; do sleep 0.1; done") {
                job in
                try? job.wait(for: "ranks") { job.text.contains("rank 0 of 1") }
                identifiers = descendants(of: job.process.processIdentifier, named: "mpirun")
                job.send(SIGKILL)
            }
            #expect(identifiers.count == 1)
            for _ in 0..<100 where identifiers.contains(where: isAlive) { usleep(50_000) }
            #expect(!identifiers.contains(where: isAlive))
        }

        @Test(arguments: [
            (["--ranks", "two", "train"], "--ranks is 'two'"), (["--rank", "2", "train"], "--rank is not an option"),
            (["--ranks", "2"], "which command"), (["--hostfile", "nowhere", "train"], "nowhere cannot be read"),
            (["--program", "/nowhere", "train"], "/nowhere is not there"),
        ])
        func wrongUsageIsNamed(arguments: [String], message: String) throws {
            let outcome = try Job.run([Place.launcher] + arguments)
            #expect([64, 66].contains(outcome.exitCode) && outcome.text.contains(message), "\(outcome)")
        }

        // MARK: The program

        @Test func sigtermStopsTheRunWithACheckpoint() throws {
            let experiment = try Experiment()
            let job = try Job(experiment.command("--ranks", "2"), in: experiment.folder)
            try job.wait(for: "checkpoint") { experiment.hasCheckpoint }
            job.send(SIGTERM)
            let outcome = try job.finish(limit: 30)
            #expect(outcome.exitCode == 75 && outcome.text.contains("run the same command again"), "\(outcome)")
            try Job.succeed(experiment.command("--ranks", "3"), in: experiment.folder)
            try experiment.requireReference()
        }

        @Test func aKilledRankIsFollowedByARestartThatEndsWithTheSameBytes() throws {
            let experiment = try Experiment()
            let job = try Job(experiment.command("--ranks", "3", "--restarts", "1", "--shrink"), in: experiment.folder)
            try job.wait(for: "checkpoint") { experiment.hasCheckpoint }
            let ranks = descendants(of: job.process.processIdentifier, named: "infodisent")
            try #require(ranks.count == 3)
            kill(ranks.randomElement()!, SIGKILL)
            let outcome = try job.finish()
            #expect(outcome.exitCode == 0 && outcome.text.contains("restart 1 of 1 on 2 ranks"), "\(outcome)")
            try experiment.requireReference()
        }

        @Test func aFrozenRankIsNamedAndEndedByTheDeadline() throws {
            let experiment = try Experiment()
            let job = try Job(
                experiment.command("--ranks", "3", "--deadline", "4", "--restarts", "1"), in: experiment.folder)
            try job.wait(for: "checkpoint") { experiment.hasCheckpoint }
            let ranks = descendants(of: job.process.processIdentifier, named: "infodisent").sorted()
            try #require(ranks.count == 3)
            let start = Date()
            kill(ranks[2], SIGSTOP)
            try job.wait(for: "restart", limit: 20) { job.text.contains("restart 1 of 1") }
            #expect(Date().timeIntervalSince(start) < 12)
            #expect(job.text.firstMatch(of: #/rank 2 \(.*\) has not been heard for 4/#) != nil, "\(job.text)")
            let outcome = try job.finish()
            #expect(outcome.exitCode == 0 && !isAlive(ranks[2]), "\(outcome)")
            try experiment.requireReference()
        }

        /// Whether a process is there and not a zombie.
        private func isAlive(_ process: pid_t) -> Bool {
            guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8) else {
                return false
            }
            return status.firstMatch(of: #/State:\s+[ZX]/#) == nil
        }
    }
}
