import ArgumentParser
import Benchmarks
import Foundation

/// `infodisent bench forward`: frozen backbones.
struct BenchForward: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forward", abstract: "The forward pass of backbones, in images per second and core.",
        discussion: "Random weights, the default preset's image size, each thread with images of its own.")

    @Option(
        name: .customLong("backbone"),
        help: "A backbone that `infodisent backbones` lists; may be repeated.", completion: .backbone)
    var backbones = ["resnet50", "densenet121", "convnext_tiny", "vit_b_16", "swin_t"]
    @Option(help: "Images that a thread takes through the network together.") var batch = 4
    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var deployment: DeploymentOptions

    func validate() throws {
        guard (1...256).contains(batch) else {
            throw ValidationError("--batch is \(batch), but it takes a number from 1 to 256.")
        }
    }

    func run() throws {
        let team = deployment.team
        try Console.result(
            "\(team.workerCount) thread(s) of \(batch) image(s) each, medians of \(repetition.repetitions)")
        try Console.result(
            BenchTable.row("backbone, image", ["images/s", "per core", "ms/image", "best ms"], nameWidth: 30))
        for name in backbones {
            let speed = try ForwardSpeed(
                backbone: name, imagesPerCall: batch, repetitions: repetition.repetitions, team: team)
            try Console.result(
                BenchTable.row(
                    "\(name), \(speed.imageSide) x \(speed.imageSide)",
                    [
                        String(format: "%.2f", speed.imagesPerSecond),
                        String(format: "%.2f", speed.imagesPerSecondAndCore),
                        String(format: "%.1f", speed.pass.median * 1000 / Double(batch)),
                        String(format: "%.1f", speed.pass.best * 1000 / Double(batch)),
                    ], nameWidth: 30))
        }
    }
}
