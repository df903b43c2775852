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
