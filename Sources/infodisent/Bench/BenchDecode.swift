import ArgumentParser
import ImageCoding

/// `infodisent bench decode`: images into what a network sees.
struct BenchDecode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Decoding, resizing and normalising JPEG images, for some sizes of photographs.")

    @Option(help: "Shorter side after resizing, in pixels.") var resize = 256
    @Option(help: "Side of the square that is cut from the centre, in pixels.") var crop = 224
    @OptionGroup var deployment: DeploymentOptions

    func validate() throws {
        guard (1...4096).contains(crop), (crop...4096).contains(resize) else {
            throw ValidationError(
                "--resize \(resize) --crop \(crop) are not sides of up to 4096 pixels, the crop the smaller one.")
        }
    }

    func run() throws {
        let benchmark = try DecodingBenchmark(
            transform: InputTransform(resize: resize, crop: crop), threadCount: deployment.team.workerCount)
        for line in benchmark.lines { try Console.result(line) }
    }
}
