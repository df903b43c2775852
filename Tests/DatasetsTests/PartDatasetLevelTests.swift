import Datasets
import DurableFiles
import Foundation
import ImageCoding
import SystemPackage
import Testing

@Suite struct PartDatasetLevelTests {
    typealias Part = PartDataset.Part
    typealias Surrounding = PartDataset.Surrounding

    private var birds: [PartDataset.BirdDescription] {
        (0..<12).map { PartDataset.description(seed: 3, split: .test, classIndex: $0, index: 5, level: .hard) }
    }

    private static let small = PartDataset.Options(
        classCount: 3, firstClass: 4, trainPerClass: 4, testPerClass: 2, seed: 11, imageSide: 128, level: .hard)

    // MARK: - Recorded

    /// Recorded with the program as it was before there were levels.
    @Test func easyFilesAreThoseFromBeforeThereWereLevels() throws {
        try withFolder { (folder) throws in
            var options = Self.small
            options.level = .easy
            try PartDataset.generate(options, into: folder.appending("birds"))
            for (name, digest) in [
                ("dataset.json", "00e79a82eddc26b022738c79fb9c375a119d602af62dc9071d7c3bb213e21716"),
                ("annotations.jsonl", "87ee64cb4dae718fe6ef77a0cc736a1951fdcc6e13b637a40123526942466037"),
            ] {
                let bytes = try DurableFile.read(folder.appending("birds").appending(name))
                #expect("\(ContentDigest(of: bytes))" == digest, "\(name)")
            }
        }
    }

    @Test func theHardDrawingsAreTheRecordedOnes() {
        let pixels = birds.flatMap { PartDataset.draw($0).image.pixels }
        #expect("\(ContentDigest(of: pixels))" == "f18270c253cb6b850a442d31b0097dfe9f8c1ed2fb82a65d798ead224c5e3555")
    }

    @Test func theHardLevelHasFewerTrainingImagesUnlessAsked() {
        #expect(PartDataset.Options().trainPerClass == 60)
        #expect(PartDataset.Options(level: .hard).trainPerClass == 20)
        #expect(PartDataset.Options(trainPerClass: 33, level: .hard).trainPerClass == 33)
    }

    // MARK: - Drawing

    /// What is in front of a part is not in its mask, and changes with it nowhere.
    @Test func masksAreOfWhatShows() throws {
        var (hidden, astray, drawn) = (0, 0, 0)
        for bird in birds {
            let front: Set<Surrounding> = [.foreground, .obstacle(0), .obstacle(1), .obstacle(2)]
            let (whole, open) = (PartDataset.draw(bird), PartDataset.draw(bird, surroundings: front))
            for part in Part.allCases {
                let without = PartDataset.draw(bird, omitting: [part])
                #expect(!without.parts.contains { $0.part == part })
                let side = bird.imageSide
                let shown = whole.parts.first { $0.part == part }
                let all = try #require(open.parts.first { $0.part == part })
                #expect((shown?.area ?? 0) <= all.area)
                let near = DrawnPixels.dilated(
                    shown.map { DrawnPixels.mask($0, side: side) } ?? Array(repeating: false, count: side * side),
                    side: side, by: 2)
                let changes = near.indices.filter { DrawnPixels.differs(whole.image, without.image, $0) }
                // Between leaves there are pieces of fewer than four pixels and pixels of which the part has less than half.
                #expect(changes.count { !near[$0] } <= 6 + all.area / 10, "\(part) changes what is not in its mask")
                astray += changes.count { !near[$0] }
                drawn += all.area
                #expect(changes.count * 10 > (shown?.area ?? 0) * 8, "most of the \(part)'s mask is of the part")
                hidden += all.area - (shown?.area ?? 0)
            }
        }
        #expect(hidden > 1000, "something is in front of the birds")
        #expect(astray * 100 < drawn, "\(astray) pixels of \(drawn)")
    }

    @Test func whatIsAroundABirdIsTakenAwayOneByOne() {
        var seen = 0
        for bird in birds.prefix(6) {
            let whole = PartDataset.draw(bird)
            #expect(bird.surroundings.count == PartDataset.Level.hard.surroundingCount)
            #expect(Set(bird.surroundings).count == 7 + 6 + 3)
            let distractors = bird.surroundings.filter { if case .distractor = $0 { true } else { false } }
            #expect(distractors.count == bird.setting?.distractors.count)
            var union = Set<Int>()
            for distractor in distractors {
                let without = PartDataset.draw(bird, surroundings: [distractor])
                #expect(without.parts == whole.parts, "distractors are behind the bird")
                let changed = differences(without.image, whole.image)
                seen += changed.isEmpty ? 0 : 1
                #expect(changed.count < bird.imageSide * bird.imageSide / 8)
                union.formUnion(changed)
            }
            let bare = PartDataset.draw(bird, surroundings: Set(distractors))
            #expect(bare.parts == whole.parts)
            // Where one lies on another, both together may hide what neither does alone.
            #expect(differences(bare.image, whole.image).subtracting(union).count * 25 < union.count)
            for number in 0..<3 {
                let without = PartDataset.draw(bird, surroundings: [.obstacle(number)])
                #expect(without.parts.map(\.area).reduce(0, +) >= whole.parts.map(\.area).reduce(0, +))
            }
        }
        #expect(seen >= 30, "most distractors show: \(seen) of 36")
    }

    @Test func exchangingAPartChangesNothingElse() {
        for bird in birds.prefix(4) {
            var other = bird
            for part in Part.allCases { other.variants[part] = (bird.variants[part] + 1) % part.variantNames.count }
            #expect(other.setting == bird.setting)
            #expect(
                PartDataset.draw(other, omitting: Set(Part.allCases)).image
                    == PartDataset.draw(bird, omitting: Set(Part.allCases)).image)
            #expect(PartDataset.draw(other).image != PartDataset.draw(bird).image)
        }
    }

    @Test func surroundingsGoWithTheClassInTrainingAlone() throws {
        // The share of pairs of images of a class with the same habitat, and how common the commonest distractor of a part is.
        func likeness(_ split: Split) throws -> (habitats: Double, distractors: Double) {
            var (same, all, companions, distractors) = (0, 0, 0, 0)
            for classIndex in 0..<30 {
                let settings = try (0..<20).map {
                    try #require(
                        PartDataset.description(
                            seed: 0, split: split, classIndex: classIndex, index: $0, level: .hard
                        ).setting)
                }
                let variants = PartDataset.variants(ofClass: classIndex)
                for setting in settings {
                    same += settings.count { $0.habitat == setting.habitat } - 1
                    all += settings.count - 1
                    for distractor in setting.distractors where distractor.part == .wing || distractor.part == .tail {
                        #expect(distractor.variant != variants[distractor.part], "parts of other classes")
                        distractors += 1
                        companions += distractor.variant == (variants[distractor.part] + 1) % 6 ? 1 : 0
                    }
                }
            }
            return (Double(same) / Double(all), Double(companions) / Double(distractors))
        }
        // (1/2 + 1/18)^2 + 8/18^2 = 0.33 and 1/2 + 1/10 = 0.6 against 1/9 and 1/5.
        let (train, test) = (try likeness(.train), try likeness(.test))
        #expect(abs(train.habitats - 0.333) < 0.04 && abs(train.distractors - 0.6) < 0.05, "\(train)")
        #expect(abs(test.habitats - 0.111) < 0.03 && abs(test.distractors - 0.2) < 0.05, "\(test)")
    }

    // MARK: - Files

    @Test func theLevelIsReadBackAndDrawsTheSameImages() throws {
        try withFolder { (folder) throws in
            let directory = folder.appending("birds")
            try PartDataset.generate(Self.small, into: directory)
            let manifest = try PartDataset.manifest(of: directory)
            #expect(manifest.options == Self.small && manifest.schemaVersion == 2)
            for annotation in try PartDataset.annotations(of: directory) {
                #expect(annotation.bird.level == .hard)
                let drawing = PartDataset.draw(annotation.bird)
                #expect(drawing.parts == annotation.parts)
                #expect(
                    try DurableFile.read(directory.pushing(FilePath(annotation.path)))
                        == ImageEncoder.jpeg(drawing.image))
            }
            let dataset = try Dataset.load(root: directory)
            #expect(dataset.level == .hard)
            let copy = try Dataset(bytes: dataset.bytes)
            #expect(copy.level == .hard && copy.fingerprint == dataset.fingerprint)
            let part = try Dataset.load(root: directory, options: DatasetOptions(split: .validation))
            #expect(part.level == .hard)

            // The same files without a word of the level are another data set, an easy one.
            try edit(directory, "dataset.json") {
                $0.replacingOccurrences(of: #""level" : "hard","#, with: "")
                    .replacingOccurrences(of: #""schemaVersion" : 2"#, with: #""schemaVersion" : 1"#)
            }
            let easy = try Dataset.load(root: directory)
            #expect(easy.level == .easy && easy.train == dataset.train && easy.fingerprint != dataset.fingerprint)
            let error = #expect(throws: PartDatasetError.self) { try PartDataset.annotations(of: directory) }
            #expect("\(error!)".contains("line 1") && "\(error!)".contains("of level hard"))
        }
    }

    @Test(arguments: [
        (#""level" : "hard""#, #""level" : "extreme""#, "there is no level extreme, only easy and hard"),
        (#""schemaVersion" : 2"#, #""schemaVersion" : 1"#, "version 1"),
        (#""level" : "hard""#, #""level" : "easy""#, "version 2"), (#""level" : "hard""#, #""level" : 3"#, "level"),
    ]) func aDescriptionOfAnotherLevelIsRefused(old: String, new: String, words: String) throws {
        try withFolder { (folder) throws in
            try PartDataset.generate(Self.small, into: folder.appending("birds"))
            try edit(folder.appending("birds"), "dataset.json") { $0.replacingOccurrences(of: old, with: new) }
            let error = #expect(throws: PartDatasetError.self) {
                try PartDataset.manifest(of: folder.appending("birds"))
            }
            #expect("\(error!)".contains(words), "\(error!)")
        }
    }

    @Test(arguments: [
        (#""level":"hard""#, #""level":"extreme""#, "extreme"), (#""habitat":"#, #""habitat":9"#, "habitat"),
        (#""plumage":"#, #""plumage":-"#, "plumage"), (#""setting""#, #""sitting""#, "setting"),
        (#""distractors":["#, #""distractors":[{"part":"wing","variant":"oar"},"#, "oar"),
        (
            #""distractors":["#,
            #""distractors":["# + String(repeating: #"{"part":"wing","variant":"blade"},"#, count: 7), "13 are too many"
        ),
    ]) func aMalformedSettingIsNamedByItsLine(old: String, new: String, words: String) throws {
        try withFolder { (folder) throws in
            try PartDataset.generate(Self.small, into: folder.appending("birds"))
            try edit(folder.appending("birds"), "annotations.jsonl") { text in
                var lines = text.split(separator: "\n").map(String.init)
                // A number that stays in range would be another setting.
                lines[1] = lines[1].replacingOccurrences(of: #""plumage":0"#, with: #""plumage":1"#)
                    .replacingOccurrences(of: old, with: new)
                return lines.joined(separator: "\n") + "\n"
            }
            let error = #expect(throws: PartDatasetError.self) {
                try PartDataset.annotations(of: folder.appending("birds"))
            }
            #expect("\(error!)".contains("line 2") && "\(error!)".contains(words), "\(error!)")
        }
    }

    // MARK: - Folders and pixels

    private func withFolder(_ body: (FilePath) throws -> Void) throws {
        let folder = FilePath(NSTemporaryDirectory()).appending("part-levels-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder.string) }
        try body(folder)
    }

    private func edit(_ directory: FilePath, _ name: String, _ change: (String) -> String) throws {
        let url = URL(fileURLWithPath: directory.appending(name).string)
        let text = try String(contentsOf: url, encoding: .utf8)
        let changed = change(text)
        try #require(changed != text)
        try Data(changed.utf8).write(to: url)
    }

    private func differences(_ first: PixelImage, _ second: PixelImage) -> Set<Int> {
        Set((0..<first.width * first.height).filter { DrawnPixels.differs(first, second, $0) })
    }
}
