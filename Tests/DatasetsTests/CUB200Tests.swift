import Datasets
import Foundation
import ImageCoding
import SystemPackage
import Testing

/// A small data set in the layout of CUB-200-2011: lines in another order than files, and numbers that are not lines.
private func makeBirds(at folder: String = "CUB_200_2011/") throws -> DatasetFolder {
    let birds = try DatasetFolder()
    func write(_ lines: [String], to name: String) throws {
        try birds.write(lines.joined(separator: "\n") + "\n", to: folder + name)
    }
    let images = [
        (3, "002.Laysan_Albatross/Laysan_2.jpg"), (1, "001.Black_footed_Albatross/Black_9.jpg"),
        (2, "001.Black_footed_Albatross/Black_1.jpg"), (4, "002.Laysan_Albatross/Laysan_1.jpg"),
    ]
    try write(images.map { "\($0.0) \($0.1)" }, to: "images.txt")
    try write(["1 001.Black_footed_Albatross", "2 002.Laysan_Albatross"], to: "classes.txt")
    try write(["1 1", "2 1", "3 2", "4 2"], to: "image_class_labels.txt")
    try write(["1 1", "2 0", "3 1", "4 0"], to: "train_test_split.txt")
    try write(
        ["1 4.0 2.0 10.0 12.0", "2 0.0 0.0 24.0 16.0", "3 5.0 3.0 8.0 9.0", "4 1.0 1.0 2.0 2.0"],
        to: "bounding_boxes.txt")
    try write(["1 back", "2 left eye"], to: "parts/parts.txt")
    try write(
        (1...4).flatMap { ["\($0) 1 0.0 0.0 0", "\($0) 2 \($0).5 7.0 1"] }, to: "parts/part_locs.txt")
    try birds.writeImages(images.map { folder + "images/" + $0.1 })
    return birds
}

@Suite struct CUB200Tests {
    @Test(arguments: ["", "CUB_200_2011/"])
    func theFilesAreJoinedByTheImagesNumbers(folder: String) throws {
        let birds = try makeBirds(at: folder)
        let dataset = try birds.load()
        #expect(dataset.kind == "cub" && dataset.recognition.contains("CUB-200-2011: found images.txt"))
        #expect(dataset.classNames == ["001.Black_footed_Albatross", "002.Laysan_Albatross"])
        #expect(
            dataset.train.map(\.path) == [
                "images/001.Black_footed_Albatross/Black_9.jpg", "images/002.Laysan_Albatross/Laysan_2.jpg",
            ])
        #expect(
            dataset.test.map(\.path) == [
                "images/001.Black_footed_Albatross/Black_1.jpg", "images/002.Laysan_Albatross/Laysan_1.jpg",
            ])
        #expect(dataset.train.map(\.label) == [0, 1] && dataset.test.map(\.label) == [0, 1])
        #expect(try dataset.boxes(of: dataset.train[1]) == [BoundingBox(x: 5, y: 3, width: 8, height: 9)])
        #expect(dataset.partNames == ["back", "left eye"])
        #expect(
            dataset.train[1].parts == [
                PartLocation(x: 0, y: 0, isVisible: false), PartLocation(x: 3.5, y: 7, isVisible: true),
            ])
        let image = try dataset.image(of: dataset.train[0])
        #expect(image.width == 24 && image.height == 16)
    }

    @Test func aCropToTheBoxChangesPixelsAndFingerprint() throws {
        let birds = try makeBirds()
        let (whole, crops) = (try birds.load(), try birds.load { $0.crop = .box })
        #expect(crops.crop == .box && crops.fingerprint != whole.fingerprint)
        let expected = try whole.image(of: whole.train[1]).cropped(x: 5, y: 3, width: 8, height: 9)
        #expect(try crops.image(of: crops.train[1]) == expected)
        // The box decides pixels, so it is part of what the data set is.
        try birds.write(
            "1 4.0 2.0 10.0 12.0\n2 0.0 0.0 24.0 16.0\n3 5.0 3.0 8.0 8.0\n4 1.0 1.0 2.0 2.0\n",
            to: "CUB_200_2011/bounding_boxes.txt")
        #expect(try birds.load { $0.crop = .box }.fingerprint != crops.fingerprint)
        #expect(try birds.load().fingerprint == whole.fingerprint)
    }

    @Test func aBoxBeyondTheImageIsCutAndOneOutsideIsAnError() throws {
        let birds = try makeBirds()
        try birds.write(
            "1 20.0 10.0 100.0 100.0\n2 0.0 0.0 24.0 16.0\n3 50.0 3.0 8.0 8.0\n4 1.0 1.0 2.0 2.0\n",
            to: "CUB_200_2011/bounding_boxes.txt")
        let crops = try birds.load { $0.crop = .box }
        let image = try crops.image(of: crops.train[0])
        #expect(image.width == 4 && image.height == 6)
        let error = #expect(throws: DatasetError.self) { try crops.image(of: crops.train[1]) }
        #expect(error?.exitCode == 65 && error?.description.contains("Laysan_2.jpg lies outside") == true)
    }

    @Test func aValidationSplitLeavesTheTestImagesOut() throws {
        let birds = try makeBirds()
        try birds.write("1 1\n2 1\n3 1\n4 1\n", to: "CUB_200_2011/train_test_split.txt")
        let official = try birds.load()
        let validation = try birds.load { $0.split = .validation }
        #expect(official.test.isEmpty && official.train.count == 4)
        #expect(validation.train.count == 2 && validation.test.count == 2)
        #expect(Set(validation.train + validation.test) == Set(official.train))
        #expect(validation.notes.contains { $0.contains("dataset.split: validation") })
    }

    @Test(arguments: [
        "images.txt", "classes.txt", "image_class_labels.txt", "train_test_split.txt", "bounding_boxes.txt",
        "parts/parts.txt", "parts/part_locs.txt",
    ])
    func aMissingFileIsNamedWithItsArchive(name: String) throws {
        let birds = try makeBirds()
        try birds.remove("CUB_200_2011/" + name)
        birds.expectError(
            .cub, exitCode: 66, naming: "CUB-200-2011 needs \(name)", birds.place("CUB_200_2011").string,
            "CUB_200_2011.tgz")
    }

    @Test func missingImagesAreCounted() throws {
        let birds = try makeBirds()
        try birds.remove("CUB_200_2011/images/002.Laysan_Albatross")
        birds.expectError(.auto, exitCode: 66, naming: "2 of the 4 images", "Laysan_2.jpg", "CUB_200_2011.tgz")
    }

    static let brokenLines: [(String, String, String)] = [
        ("images.txt", "1 a/1.jpg\n1 a/2.jpg", "line 2: the image 1 is listed twice"),
        ("images.txt", "1 a/1.jpg\n2 a/1.jpg", "line 2: the file a/1.jpg is listed twice"),
        ("images.txt", "0 a/1.jpg", "the image number is 0"),
        ("images.txt", "one a/1.jpg", "the image number is \"one\", not an integer"),
        ("images.txt", "1", "it has 1 fields, expected 2"),
        ("images.txt", "1 ../../etc/passwd", "no path below images/"),
        ("images.txt", "1 /etc/passwd", "no path below images/"),
        ("images.txt", "", "it lists no images"),
        ("classes.txt", "1 a\n3 b", "line 2: the class number is 3, expected 2"),
        ("classes.txt", "1 a\n2 a", "two entries have the same name"),
        ("image_class_labels.txt", "1 1\n2 3\n3 1\n4 1", "line 2: the class 3 is not in 1...2"),
        ("image_class_labels.txt", "1 0", "the class 0 is not in 1...2"),
        ("image_class_labels.txt", "1 1\n1 1", "line 2: the image 1 has a class already"),
        ("image_class_labels.txt", "1 1\n9 1", "there is no image 9 in images.txt"),
        ("image_class_labels.txt", "1 1\n2 1\n3 1", "no class of 002.Laysan_Albatross/Laysan_1.jpg"),
        ("train_test_split.txt", "1 2", "the split is \"2\", expected 1 (training) or 0 (test)"),
        ("bounding_boxes.txt", "1 5 5 -3 4", "the box cannot be: it is -3.0 wide"),
        ("bounding_boxes.txt", "1 5 5 3 0", "and 0.0 high"),
        ("bounding_boxes.txt", "1 5 5 3", "it has 4 fields, expected 5"),
        ("bounding_boxes.txt", "1 nan 5 3 3", "the x is \"nan\", not a number"),
        ("bounding_boxes.txt", "1 1e300 5 3 3", "not a number of pixels"),
        ("parts/parts.txt", "", "it names no part"),
        ("parts/part_locs.txt", "1 3 1 1 1", "the part 3 is not in 1...2"),
        ("parts/part_locs.txt", "1 1 1 1 2", "the visibility is \"2\""),
        ("parts/part_locs.txt", "1 1 1 1 1\n1 1 1 1 1", "line 2: the part 1 of the image 1 has a place already"),
        ("parts/part_locs.txt", "1 1 1 1 1", "it has no place of part 1 of"),
    ]

    @Test(arguments: brokenLines)
    func aLineThatCannotBeIsNamed(file: String, text: String, message: String) throws {
        let birds = try makeBirds()
        try birds.write(text, to: "CUB_200_2011/" + file)
        birds.expectError(.cub, exitCode: 65, naming: file, message)
    }

    @Test func bytesThatAreNoTextAreAnError() throws {
        let birds = try makeBirds()
        try birds.write([0x31, 0x20, 0xFF, 0xFE, 0x0A], to: "CUB_200_2011/classes.txt")
        birds.expectError(.cub, exitCode: 65, naming: "classes.txt: it is not UTF-8 text")
    }

    @Test func linesMayEndAsOnWindows() throws {
        let birds = try makeBirds()
        try birds.write(
            "1 001.Black_footed_Albatross\r\n2 002.Laysan_Albatross\r\n\r\n", to: "CUB_200_2011/classes.txt")
        #expect(try birds.load().classNames == ["001.Black_footed_Albatross", "002.Laysan_Albatross"])
    }
}
