import Backbones
import Benchmarks
import Foundation
import ImageCoding
import Testing
import WeightFiles

/// The same commands with a transformer: a vision transformer of 14 x 14 patches with random weights.
@Suite struct TransformerJobTests {
    @Test func aHeadIsTrainedOnATransformerAndItsHeatmapsAreInTheRightPlace() throws {
        let folder = try SmallExperiment.folder()
        let name = "vit_tiny_patch16_224"
        try Self.write(RandomWeights(backbone: name), to: folder.path.appending("vit.safetensors").string)
        let settings = [
            "backbone.name=\(name)", "backbone.weights=vit.safetensors", "cache.directory=vit-features",
            "training.epochs=2",
        ].flatMap { ["--set", $0] }
        let training = try Tool.infodisent.run(["train", "--config", "small.yaml"] + settings, in: folder)
        try #require(training.exitCode == 0, "\(training.errors)")
        #expect(try Tool.inspect.succeed("run", "--json", in: folder).contains(name))
        let index = try folder.text("vit-features/index.json")
        #expect(index.contains(name) && index.contains(#""channelCount":192, "height":14, "width":14"#))

        // Nothing but grey, and in one corner a pattern: what is strongest in a channel is there, or was not there at all.
        let corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
        for corner in corners {
            try folder.write(Data(ImageEncoder.png(Self.image(corner))), to: "corner-\(corner.0)\(corner.1).png")
        }
        let images = corners.map { "corner-\($0.0)\($0.1).png" }
        let outcome = try Tool.infodisent.run(
            ["explain", "--checkpoint", "run", "--output", "explanation"] + images, in: folder)
        try #require(outcome.exitCode == 0, "\(outcome.errors)")
        let explanations = try #require(
            JSONSerialization.jsonObject(with: folder.bytes("explanation/explanations.json")) as? [[String: Any]])
        for (corner, explanation) in zip(corners, explanations) {
            let channels = try #require(explanation["contributions"] as? [[String: Any]])
            let found = try channels.count { channel in
                try ["positive_position", "negative_position"].contains { name in
                    let position = try #require(channel[name] as? [String: Int])
                    let (row, column) = try (#require(position["row"]), #require(position["column"]))
                    return (row < 5 ? 0 : row >= 9 ? 1 : 2, column < 5 ? 0 : column >= 9 ? 1 : 2) == corner
                }
            }
            #expect(
                channels.count > 50 && found > channels.count * 9 / 10, "\(found) of \(channels.count) at \(corner)")
        }
    }

    /// 224 x 224 pixels of grey with a pattern of many colours in the corner (row, column), 64 pixels wide.
    private static func image(_ corner: (Int, Int)) -> PixelImage {
        var image = PixelImage(width: 224, height: 224, red: 128, green: 128, blue: 128)
        for y in 0..<64 {
            for x in 0..<64 {
                let place = ((corner.0 * 160 + y) * 224 + corner.1 * 160 + x) * 3
                image.pixels[place] = UInt8((x * 37 + y * 11) % 256)
                image.pixels[place + 1] = UInt8((x * y * 5) % 256)
                image.pixels[place + 2] = UInt8((y * 53) % 256)
            }
        }
        return image
    }

    private static func write(_ weights: RandomWeights, to path: String) throws {
        try SafetensorsWriter.write(
            weights.tensorNames.map {
                .floats($0, try weights.requiredEntry($0).shape, try weights.floats($0))
            }, to: .init(path))
    }
}
