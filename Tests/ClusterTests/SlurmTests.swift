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

    /// A job that is queued again would wait two minutes. Its nodes need a moment to clean up after the first start.
    func startNow() throws {
        try wait { $0["JobState"] == "PENDING" }
        sleep(4)
        try hosts.run("scontrol", "update", "JobId=\(identifier)", "StartTime=now")
    }

    func cancel() throws { try hosts.run("scancel", identifier) }
}
