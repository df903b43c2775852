import ArgumentParser
import Benchmarks
import Datasets
import Foundation
import ImageCoding
import SystemPackage

/// `infodisent bench decode`: images into what a network sees.
struct BenchDecode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Decoding, resizing and normalising JPEG images, for some sizes of photographs.")

    @Option(help: "Shorter side after resizing, in pixels.") var resize = 256
    @Option(help: "Side of the square that is cut from the centre, in pixels.") var crop = 224
    @Option(
        help: ArgumentHelp("Measure the images in this folder instead, on one thread.", valueName: "folder"),
        completion: .directory,
        transform: { FilePath($0) })
    var images: FilePath?
    @OptionGroup var deployment: DeploymentOptions

    func validate() throws {
        guard (1...4096).contains(crop), (crop...4096).contains(resize) else {
            throw ValidationError(
                "--resize \(resize) --crop \(crop) are not sides of up to 4096 pixels, the crop the smaller one.")
        }
    }

    func run() throws {
        let transform = InputTransform(resize: resize, crop: crop)
        if let images {
            let dataset = try ClassFolders.load(root: images)
            let files = try (dataset.train + dataset.test).map { (name: $0.path, bytes: try dataset.bytes(of: $0)) }
            let seconds = try DecodingBenchmark.seconds(files: files, transform: transform, repetitions: 5)
            try Console.result(
                String(
                    format: "%d images, %.2f ms each, %.1f images per second and core", files.count,
                    seconds * 1000 / Double(files.count), Double(files.count) / seconds))
            return
        }
        let benchmark = try DecodingBenchmark(transform: transform, threadCount: deployment.team.workerCount)
        for line in benchmark.lines { try Console.result(line) }
    }
}
