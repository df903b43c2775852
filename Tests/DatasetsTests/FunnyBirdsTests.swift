import Datasets
import Foundation
import ImageCoding
import SystemPackage
import Testing

/// A small data set in the layout of FunnyBirds: two classes, two training images and a test image of each.
private func makeBirds() throws -> DatasetFolder {
    let birds = try DatasetFolder()
    try birds.write(
        """
        {"beak": [{"model": "beak01.glb", "color": "yellow"}, {"model": "beak02.glb", "color": "yellow"}],
         "eye": [{"model": "eye01.glb"}], "foot": [{"model": "foot01.glb"}, {"model": "foot02.glb"}],
         "tail": [{"model": "tail01.glb", "color": "red"}], "wing": [{"model": "wing01.glb", "color": "red"}]}
        """, to: "parts.json")
    try birds.write(
        """
        [{"class_idx": 0, "parts": {"beak": 0, "eye": 0, "foot": 1, "tail": 0, "wing": 0}},
         {"class_idx": 1, "parts": {"beak": 1, "eye": 0, "foot": 0, "tail": 0, "wing": 0}}]
        """, to: "classes.json")
    func image(_ label: Int, _ objects: String) -> String {
        """
        {"class_idx": \(label), "camera_distance": 300, "camera_pitch": 1.5, "beak_model": "placeholder",
         "bg_objects": "\(objects)", "bg_radius": "100,"}
        """
    }
    try birds.write(
        "[\((0...3).map { image($0 / 2, "") }.joined(separator: ", "))]", to: "dataset_train.json")
    try birds.write("[\(image(0, "3,0,")), \(image(1, ""))]", to: "dataset_test.json")
    for (number, label) in [0, 0, 1, 1].enumerated() {
        try birds.write(picture(UInt8(number)), to: "train/\(label)/00000\(number).png")
    }
    for label in 0...1 {
        try birds.write(picture(UInt8(10 + label)), to: "test/\(label)/00000\(label).png")
        try birds.write(map(), to: "test_part_map/\(label)/00000\(label).png")
        let folder = "test_interventions/\(label)/00000\(label)/"
        for kept in 0..<32 {
            let names = FunnyBirds.parts.indices.filter { kept >> $0 & 1 == 1 }.map { FunnyBirds.parts[$0] }
            try birds.write(picture(UInt8(kept)), to: folder + "body_\(names.joined(separator: "_")).png")
        }
    }
    for object in 0...1 {
        try birds.write(
            picture(UInt8(40 + object)), to: "test_interventions/0/000000/background_interventions/\(object).png")
    }
    return birds
}

private func picture(_ level: UInt8) -> [UInt8] {
    ImageEncoder.png(PixelImage(width: 8, height: 4, red: level, green: level, blue: level))
}

/// [4, 8]: a body in the first row, then in the first columns parts and objects, each a pixel.
private func map(_ change: (inout [[UInt8]]) -> Void = { _ in }) -> [UInt8] {
    var pixels = [[UInt8]](repeating: [0, 0, 0], count: 32)
    for column in 0..<8 { pixels[column] = [170, 170, 170] }
    for (index, colour) in [
        [255, 255, 0], [255, 255, 253], [255, 255, 254], [255, 0, 1], [255, 0, 2], [0, 0, 255], [0, 255, 1],
        [0, 255, 2],
    ].enumerated() {
        pixels[8 + index] = colour.map { UInt8($0) }
    }
    pixels[17] = [204, 204, 204]
    pixels[26] = [204, 204, 205]
    // An edge between the two, blended.
    pixels[25] = [120, 130, 140]
    change(&pixels)
    var image = PixelImage(width: 8, height: 4)
    image.pixels = pixels.flatMap { $0 }
    return ImageEncoder.png(image)
}

@Suite struct FunnyBirdsTests {
    private let image = "test/0/000000.png"

    @Test func imagesAreThoseOfTheLists() throws {
        let birds = try makeBirds()
        let dataset = try birds.load()
        #expect(dataset.kind == "funnybirds" && dataset.recognition.contains("FunnyBirds: found classes.json"))
        #expect(dataset.classNames == ["0", "1"])
        #expect(
            dataset.train.map(\.path) == [
                "train/0/000000.png", "train/0/000001.png", "train/1/000002.png", "train/1/000003.png",
            ])
        #expect(dataset.test.map(\.path) == ["test/0/000000.png", "test/1/000001.png"])
        #expect(dataset.test.map(\.label) == [0, 1])
        let picture = try withExtendedLifetime(birds) { try dataset.image(of: dataset.test[1]) }
        #expect(picture.pixels[0] == 11)
        #expect(FunnyBirds.splits(of: dataset.test) == [.test])
    }

    @Test func classesHaveTheirVariantsInTheOrderOfTheNamesOfParts() throws {
        let birds = try makeBirds()
        #expect(FunnyBirds.parts == ["beak", "eye", "foot", "tail", "wing"])
        #expect(try FunnyBirds(root: birds.path).variants == [[0, 0, 1, 0, 0], [1, 0, 0, 0, 0]])
    }

    @Test func picturesWithoutPartsAreFoundByTheirNames() throws {
        let folder = try makeBirds()
        let birds = try FunnyBirds(root: folder.path, splits: [.test])
        #expect(try birds.intervention(onImage: image, keeping: 0).lastComponent == "body_.png")
        let some = try birds.intervention(onImage: image, keeping: 0b10101)
        #expect(some == folder.place("test_interventions/0/000000/body_beak_foot_wing.png"))
        let objects = try birds.backgroundInterventions(onImage: image)
        #expect(objects.map { $0.lastComponent?.string } == ["0.png", "1.png"])
        #expect(try birds.backgroundInterventions(onImage: "test/1/000001.png").isEmpty)
        #expect(birds.largestObjectCount(of: .test) == 2)
    }

    @Test func coloursOfTheMapArePartsAndObjects() throws {
        let folder = try makeBirds()
        let map = try FunnyBirds(root: folder.path, splits: [.test]).readPartMap(ofImage: image)
        #expect(map.parts.map(\.count) == [1, 2, 2, 1, 2] && map.objects.count == 2)
        func places(_ mask: [Bool]) -> [Int] { mask.indices.filter { mask[$0] } }
        #expect(map.parts.map { $0.map(places) } == [[[8]], [[9], [10]], [[11], [12]], [[13]], [[14], [15]]])
        #expect(map.objects.map(places) == [[17], [26]])
        #expect(map.box(around: map.objects[1]) == BoundingBox(x: 2, y: 3, width: 1, height: 1))
        #expect(map.box(around: [Bool](repeating: false, count: 32)) == nil)
    }

    // MARK: - What is wrong with it

    private func expectError(
        naming text: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (FunnyBirds, DatasetFolder) throws -> Void
    ) throws {
        let folder = try makeBirds()
        let birds = try FunnyBirds(root: folder.path, splits: [.test])
        let error = #expect(throws: DatasetError.self, sourceLocation: sourceLocation) { try body(birds, folder) }
        #expect(
            error?.description.contains(text) == true, "\(String(describing: error))", sourceLocation: sourceLocation)
    }

    @Test func aMissingMapIsNamed() throws {
        try expectError(naming: "test_part_map/0") { birds, folder in
            try folder.remove("test_part_map/0/000000.png")
            _ = try birds.readPartMap(ofImage: image)
        }
    }

    @Test func aMissingInterventionIsNamed() throws {
        try expectError(naming: "FunnyBirds needs body_eye.png") { birds, folder in
            try folder.remove("test_interventions/0/000000/body_eye.png")
            _ = try birds.intervention(onImage: image, keeping: 2)
        }
        try expectError(naming: "background_interventions") { birds, folder in
            try folder.remove("test_interventions/0/000000/background_interventions/1.png")
            _ = try birds.backgroundInterventions(onImage: image)
        }
    }

    @Test func aPictureInPlaceOfAMapIsRefused() throws {
        try expectError(naming: "no part map of the image") { birds, folder in
            try folder.write(picture(77), to: "test_part_map/0/000000.png")
            _ = try birds.readPartMap(ofImage: image)
        }
    }

    @Test func unknownColoursAreNothingUpToAQuarterOfTheMap() throws {
        func unknown(_ count: Int) -> [UInt8] {
            map { pixels in for index in 0..<count { pixels[index] = [1, 2, UInt8(index)] } }
        }
        // One is there already: 8 of 32 pixels are a quarter.
        _ = try FunnyBirds.PartMap(unknown(7), objectCount: 2, path: "map.png")
        #expect(throws: DatasetError.self) { try FunnyBirds.PartMap(unknown(8), objectCount: 2, path: "map.png") }
        // An object beyond those that the image has is unknown too.
        let fewer = try FunnyBirds.PartMap(map(), objectCount: 1, path: "map.png")
        #expect(fewer.objects.count == 1)
    }

    @Test func aMapWithoutAPartIsRefused() throws {
        try expectError(naming: "no pixel of it has the colour of a part") { birds, folder in
            try folder.write(
                map { pixels in for index in 8..<16 { pixels[index] = [0, 0, 0] } }, to: "test_part_map/0/000000.png")
            _ = try birds.readPartMap(ofImage: image)
        }
    }

    @Test func aPathThatIsNoImageIsRefused() throws {
        for path in [
            "train/0/000000.png", "test/1/000000.png", "test/0/000002.png", "test/0/000000", "test/0/0.png", "",
        ] {
            try expectError(naming: "none of the images") { birds, _ in _ = try birds.partMap(ofImage: path) }
        }
    }

    @Test(arguments: [
        ("dataset_test.json", #"[{"class_idx": 2, "bg_objects": ""}]"#, "of class 2, expected 0 to 1"),
        ("dataset_test.json", #"[{"bg_objects": ""}]"#, "of class none"),
        ("dataset_test.json", #"[{"class_idx": -1, "bg_objects": ""}]"#, "byte"),
        ("dataset_test.json", #"[{"class_idx": 0}]"#, "no bg_objects"),
        ("dataset_test.json", #"[{"class_idx": 0, "bg_objects": "1,x"}]"#, "no list of at most 50 numbers"),
        ("dataset_train.json", "{}", "byte 0"),
        ("classes.json", #"[{"class_idx": 1, "parts": {}}]"#, "the class is 1, expected 0"),
        ("classes.json", #"[{"class_idx": 0, "parts": {"beak": 0}}]"#, "does not have all of the parts"),
        ("classes.json", #"[{"class_idx": 0, "parts": {"beak": 2}}]"#, "the beak 2 is none of the 2"),
        ("classes.json", #"[{"class_idx": 0, "parts": {"crest": 0}}]"#, "none of the parts"),
        ("classes.json", "[]", "no class"), ("parts.json", #"{"beak": []}"#, "0 variants"),
        ("parts.json", #"{"crest": [{}]}"#, "none of the parts"), ("parts.json", #"{"beak": [{}]}"#, "it has no eye"),
        ("parts.json", #"{"beak": [{}"#, "byte"),
    ])
    func aMalformedFileIsNamed(file: String, text: String, words: String) throws {
        let birds = try makeBirds()
        try birds.write(text, to: file)
        let error = #expect(throws: DatasetError.self) { try birds.load() }
        let description = error?.description ?? ""
        #expect(description.contains(file) && description.contains(words), "\(description)")
    }

    @Test func aMissingImageOrListIsNamed() throws {
        var birds = try makeBirds()
        try birds.remove("train/1/000003.png")
        birds.expectError(.auto, exitCode: 66, naming: "train/1/000003.png", "FunnyBirds.zip")
        birds = try makeBirds()
        try birds.remove("dataset_test.json")
        birds.expectError(.funnybirds, exitCode: 66, naming: "dataset_test.json", "FunnyBirds.zip")
        birds = try makeBirds()
        birds.expectError(.auto, exitCode: 78, naming: "no bounding boxes") { $0.crop = .box }
    }
}
