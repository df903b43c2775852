import ArgumentParser
import Benchmarks
import Foundation
import Tensors

/// `infodisent bench forward`: frozen backbones.
struct BenchForward: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forward", abstract: "The forward pass of backbones, in images per second and core.",
        discussion: """
            Random weights, the default preset's image size, each thread with images of its own. Twice --engine compares what \
            multiplies matrices, in turn.
            """)

    @Option(
        name: .customLong("backbone"),
        help: "A backbone that `infodisent backbones` lists; may be repeated.", completion: .backbone)
    var backbones = ["resnet50", "densenet121", "convnext_tiny", "vit_b_16", "swin_t"]
    @Option(
        name: .customLong("engine"),
        help: "What multiplies matrices: packed (the program's own kernel) or openblas; may be repeated.")
    var engines = [MatrixEngine.packed]
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
            BenchTable.row("backbone, image", ["images/s", "per core", "ms/image", "best ms"], nameWidth: 34))
        for name in backbones {
            for engine in engines {
                let speed = try ForwardSpeed(
                    backbone: name, engine: engine, imagesPerCall: batch, repetitions: repetition.repetitions,
                    team: team)
                try Console.result(row(speed))
            }
        }
    }

    private func row(_ speed: ForwardSpeed) -> String {
        let name = "\(speed.backbone), \(speed.imageSide) x \(speed.imageSide)"
        return BenchTable.row(
            engines == [.packed] ? name : "\(name), \(speed.engine.rawValue)",
            [
                String(format: "%.2f", speed.imagesPerSecond),
                String(format: "%.2f", speed.imagesPerSecondAndCore),
                String(format: "%.1f", speed.pass.median * 1000 / Double(batch)),
                String(format: "%.1f", speed.pass.best * 1000 / Double(batch)),
            ], nameWidth: 34)
    }
}

extension MatrixEngine: ExpressibleByArgument {}
