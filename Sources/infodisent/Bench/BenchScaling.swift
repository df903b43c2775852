import ArgumentParser
import Benchmarks
import Foundation
import MessagePassing

/// `infodisent bench scaling`: throughput of all ranks beside that of one.
struct BenchScaling: CollectiveCommand {
    static let configuration = CommandConfiguration(
        commandName: "scaling",
        abstract: "Throughput of all ranks beside that of one, with the same work for each rank.",
        discussion: """
            Start it under mpirun, for example mpirun -n 2 --bind-to none infodisent bench scaling --threads 1.
            """)

    @Option(name: .customLong("channels"), help: "D of the head that is trained; may be repeated.")
    var channelCounts = [1024, 2048]
    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var deployment: DeploymentOptions
    @OptionGroup var ranks: RankOptions

    func validate() throws {
        try BenchTable.requireChannelCounts(channelCounts)
    }

    func run(on communicator: any Communicator) throws {
        MemoryLimit.keepReleasedMemory()
        let team = try deployment.team(on: communicator)
        communicator.activity.begin(step: 0, "measuring extraction")
        let extraction = try WeakScaling.extraction(
            repetitions: repetition.repetitions, over: communicator, team: team)
        communicator.activity.begin(step: 0, "measuring training")
        let training = try channelCounts.map {
            try WeakScaling.training(
                channelCount: $0, repetitions: repetition.repetitions, over: communicator, team: team)
        }
        func row(_ name: String, _ scaling: WeakScaling) -> String {
            BenchTable.row(
                name,
                [scaling.singleRate, scaling.totalRate].map { String(format: "%.1f", $0) }
                    + [String(format: "%.2f", scaling.speedup)])
        }
        for line in [
            "\(communicator.size) rank(s) of \(team.workerCount) thread(s), the same work for each",
            BenchTable.row("per second", ["one rank", "all ranks", "ratio"]),
            row("images extracted (demo backbone)", extraction),
        ] + zip(channelCounts, training).map({ row("samples trained on (D = \($0), C = 200)", $1) }) {
            try Console.result(line)
        }
    }
}
