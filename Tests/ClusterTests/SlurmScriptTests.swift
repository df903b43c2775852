import Foundation
import Testing

/// Launch/slurm.sbatch with stand-ins for SLURM and for Launch/run: what it makes of the ends of a run.
@Suite struct SlurmScriptTests {
    /// A job in a folder of its own, which it keeps from start to start.
    private final class StandIn {
        let folder = FileManager.default.temporaryDirectory.appending(path: "infodisent-batch-\(UUID().uuidString)")

        init() throws {
            for name in ["Launch", "bin"] {
                try FileManager.default.createDirectory(
                    at: folder.appending(path: name), withIntermediateDirectories: true)
            }
            // The outcome is the first word of the file `next`, the exit code the second.
            try write(
                "Launch/run",
                """
                echo "launcher: $*"
                read -r word code < next
                while (($#)); do if [[ $1 == --report ]]; then [[ $word == none ]] || echo "$word" > "$2"; fi; shift; done
                if [[ -e wait ]]; then trap 'exit 75' USR1; for ((i = 0; i < 100; i++)); do sleep 0.1; done; fi
                exit "$code"
                """)
            try write(
                "bin/scontrol",
                """
                case "$1 $2" in
                    'show config') echo 'KillWait                = 42 sec' ;;
                    'show job') echo "   JobState=COMPLETING Reason=$(cat reason 2>/dev/null || echo None) Requeue=1" ;;
                    *) echo "$*" >> requeues ;;
                esac
                """)
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        private func write(_ name: String, _ script: String) throws {
            let path = folder.appending(path: name)
            try Data("#!/usr/bin/env bash\n\(script)\n".utf8).write(to: path)
            chmod(path.path, 0o755)
        }

        func set(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: folder.appending(path: name)) }
        func exists(_ name: String) -> Bool {
            FileManager.default.fileExists(atPath: folder.appending(path: name).path)
        }

        func job(restart: Int = 0, _ environment: [String: String] = [:]) throws -> Job {
            let path = "\(folder.path)/bin:" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
            return try Job(
                ["bash", Place.project.appending(path: "Launch/slurm.sbatch").path, "train", "--config", "run.yaml"],
                in: folder,
                environment: [
                    "PATH": path, "SLURM_JOB_ID": "7", "SLURM_SUBMIT_DIR": folder.path, "SLURM_JOB_NODELIST": "h[1-3]",
                    "SLURM_RESTART_COUNT": "\(restart)",
                ].merging(environment) { $1 })
        }

        /// Runs the job once more; whether it asked to be queued again.
        func start(
            _ word: String, _ code: Int, restart: Int = 0, _ environment: [String: String] = [:]
        ) throws -> (outcome: Job.Outcome, isQueued: Bool) {
            try set("next", "\(word) \(code)\n")
            try? FileManager.default.removeItem(at: folder.appending(path: "requeues"))
            let outcome = try job(restart: restart, environment).finish(limit: 60)
            return (outcome, exists("requeues"))
        }
    }

    @Test(arguments: [("done", 0), ("refused", 65), ("refused", 70), ("refused", 78)])
    func whatWouldEndTheSameIsNotQueuedAgain(word: String, code: Int) throws {
        let (outcome, isQueued) = try StandIn().start(word, code)
        #expect(outcome.exitCode == code && !isQueued, "\(outcome)")
        #expect(
            outcome.text.contains("launcher: --report ")
                && outcome.text.contains(" --stop-within 42 train --config run.yaml"))
    }

    @Test func stopsAndCrashesHaveBudgetsOfTheirOwn() throws {
        let job = try StandIn()
        // Twenty and more preemptions are no reason to give up.
        for restart in 0..<25 {
            let (outcome, isQueued) = try job.start("stopped", 75, restart: restart)
            #expect(isQueued && outcome.text.contains("queued again"), "\(outcome)")
        }
        // Crashes one after the other are; a stop with a checkpoint in between shows that the run gets on.
        for (number, word) in ["crashed", "crashed", "stopped", "crashed", "none", "crashed"].enumerated() {
            #expect(try job.start(word, word == "stopped" ? 75 : 137, restart: 25 + number).isQueued, "\(number)")
        }
        let (last, isQueued) = try job.start("crashed", 137, restart: 40)
        #expect(!isQueued && last.exitCode == 137 && last.text.contains("gives up after 4 crashes"), "\(last)")
        #expect(!job.exists(".infodisent-crashes-7"))
        let (ended, isEndless) = try job.start("stopped", 75, restart: 5, ["INFODISENT_REQUEUES": "5"])
        #expect(!isEndless && ended.text.contains("gives up after 5 restarts"), "\(ended)")
    }

    @Test(arguments: [("None", false), ("TimeLimit", true)])
    func aJobThatSLURMEndsStaysAwayUnlessItsTimeWasUp(reason: String, isQueued: Bool) throws {
        let standIn = try StandIn()
        try standIn.set("next", "stopped 75\n")
        try standIn.set("wait", "")
        try standIn.set("reason", reason)
        let job = try standIn.job()
        try job.wait(for: "launcher") { job.text.contains("launcher:") }
        usleep(500_000)
        job.send(SIGTERM)
        let outcome = try job.finish(limit: 30)
        #expect(outcome.exitCode == 75 && standIn.exists("requeues") == isQueued, "\(outcome)")
    }
}
