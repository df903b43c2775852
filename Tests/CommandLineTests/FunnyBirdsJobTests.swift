import Datasets
import Foundation
import ImageCoding
import SystemPackage
import Testing

/// FunnyBirds' own files: an experiment on them, from the configuration to the interventions of a scorecard.
@Suite(.serialized) struct FunnyBirdsJobTests {
    private static let side = 128
    private static let classes = 4
    private static let things = PartDataset.Surrounding.common
    /// The variants of FunnyBirds' parts, which are called as those of the built-in birds.
    private static let parts = FunnyBirds.parts.map { PartDataset.Part(rawValue: $0)! }

    /// Draws built-in birds into FunnyBirds' layout.
    private static func makeBirds(in folder: Folder) throws {
        func write(_ bytes: [UInt8], _ name: String) throws {
            let url = folder.url("FunnyBirds/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: url)
        }
        func bird(_ split: Split, _ label: Int, _ index: Int) -> PartDataset.BirdDescription {
            PartDataset.description(seed: 1, split: split, classIndex: label, index: index, imageSide: side)
        }
        let list = parts.map { part in
            "\"\(part.rawValue)\": [\(part.variantNames.map { "{\"model\": \"\($0)\"}" }.joined(separator: ", "))]"
        }
        try write(Array("{\(list.joined(separator: ", "))}".utf8), "parts.json")
        let classList = (0..<classes).map { label in
            let variants = bird(.test, label, 0).variants
            let own = parts.map { "\"\($0.rawValue)\": \(variants[$0])" }.joined(separator: ", ")
            return "{\"class_idx\": \(label), \"parts\": {\(own)}}"
        }
        try write(Array("[\(classList.joined(separator: ", "))]".utf8), "classes.json")
        let objects = String(repeating: "1,", count: things.count)
        for (split, count) in [(Split.train, 6), (.test, 2)] {
            let images = (0..<classes * count).map {
                "{\"class_idx\": \($0 / count), \"bg_objects\": \"\(split == .test ? objects : "")\"}"
            }
            try write(Array("[\(images.joined(separator: ", "))]".utf8), "dataset_\(split.rawValue).json")
            for number in 0..<classes * count {
                let (label, name) = (number / count, String(format: "%06d", number))
                let description = bird(split, label, number % count)
                let whole = PartDataset.draw(description).image
                try write(ImageEncoder.png(whole), "\(split.rawValue)/\(label)/\(name).png")
                guard split == .test else { continue }
                var map = PixelImage(width: side, height: side)
                func paint(_ other: PixelImage, _ colour: [UInt8]) {
                    for pixel in 0..<side * side
                    where whole.pixels[3 * pixel..<3 * pixel + 3] != other.pixels[3 * pixel..<3 * pixel + 3] {
                        map.pixels.replaceSubrange(3 * pixel..<3 * pixel + 3, with: colour)
                    }
                }
                let interventions = "test_interventions/\(label)/\(name)"
                for (index, thing) in things.enumerated() {
                    let without = PartDataset.draw(description, surroundings: [thing]).image
                    try write(ImageEncoder.png(without), "\(interventions)/background_interventions/\(index).png")
                    paint(without, [204, 204, 204 + UInt8(index)])
                }
                for kept in 0..<1 << parts.count {
                    let some = parts.indices.filter { kept >> $0 & 1 == 1 }.map { parts[$0] }
                    let image = PartDataset.draw(description, omitting: Set(parts).subtracting(some)).image
                    let names = some.map(\.rawValue).joined(separator: "_")
                    try write(ImageEncoder.png(image), "\(interventions)/body_\(names).png")
                }
                let colours: [[UInt8]] = [
                    [255, 255, 0], [255, 255, 253], [255, 0, 1], [0, 0, 255], [0, 255, 1],
                ]
                for (part, colour) in zip(parts, colours) {
                    paint(PartDataset.draw(description, omitting: [part]).image, colour)
                }
                try write(ImageEncoder.png(map), "test_part_map/\(label)/\(name).png")
            }
        }
        let configuration = """
            run:
              directory: run
            backbone:
              name: demo
            dataset:
              root: FunnyBirds
            cache:
              directory: features
            training:
              epochs: 6
              batch_size: 8
              logical_shards: 4
            """
        try folder.write(Data(configuration.utf8), to: "funny.yaml")
        try Tool.infodisent.succeed("train", "--config", "funny.yaml", in: folder)
    }

    private struct Card: Decodable {
        struct Figure: Decodable {
            struct Key: Decodable { let group, metric, way: String }
            let key: Key
            let value: Double
            let imageCount: Int
        }
        struct Missing: Decodable { let metric: String }
        let dataset: String
        let figures: [Figure]
        let notMeasured: [Missing]
    }

    private static let command = [
        "evaluate", "--checkpoint", "run", "--metrics", "interventions,localisation,misalignment", "--json",
        "--pass-images", "3",
    ]

    @Test func itsFilesAreUsedForInterventionsAndPlaces() throws {
        let folder = try Folder()
        try Self.makeBirds(in: folder)
        let outcome = try Tool.infodisent.run(Self.command, in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let card = try decoder.decode(Card.self, from: Data(outcome.output.utf8))
        #expect(card.dataset == "funnybirds" && card.notMeasured.map(\.metric) == [])
        let metrics = Set(card.figures.map(\.key.metric))
        for metric in [
            "correctness", "completeness-pc", "background-independence", "pointing-at-object", "part-purity",
        ] {
            #expect(metrics.contains(metric), "\(metric)")
        }
        for figure in card.figures where figure.key.group == "interventions" {
            #expect((0...1).contains(figure.value) && (1...3).contains(figure.imageCount), "\(figure.key)")
        }
        if Mpirun.isRunnable {
            let ranks = try Tool.finish(Mpirun.start(ranks: 2, Self.command, in: folder), in: folder)
            #expect(ranks.exitCode == 0 && ranks.output == outcome.output, "\(ranks.errors)")
        }
        // What is not there is named.
        try FileManager.default.removeItem(at: folder.url("FunnyBirds/test_part_map/0/000000.png"))
        let broken = try Tool.infodisent.run(
            ["evaluate", "--checkpoint", "run", "--metrics", "interventions", "--pass-images", "8"], in: folder)
        #expect(broken.exitCode == 66 && broken.errors.contains("test_part_map/0"), "\(broken.errors)")
        // Training images have no such pictures.
        let train = try Tool.infodisent.run(
            ["evaluate", "--checkpoint", "run", "--metrics", "interventions", "--split", "train"], in: folder)
        #expect(train.exitCode == 0 && train.output.contains("Not measured: interventions"), "\(train.errors)")
    }
}
