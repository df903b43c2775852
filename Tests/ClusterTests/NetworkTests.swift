import Foundation
import Testing

extension ClusterTests {
    /// Launch/run on three hosts that are joined by a network.
    @Suite(.enabled(if: Requirement.hosts), .serialized) struct NetworkTests {
        private static let network = "10.77.0.0/24"

        @Test func aLostHostIsNamedAndTheRunGoesOnWithoutIt() throws {
            let hosts = try SimulatedHosts(3)
            let experiment = try Experiment()
            let job = try hosts.start(
                experiment.command(
                    "--hostfile", hosts.hostfile, "--network", Self.network, "--deadline", "15", "--restarts", "1",
                    "--shrink"), in: experiment.folder)
            try job.wait(for: "checkpoint") { experiment.hasCheckpoint }
            let start = Date()
            try hosts.cut("h2")
            try job.wait(for: "restart", limit: 60) { job.text.contains("restart 1 of 1") }
            // The deadline and the time that mpirun has to end, at worst.
            #expect(Date().timeIntervalSince(start) < 35)
            #expect(job.text.contains("h2"), "\(job.text)")
            #expect(job.text.contains("host h2 does not answer and is left out"), "\(job.text)")
            let outcome = try job.finish()
            #expect(outcome.exitCode == 0 && outcome.text.contains("on 2 ranks"), "\(outcome)")
            try experiment.requireReference()
            #expect(experiment.hasNoLeftovers)
        }

        /// A process that is frozen keeps its locks. Half a minute without a sign of life loses it the run; and when it wakes up
        /// it must not write any more, although the disk is there as before.
        @Test(.enabled(if: Requirement.patience)) func aFrozenHostOfRank0DoesNotKeepTheOthersFromGoingOn() throws {
            let hosts = try SimulatedHosts(3)
            let (experiment, reference) = try (Experiment(), Experiment())
            let settings = ["--set", "training.epochs=1500"]
            try Job.succeed(
                [Place.program("infodisent"), "train", "--config", "run.yaml"] + settings, in: reference.folder)
            let job = try hosts.start(
                experiment.command(
                    "--hostfile", hosts.hostfile, "--network", Self.network, "--deadline", "15", "--restarts", "1",
                    "--shrink") + settings, in: experiment.folder)
            try job.wait(for: "checkpoint") { experiment.hasCheckpoint }
            usleep(useconds_t.random(in: 0...1_000_000))
            let frozen = try hosts.processes(on: "h1")
            try #require(!frozen.isEmpty)
            for process in frozen { kill(process, SIGSTOP) }
            try hosts.cut("h1")
            let outcome = try job.finish(limit: 300)
            #expect(outcome.exitCode == 0 && outcome.text.contains("restart 1 of 1 on 2 ranks"), "\(outcome)")
            try experiment.requireSame(as: reference)
            let before = try experiment.runContents()
            try hosts.heal("h1")
            for process in frozen { kill(process, SIGCONT) }
            sleep(20)
            #expect(try experiment.runContents() == before, "nothing was written, and nothing removed")
            try experiment.requireSame(as: reference)
        }

        @Test func aFrozenHostIsNamedAndTheHungMpirunKilled() throws {
            let hosts = try SimulatedHosts(3)
            let experiment = try Experiment()
            let job = try hosts.start(
                experiment.command("--hostfile", hosts.hostfile, "--network", Self.network, "--deadline", "6"),
                in: experiment.folder)
            try job.wait(for: "checkpoint") { experiment.hasCheckpoint }
            let start = Date()
            let frozen = try hosts.processes(on: "h3")
            for process in frozen { kill(process, SIGSTOP) }
            let outcome = try job.finish(limit: 60)
            #expect(outcome.exitCode == 75 && Date().timeIntervalSince(start) < 30, "\(outcome)")
            #expect(outcome.text.contains("rank 2 (h3) has not been heard for"), "\(outcome)")
            #expect(outcome.text.contains("killing mpirun"), "\(outcome)")
            for host in ["h1", "h2"] { #expect(try hosts.processes(on: host) == [], "\(host) is left clean") }
            // The same command goes on.
            for process in frozen { kill(process, SIGKILL) }
            let again = try hosts.start(
                experiment.command("--hostfile", hosts.hostfile, "--network", Self.network), in: experiment.folder)
            #expect(try again.finish().exitCode == 0)
            try experiment.requireReference()
        }
    }
}
