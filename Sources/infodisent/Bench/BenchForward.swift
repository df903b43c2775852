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
            multiplies matrices, in turn. Beside --compute bf16 stands how far its features are from those of f32: the largest \
            difference, of the largest feature, and the root mean square of the differences, of that of the features.
            """)

    @Option(
        name: .customLong("backbone"),
        help: "A backbone that `infodisent backbones` lists; may be repeated.", completion: .backbone)
    var backbones = ["resnet50", "densenet121", "convnext_tiny", "vit_b_16", "swin_t"]
    @Option(
        name: .customLong("engine"),
        help: "What multiplies matrices: packed (the program's own kernel) or openblas; may be repeated.")
    var engines = [MatrixEngine.packed]
    @Option(
        name: .customLong("compute"),
        help: """
            What products are made of: f32, or bf16 (operands rounded to bfloat16, summed in f32; needs AVX512-BF16); may be \
            repeated.
            """)
    var computes = [ComputePrecision.f32]
    @Flag(name: .customLong("json"), help: "The results as JSON.") var isJSON = false
    @Option(help: "Images that a thread takes through the network together.") var batch = 4
    @OptionGroup var repetition: RepetitionOptions
    @OptionGroup var deployment: DeploymentOptions

    func validate() throws {
        guard (1...256).contains(batch) else {
            throw ValidationError("--batch is \(batch), but it takes a number from 1 to 256.")
        }
        for compute in computes where compute != .f32 {
            if let obstacle = compute.obstacle {
                throw ValidationError("--compute is \(compute.rawValue), but \(obstacle). Use --compute f32.")
            }
            if engines.contains(where: { $0 != .packed }) {
                throw ValidationError(
                    "--compute is \(compute.rawValue), which only --engine packed can do. Leave one of the two options out."
                )
            }
        }
    }

    func run() throws {
        let team = deployment.team
        if !isJSON {
            try Console.result(
                "\(team.workerCount) thread(s) of \(batch) image(s) each, medians of \(repetition.repetitions)")
            try Console.result(
                BenchTable.row(
                    "backbone, image",
                    ["images/s", "per core", "ms/image", "best ms"]
                        + (computes == [.f32] ? [] : ["largest diff", "RMS diff"]), nameWidth: 34))
        }
        var records: [Record] = []
        for name in backbones {
            for (engine, compute) in engines.flatMap({ engine in computes.map { (engine, $0) } }) {
                let speed = try ForwardSpeed(
                    backbone: name, engine: engine, compute: compute, imagesPerCall: batch,
                    repetitions: repetition.repetitions, team: team)
                if isJSON { records.append(Record(speed)) } else { try Console.result(row(speed)) }
            }
        }
        if isJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try Console.result(String(decoding: encoder.encode(records), as: UTF8.self))
        }
    }

    private func row(_ speed: ForwardSpeed) -> String {
        var name = "\(speed.backbone), \(speed.imageSide) x \(speed.imageSide)"
        if engines != [.packed] { name += ", \(speed.engine.rawValue)" }
        if computes != [.f32] { name += ", \(speed.compute.rawValue)" }
        let differences = speed.difference.map {
            [String(format: "%.2e", $0.largest), String(format: "%.2e", $0.rootMeanSquare)]
        }
        return BenchTable.row(
            name,
            [
                String(format: "%.2f", speed.imagesPerSecond),
                String(format: "%.2f", speed.imagesPerSecondAndCore),
                String(format: "%.1f", speed.pass.median * 1000 / Double(batch)),
                String(format: "%.1f", speed.pass.best * 1000 / Double(batch)),
            ] + (differences ?? []), nameWidth: 34)
    }

    /// What `--json` prints of each measurement.
    private struct Record: Encodable {
        let backbone: String
        let engine: String
        let compute: String
        let imageSide: Int
        let threads: Int
        let imagesPerCall: Int
        let imagesPerSecond: Double
        let medianSecondsPerPass: Double
        let bestSecondsPerPass: Double
        /// Of the largest feature.
        let largestDifference: Double?
        /// Of the features' own.
        let rootMeanSquareDifference: Double?

        init(_ speed: ForwardSpeed) {
            backbone = speed.backbone
            engine = speed.engine.rawValue
            compute = speed.compute.rawValue
            imageSide = speed.imageSide
            threads = speed.threadCount
            imagesPerCall = speed.imagesPerCall
            imagesPerSecond = speed.imagesPerSecond
            medianSecondsPerPass = speed.pass.median
            bestSecondsPerPass = speed.pass.best
            largestDifference = speed.difference?.largest
            rootMeanSquareDifference = speed.difference?.rootMeanSquare
        }
    }
}

extension MatrixEngine: ExpressibleByArgument {}
extension ComputePrecision: ExpressibleByArgument {}
