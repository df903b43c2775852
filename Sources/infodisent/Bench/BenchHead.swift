import ArgumentParser
import Benchmarks
import DisentangledHead

/// `infodisent bench head`: training steps of the head.
struct BenchHead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "head", abstract: "A training step of the head, by channel map and number of channels.",
        discussion: "Batches of 64 random 7 x 7 feature maps, 200 classes, argmax pooling, Adam.")

    @Option(name: .customLong("channels"), help: "D; may be repeated.") var channelCounts = [512, 1024, 2048]
    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var deployment: DeploymentOptions

    func validate() throws {
        try BenchTable.requireChannelCounts(channelCounts)
    }

    func run() throws {
        MemoryLimit.keepReleasedMemory()
        let team = deployment.team
        try Console.result("\(team.workerCount) thread(s), milliseconds, median of \(repetition.repetitions)")
        try Console.result(BenchTable.row("channel map, D", ["gradients", "update", "step", "samples/s"]))
        for count in channelCounts {
            for map in ChannelMapKind.allCases {
                let speed = try HeadSpeed(
                    channelMap: map, channelCount: count, repetitions: repetition.repetitions, team: team)
                try Console.result(
                    BenchTable.row(
                        "\(map.rawValue), \(count)",
                        [speed.gradients, speed.update, speed.step].map { BenchTable.milliseconds($0)[0] }
                            + ["\(Int(64 / speed.step.median))"]))
            }
        }
    }
}
