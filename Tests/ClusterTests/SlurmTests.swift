import Foundation
import Testing

extension ClusterTests {
    /// Launch/slurm.sbatch on a real SLURM with three simulated nodes.
    @Suite(.enabled(if: Requirement.slurm), .serialized) struct SlurmTests {
        @Test(.enabled(if: Requirement.patience)) func aJobIsSignalledBeforeItsLimitAndQueuedAgainWithACheckpoint()
            throws
        {
            let hosts = try SimulatedHosts(3, slurm: true)
            let experiment = try Experiment()
            // Endless until it is signalled; SLURM looks at the clock every half minute or so.
            let job = try SlurmJob(
                hosts, experiment, ["--nodes=3", "--time=1", "--signal=B:USR1@55"], ["training.epochs=1000000"])
            try job.wait(limit: 90) { $0["Restarts"] == "1" }
            #expect(job.log.contains("stopping with a checkpoint") && job.log.contains("is queued again, exit code 75"))
            try job.cancel()
            #expect(experiment.hasCheckpoint)
        }

        @Test func aJobThatIsSignalledGoesOnAndEndsWithTheSameBytes() throws {
            let hosts = try SimulatedHosts(3, slurm: true)
            let experiment = try Experiment()
            let job = try SlurmJob(hosts, experiment, ["--nodes=3"])
            try job.wait { _ in experiment.hasCheckpoint }
            try hosts.run("scancel", "--batch", "--signal=USR1", job.identifier)
            try job.wait { $0["Restarts"] == "1" }
            try job.startNow()
            try job.wait { $0["JobState"] == "COMPLETED" }
            #expect(job.log.contains("start 2, on h[1-3]"), "\(job.log)")
            try experiment.requireReference()
        }

        @Test(.enabled(if: Requirement.patience)) func aLostNodeIsReplacedByAnotherAndTheBytesAreTheSame() throws {
            let hosts = try SimulatedHosts(3, slurm: true)
            let experiment = try Experiment()
            let job = try SlurmJob(hosts, experiment, ["--nodes=2"])
            try job.wait { _ in experiment.hasCheckpoint }
            // The script runs on h1, the first node.
            try hosts.cut("h2")
            try job.wait(limit: 90) { $0["Restarts"] == "1" }
            for _ in 0..<90 where try !hosts.run("sinfo", "--noheader", "--nodes=h2", "--format=%T").contains("down") {
                sleep(1)
            }
            try job.startNow()
            try job.wait { $0["JobState"] == "COMPLETED" }
            #expect(job.log.contains("start 2, on h[1,3]"), "\(job.log)")
            try experiment.requireReference()
        }

        enum Ending: String, CaseIterable { case scancel, timeLimit, preemption }

        /// However SLURM ends a job, and at whatever moment: the last step has a checkpoint, and the run goes on from it.
        @Test(.enabled(if: Requirement.patience), arguments: Ending.allCases)
        func tenTimesAtRandomMomentsThereIsACheckpointOfTheLastStep(ending: Ending) throws {
            let hosts = try SimulatedHosts(3, slurm: true)
            let reference = try Experiment()
            // On three hosts a minute, or some where SLURM has to end it; in one process, which goes on with it, much less.
            let settings = ["training.epochs=\(ending == .timeLimit ? 6000 : 1500)"]
            let train =
                [Place.program("infodisent"), "train", "--config", "run.yaml"] + settings.flatMap { ["--set", $0] }
            try Job.succeed(train, in: reference.folder)
            for number in 1...10 {
                let experiment = try Experiment()
                var options = ["--nodes=3", "--time=60"]
                if ending == .timeLimit {
                    // With a signal before the limit, and without one (SIGCONT is none).
                    let lead = Int.random(in: 1...50)
                    options = [
                        "--nodes=3", "--time=1", number % 2 == 0 ? "--signal=B:USR1@\(lead)" : "--signal=B:CONT@1",
                    ]
                }
                let job = try SlurmJob(hosts, experiment, options, settings)
                try job.wait { $0["JobState"] == "RUNNING" }
                let moment = Double.random(in: 0...6)
                usleep(useconds_t(moment * 1e6))
                switch ending {
                case .scancel: try job.cancel()
                case .timeLimit: break
                case .preemption:
                    try hosts.run(
                        "sbatch", "--parsable", "--exclusive", "--nodes=3", "--partition=urgent", "--output=/dev/null",
                        "--wrap", "sleep 1")
                }
                let text = { "\(ending) \(number) after \(moment) s:\n\(job.log)" }
                if ending == .scancel {
                    try job.waitForEnd { $0["JobState"] == "CANCELLED" }
                } else {
                    try job.waitForEnd { $0["JobState"] == "PENDING" && $0["Restarts"] == "1" }
                    try job.cancel()
                }
                #expect(job.log.contains("exit code 75") && !job.log.contains("killing"), "\(text())")
                // Where training had begun, its last step has a checkpoint.
                let metrics = experiment.folder.appending(path: "run/metrics.jsonl")
                let hasBegun = (try? Data(contentsOf: metrics))?.isEmpty == false
                if let step = job.log.firstMatch(of: #/Stopped after step (\d+) of/#).flatMap({ Int($0.1) }) {
                    let latest = try String(
                        contentsOf: experiment.folder.appending(path: "run/checkpoints/latest"), encoding: .utf8)
                    #expect(Int(latest.dropFirst(5).dropLast()) == step, "\(text())")
                } else {
                    #expect(!hasBegun, "\(text())")
                }
                try Job.succeed(train, in: experiment.folder)
                try experiment.requireSame(as: reference)
                print("\(ending) \(number) of 10 after \(moment) s, training \(hasBegun ? "had" : "had not") begun")
            }
        }
    }
}

/// A job that was given to sbatch.
private struct SlurmJob {
    let identifier: String
    private let hosts: SimulatedHosts
    private let experiment: Experiment

    init(_ hosts: SimulatedHosts, _ experiment: Experiment, _ options: [String], _ settings: [String] = []) throws {
        self.hosts = hosts
        self.experiment = experiment
        let command = experiment.command("--network", "10.77.0.0/24", "--deadline", "15").dropFirst()
        let job = try hosts.start(
            ["sbatch", "--parsable", "--output=job.log"] + options
                + [Place.project.appending(path: "Launch/slurm.sbatch").path] + command
                + settings.flatMap { ["--set", $0] }, in: experiment.folder)
        let outcome = try job.finish()
        try #require(outcome.exitCode == 0, "\(outcome)")
        identifier = outcome.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    var log: String { (try? String(contentsOf: experiment.folder.appending(path: "job.log"), encoding: .utf8)) ?? "" }

    /// What SLURM says of the job, by name.
    private func status() throws -> [String: String] {
        let fields = try hosts.run("scontrol", "show", "job", identifier).split(whereSeparator: \.isWhitespace)
            .map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        return Dictionary(fields.filter { $0.count == 2 }.map { ($0[0], $0[1]) }) { first, _ in first }
    }

    func wait(limit: Double = 60, until condition: ([String: String]) throws -> Bool) throws {
        let end = Date().addingTimeInterval(limit)
        while true {
            let status = try status()
            if try condition(status) { return }
            let hasFailed = ["FAILED", "CANCELLED", "TIMEOUT"].contains(status["JobState"])
            try #require(Date() < end && !hasFailed, "\(status)\n\(log)")
            usleep(300_000)
        }
    }

    /// Waits for a state that may be one in which a job has failed.
    func waitForEnd(limit: Double = 180, until condition: ([String: String]) throws -> Bool) throws {
        let end = Date().addingTimeInterval(limit)
        while true {
            let status = try status()
            if try condition(status) { return }
            try #require(Date() < end, "\(status)\n\(log)")
            usleep(300_000)
        }
    }

    /// A job that is queued again would wait two minutes. Its nodes need a moment to clean up after the first start.
    func startNow() throws {
        try wait { $0["JobState"] == "PENDING" }
        sleep(4)
        try hosts.run("scontrol", "update", "JobId=\(identifier)", "StartTime=now")
    }

    func cancel() throws { try hosts.run("scancel", identifier) }
}
