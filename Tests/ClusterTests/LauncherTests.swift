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
            _ options: String..., script: String, arguments: [String] = ["train"],
            disturb: ((Job) -> Void)? = nil
        ) throws -> Job.Outcome {
            var left: [String] = []
            return try launch(options, script: script, arguments: arguments, left: &left, disturb: disturb)
        }

        /// - Parameter left: the names of what is in the folder of the run afterwards.
        private func launch(
            _ options: [String], script: String, arguments: [String] = ["train"], left: inout [String],
            disturb: ((Job) -> Void)? = nil, prepare: ((_ folder: URL) throws -> Void)? = nil
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
            try prepare?(folder)
            defer { left = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] }
            let job = try Job([Place.launcher] + options + ["--program", program.path] + arguments, in: folder)
            disturb?(job)
            return try job.finish(limit: 60)
        }

        @Test(arguments: [0, 64, 65, 66, 70, 78, 75]) func thereIsNoRestartAfter(code: Int) throws {
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
                    """
                    if ((start > 1)); then exit; fi
                    if ((rank == 0)); then echo 'given up: rank 1 (h9) was silent' >> "$heartbeat"; exit 75; fi
                    sleep 1
                    """)
            #expect(outcome.exitCode == 0, "\(outcome)")
            #expect(outcome.text.contains("exit code 75 (rank 1 (h9) was silent); restart 1 of 1"))
        }

        /// Waits until the scripts of two ranks have set their traps, which they say.
        private func waitUntilRanksListen(_ job: Job) {
            try? job.wait(for: "ranks") {
                job.text.contains("rank 0 listens") && job.text.contains("rank 1 listens")
            }
        }

        @Test(arguments: [SIGTERM, SIGINT, SIGUSR1]) func aSignalReachesEveryRankAsSIGUSR1(signal: Int32) throws {
            let script =
                "trap 'echo rank $rank stops; sleep 0.2; exit 75' USR1; echo rank $rank listens; while :; do sleep 0.1; done"
            let outcome = try launch("--ranks", "2", "--restarts", "1", script: script) { job in
                waitUntilRanksListen(job)
                job.send(signal)
            }
            #expect(outcome.exitCode == 75 && !outcome.text.contains("restart 1"), "\(outcome)")
            #expect(outcome.text.contains("rank 0 stops") && outcome.text.contains("rank 1 stops"), "\(outcome)")
        }

        /// Ctrl-C twice kills at once, SIGTERM only when there was time.
        @Test(arguments: [(SIGINT, "30"), (SIGTERM, "1")])
        func aSecondSignalKillsARunThatDoesNotStop(signal: Int32, window: String) throws {
            let outcome = try launch(
                "--ranks", "2", "--stop-within", window,
                script: "trap '' USR1; echo rank $rank listens; while :; do sleep 1; done"
            ) { job in
                waitUntilRanksListen(job)
                job.send(signal)
                try? job.wait(for: "an answer") { job.text.contains("stopping with a checkpoint") }
                if signal == SIGTERM { usleep(2_100_000) }
                job.send(signal)
            }
            #expect(outcome.exitCode == 137 && outcome.text.contains("killing the run"), "\(outcome)")
        }

        /// As SLURM ends a job: every process of it gets SIGTERM, and the script that started the launcher sends SIGUSR1.
        @Test func signalsToEveryProcessAreOneWishAndMpirunDoesNotTakeThem() throws {
            let script = """
                wish() { if ((!asked)); then asked=1; echo rank $rank asked; fi; }
                asked=0
                trap wish USR1 TERM
                echo rank $rank listens
                for ((tenths = 0; tenths < 50; tenths++)); do sleep 0.1; done
                for ((tenths = 0; tenths < 600 && !asked; tenths++)); do sleep 0.1; done
                echo rank $rank has its checkpoint
                exit 75
                """
            let outcome = try launch("--ranks", "2", script: script) { job in
                waitUntilRanksListen(job)
                let all = descendants(of: job.process.processIdentifier)
                for process in [job.process.processIdentifier] + all { kill(process, SIGTERM) }
                usleep(100_000)
                job.send(SIGUSR1)
                usleep(100_000)
                for signal in [SIGTERM, SIGHUP, SIGUSR1] { job.send(signal) }
            }
            #expect(outcome.exitCode == 75 && !outcome.text.contains("killing"), "\(outcome)")
            for rank in 0...1 { #expect(outcome.text.contains("rank \(rank) has its checkpoint"), "\(outcome)") }
        }

        @Test func aWishIsHandedOnUntilARankKnowsIt() throws {
            // Ranks that cannot hear it at first, and then count how often they do.
            let script = """
                trap '' USR1
                echo rank $rank listens
                sleep 2.5
                count=0
                trap 'count=$((count + 1)); if ((rank == 0 && count == 1)); then echo stopping >> "$heartbeat"; fi' USR1
                end=$((SECONDS + 5))
                while ((SECONDS < end)); do sleep 0.1; done
                if ((count)); then echo "rank $rank heard it $count times"; exit 75; fi
                """
            let outcome = try launch("--ranks", "2", script: script) { job in
                waitUntilRanksListen(job)
                job.send(SIGTERM)
            }
            #expect(outcome.exitCode == 75, "\(outcome)")
            #expect(outcome.text.firstMatch(of: #/rank 0 heard it [12] times/#) != nil, "\(outcome)")
        }

        @Test func aWishBeforeThereIsAnybodyToHearItEndsWith75() throws {
            let program = "trap 'exit 75' USR1 TERM; for ((i = 0; i < 300; i++)); do sleep 0.1; done"
            for milliseconds in [15, 30, 60, 90, 120, 150, 200, 300, 400] {
                let signal = [SIGTERM, SIGINT, SIGUSR1, SIGHUP].randomElement()!
                let outcome = try launch("--ranks", "2", script: program) { job in
                    // Before its first line a shell has no traps.
                    try? job.wait(for: "traps") { handles(signal, job.process.processIdentifier) }
                    usleep(useconds_t(milliseconds - 15) * 1000)
                    job.send(signal)
                }
                #expect(
                    outcome.exitCode == 75 && outcome.seconds < 25, "signal \(signal) at \(milliseconds): \(outcome)")
            }
        }

        /// Whether a process has a handler for a signal.
        private func handles(_ signal: Int32, _ process: pid_t) -> Bool {
            let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
            guard let mask = status.firstMatch(of: #/SigCgt:\s*([0-9a-f]+)/#).flatMap({ UInt64($0.1, radix: 16) })
            else {
                return false
            }
            return mask & 1 << UInt64(signal - 1) != 0
        }

        // MARK: The heartbeat file

        @Test(arguments: [false, true]) func whatIsNotAHeartbeatFileIsLeftAlone(dryRun: Bool) throws {
            for name in ["folder", "notes.txt", "link"] {
                var left: [String] = []
                var kept: Data?
                let outcome = try launch(
                    (dryRun ? ["--dry-run"] : []) + ["--ranks", "1", "--heartbeat-file", name], script: "exit 0",
                    left: &left
                ) { job in
                    _ = try? job.finish()
                    let folder = job.process.currentDirectoryURL!
                    kept = try? Data(contentsOf: folder.appending(path: "notes.txt"))
                    #expect(FileManager.default.fileExists(atPath: folder.appending(path: "folder/precious").path))
                } prepare: { folder in
                    try FileManager.default.createDirectory(
                        at: folder.appending(path: "folder/precious"), withIntermediateDirectories: true)
                    try Data("mine".utf8).write(to: folder.appending(path: "notes.txt"))
                    try FileManager.default.createSymbolicLink(
                        atPath: folder.appending(path: "link").path, withDestinationPath: "nowhere")
                }
                #expect(kept == Data("mine".utf8) && left.contains("link") && !left.contains("nowhere"), "\(left)")
                #expect(outcome.exitCode == (dryRun ? 0 : 64), "\(name): \(outcome)")
                if !dryRun { #expect(outcome.text.contains("name a file that is not there"), "\(outcome)") }
            }
        }

        @Test func aHeartbeatFileOfOnesOwnIsMadeAndRemovedAndAnEmptyOneStays() throws {
            for (content, remains) in [(nil, false), ("", true), ("infodisent heartbeat of h9 17\nended 0\n", false)]
                as [(String?, Bool)]
            {
                var left: [String] = []
                let outcome = try launch(
                    ["--ranks", "1", "--heartbeat-file", "beat"],
                    script: "read -r line < beat; echo \"line: $line\"; touch beat", left: &left,
                    prepare: { folder in
                        if let content { try Data(content.utf8).write(to: folder.appending(path: "beat")) }
                    })
                #expect(outcome.exitCode == 0 && outcome.text.contains("line: infodisent heartbeat of "), "\(outcome)")
                #expect(left.contains("beat") == remains, "\(left)")
            }
        }

        @Test func aHeartbeatFileAmongTheCommandsOwnOptionsIsTheGuards() throws {
            for option in [["--heartbeat-file", "own"], ["--heartbeat-file=own"]] {
                let outcome = try launch(
                    "--ranks", "1", "--guard", "3",
                    script: """
                        echo "file $heartbeat"
                        for ((i = 0; i < 60; i++)); do touch "$heartbeat"; sleep 0.1; done
                        """, arguments: ["train"] + option)
                #expect(outcome.exitCode == 0 && !outcome.text.contains("killing"), "\(outcome)")
                #expect(outcome.text.contains("/own\n"), "\(outcome)")
            }
        }

        @Test func aRestartHasAHeartbeatFileOfItsOwn() throws {
            let outcome = try launch(
                "--ranks", "1", "--restarts", "1", "--heartbeat-file", "beat",
                script: "echo \"file $heartbeat\"; if ((start == 1)); then kill -KILL $$; fi")
            #expect(outcome.exitCode == 0 && outcome.text.contains("/beat\n"), "\(outcome)")
            #expect(outcome.text.contains("/beat.1\n"), "\(outcome)")
        }

        // MARK: The end

        @Test func aRunWhoseRanksAreAllDoneIsDoneWhateverBecomesOfMpirun() throws {
            let script = "if ((rank == 0)); then echo 'ended 0' >> \"$heartbeat\"; kill -KILL $PPID; fi; exit 0"
            let outcome = try launch("--ranks", "2", "--restarts", "2", script: script)
            #expect(outcome.exitCode == 0 && !outcome.text.contains("restart 1"), "\(outcome)")
            #expect(outcome.text.contains("after all ranks had ended with 0"), "\(outcome)")
        }

        @Test func aReportSaysHowTheRunEnded() throws {
            for (script, word) in [
                ("exit 0", "done"), ("exit 75", "stopped"), ("exit 78", "refused"), ("kill -KILL $$", "crashed"),
                ("echo 'given up: tired' >> $heartbeat; exit 75", "crashed"),
            ] {
                var report = ""
                _ = try launch("--ranks", "1", "--report", "report", script: script) { job in
                    _ = try? job.finish()
                    let path = job.process.currentDirectoryURL!.appending(path: "report")
                    report = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
                }
                #expect(report == word + "\n", "\(script)")
            }
        }

        @Test func numbersAreDecimal() throws {
            let outcome = try launch(
                "--ranks", "010", "--deadline", "08", "--restarts", "09", "--guard", "0010", "--dry-run", script: "")
            #expect(outcome.exitCode == 0 && outcome.text.contains("'-n' '10'"), "\(outcome)")
            #expect(outcome.text.contains("'--deadline' '8'"), "\(outcome)")
            let fraction = try launch("--ranks", "1", "--dry-run", script: "", arguments: ["train", "--deadline=2.5"])
            #expect(fraction.exitCode == 0 && fraction.text.contains("'--deadline' '2.5'"), "\(fraction)")
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
            (["--deadline", "99999999999999999999", "train"], "--deadline is '99999999999999999999'"),
            (["train", "--deadline", "soon"], "--deadline is 'soon'"),
            (["train", "--deadline"], "--deadline needs a value"),
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

        @Test func aStoppedMpirunDoesNotHideThatTheTrainingIsComplete() throws {
            let experiment = try Experiment()
            let job = try Job(experiment.command("--ranks", "2", "--deadline", "10"), in: experiment.folder)
            try job.wait(for: "checkpoint") { experiment.hasCheckpoint }
            let mpirun = try #require(descendants(of: job.process.processIdentifier, named: "mpirun").first)
            kill(mpirun, SIGSTOP)
            defer { kill(mpirun, SIGKILL) }
            let outcome = try job.finish(limit: 100)
            #expect(outcome.exitCode == 0, "\(outcome)")
            try experiment.requireReference()
        }

        /// At moments that differ from run to run of the suite; INFODISENT_LONG_TESTS=1 asks for 60 of them.
        @Test func aSignalInTheFirstSecondIsNeverLost() throws {
            let experiment = try Experiment()
            for count in 1...(Requirement.patience ? 60 : 6) {
                let signal = [SIGTERM, SIGINT, SIGUSR1].randomElement()!
                let microseconds = useconds_t.random(in: 20_000...1_000_000)
                let job = try Job(
                    experiment.command("--ranks", "2") + ["--set", "training.epochs=1000000"], in: experiment.folder)
                try job.wait(for: "traps") { handles(signal, job.process.processIdentifier) }
                usleep(microseconds)
                job.send(signal)
                let outcome = try job.finish(limit: 60)
                #expect(
                    outcome.exitCode == 75 && !outcome.text.contains("killing"),
                    "signal \(signal) after \(microseconds) us, number \(count): \(outcome)")
            }
            try FileManager.default.removeItem(at: experiment.folder.appending(path: "run"))
            try Job.succeed(experiment.command("--ranks", "2"), in: experiment.folder)
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
