import Datasets
import Foundation
import SystemPackage
import Testing

private let breeds = ["n02085620-Chihuahua", "n02085782-Japanese_spaniel", "n02105855-Shetland_sheepdog"]
private let images = [
    "\(breeds[0])/n02085620_5927", "\(breeds[0])/n02085620_10074", "\(breeds[1])/n02085782_2500",
    "\(breeds[2])/n02105855_2933", "\(breeds[2])/n02105855_77", "\(breeds[0])/n02085620_2650",
    "\(breeds[1])/n02085782_2874", "\(breeds[2])/n02105855_100",
]

private func annotation(_ boxes: [(Int, Int, Int, Int)], width: Int = 24, height: Int = 16) -> String {
    """
    <annotation>
    \t<folder>02085620</folder>
    \t<size><width>\(width)</width><height>\(height)</height><depth>3</depth></size>
    \t<segment>0</segment>

    """
        + boxes.map { box in
            """
            \t<object><name>Chihuahua</name><pose>Unspecified</pose>
            \t\t<bndbox><xmin>\(box.0)</xmin><ymin>\(box.1)</ymin><xmax>\(box.2)</xmax><ymax>\(box.3)</ymax></bndbox></object>

            """
        }.joined() + "</annotation>"
}

private func makeDogs(lists: String = "lists/") throws -> DatasetFolder {
    let dogs = try DatasetFolder()
    for name in ["train_list.mat", "test_list.mat", "file_list.mat"] { try dogs.copy("dogs/\(name)", to: lists + name) }
    try dogs.writeImages(images.map { "Images/\($0).jpg" })
    for image in images { try dogs.write(annotation([(2, 3, 12, 13)]), to: "Annotation/\(image)") }
    return dogs
}

@Suite struct StanfordDogsTests {
    @Test(arguments: ["lists/", ""])
    func theListsGiveClassesAndSplit(lists: String) throws {
        let dogs = try makeDogs(lists: lists)
        let dataset = try dogs.load()
        #expect(dataset.kind == "dogs" && dataset.classNames == breeds)
        #expect(dataset.recognition.contains("Stanford Dogs: found \(lists)train_list.mat"))
        #expect(dataset.train.map(\.label) == [0, 0, 1, 2, 2] && dataset.test.map(\.label) == [0, 1, 2])
        #expect(dataset.train[0].path == "Images/\(breeds[0])/n02085620_10074.jpg")
        #expect(dataset.notes.contains { $0.contains("ImageNet") })
        #expect(try dataset.image(of: dataset.test[2]).height == 16)
    }

    /// Kaggle's mirror has each archive in a folder of its own.
    @Test func nestedMirrorsAreTheSameDataSet() throws {
        let plain = try makeDogs().load()
        let dogs = try DatasetFolder()
        for name in ["train_list.mat", "test_list.mat", "file_list.mat"] {
            try dogs.copy("dogs/\(name)", to: "lists/\(name)")
        }
        try dogs.writeImages(images.map { "images/Images/\($0).jpg" })
        for image in images { try dogs.write(annotation([(2, 3, 12, 13)]), to: "annotations/Annotation/\(image)") }
        let dataset = try dogs.load()
        #expect(dataset.kind == "dogs" && dataset.train.map(\.path) == plain.train.map(\.path))
        #expect(dataset.test.map(\.path) == plain.test.map(\.path))
        #expect(dataset.path(of: dataset.train[0]).string.contains("/images/Images/n02085620-Chihuahua/"))
        #expect(try dataset.image(of: dataset.test[0]).height == 16)
        #expect(try dataset.boxes(of: dataset.train[0]) == [BoundingBox(x: 2, y: 3, width: 10, height: 10)])
        // The mirror itself has no lists, and so no official split.
        try dogs.remove("lists")
        dogs.expectError(
            .auto, exitCode: 66, naming: "needs train_list.mat", "lists.tar", dogs.place("images/Images").string)
    }

    @Test func anEmptyFolderHidesNoImages() throws {
        let dogs = try makeDogs()
        let plain = try dogs.load()
        try FileManager.default.moveItem(atPath: dogs.place("Images").string, toPath: dogs.place("moved").string)
        try FileManager.default.createDirectory(
            atPath: dogs.place("images").string, withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: dogs.place("moved").string, toPath: dogs.place("images/Images").string)
        try FileManager.default.createDirectory(
            atPath: dogs.place("Images").string, withIntermediateDirectories: true)
        #expect(try dogs.load().fingerprint == plain.fingerprint)
    }

    @Test func boxesAreReadFromTheAnnotations() throws {
        let dogs = try makeDogs()
        try dogs.write(annotation([(2, 3, 12, 13), (10, 0, 30, 9)]), to: "Annotation/\(images[1])")
        let dataset = try dogs.load()
        // Clipped to the image.
        #expect(
            try dataset.boxes(of: dataset.train[0]) == [
                BoundingBox(x: 2, y: 3, width: 10, height: 10), BoundingBox(x: 10, y: 0, width: 14, height: 9),
            ])
        // A crop shows all dogs.
        let crops = try dogs.load { $0.crop = .box }
        let image = try crops.image(of: crops.train[0])
        #expect(image.width == 22 && image.height == 13 && crops.fingerprint != dataset.fingerprint)
    }

    @Test func withoutAnnotationsThereAreNoBoxes() throws {
        let dogs = try makeDogs()
        try dogs.remove("Annotation")
        let dataset = try dogs.load()
        #expect(try dataset.boxes(of: dataset.train[0]) == nil)
        dogs.expectError(.dogs, exitCode: 66, naming: "Annotation/", "annotation.tar") { $0.crop = .box }
    }

    static let required: [(String, String, String)] = [
        ("lists/train_list.mat", "train_list.mat", "lists.tar"), ("lists/test_list.mat", "test_list.mat", "lists.tar"),
        ("lists/file_list.mat", "file_list.mat", "lists.tar"), ("Images", "Images/", "images.tar"),
    ]

    @Test(arguments: required)
    func whatIsMissingIsNamed(file: String, name: String, archive: String) throws {
        let dogs = try makeDogs()
        try dogs.remove(file)
        dogs.expectError(.dogs, exitCode: 66, naming: "Stanford Dogs needs \(name)", archive)
    }

    static let brokenLists: [(String, String)] = [
        ("lengths", "it has 5 images, but 2 labels"), ("twice", "is listed twice"),
        ("label", "the label 0 is not from 1 on"),
        ("folder", "images of the label 1 are in two folders"), ("gap", "two labels have images in the same folder"),
        ("path", "\"77.jpg\" is not of the form BREED/IMAGE.jpg"),
    ]

    @Test(arguments: brokenLists)
    func listsThatCannotBeAreNamed(fixture: String, message: String) throws {
        let dogs = try makeDogs()
        try dogs.copy("malformed/dogs-\(fixture).mat", to: "lists/train_list.mat")
        dogs.expectError(.dogs, exitCode: 65, naming: "train_list.mat", message)
    }

    @Test func listsThatDoNotFitTogetherAreNamed() throws {
        let dogs = try makeDogs()
        try dogs.copy("dogs/train_list.mat", to: "lists/test_list.mat")
        dogs.expectError(.dogs, exitCode: 65, naming: "is a training image too")
        try dogs.copy("dogs/test_list.mat", to: "lists/test_list.mat")
        try dogs.copy("dogs/train_list.mat", to: "lists/file_list.mat")
        dogs.expectError(.dogs, exitCode: 65, naming: "it is not train_list.mat and test_list.mat together")
    }

    static let brokenAnnotations: [(String, String)] = [
        ("<annotation><size>", "not well-formed XML"),
        ("", "it has no <annotation>"),
        ("<annotation></size></annotation>", "not well-formed XML"),
        ("<annotation>\u{1}</annotation>", "not well-formed XML"),
        ("<html></html>", "it has no <annotation>"),
        ("<annotation></annotation>", "its <size> has no width and height"),
        (annotation([]), "it has no box inside its image"),
        (annotation([(5, 5, 5, 9)]), "the box of object 1 cannot be"),
        (annotation([(9, 5, 5, 9)]), "the box of object 1 cannot be"),
        (annotation([(30, 5, 40, 9)]), "it has no box inside its image"),
        (annotation([(1, 1, 2, 2)], width: 0), "its <size> has no width and height"),
        (annotation([(1, 1, 2, 2)]).replacingOccurrences(of: "<xmin>1</xmin>", with: ""), "object 1 has no xmin"),
        (
            annotation([(1, 1, 2, 2)]).replacingOccurrences(of: "<xmin>1", with: "<xmin>one"),
            "the xmin of object 1 is \"one\""
        ),
        (annotation([(1, 1, 2, 2)]).replacingOccurrences(of: "Chihuahua", with: ""), "object 1 has no name"),
        (
            "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><annotation>&b;</annotation>",
            "declares a document type"
        ),
        (String(repeating: "<annotation>", count: 100), "nested too deeply"),
        ("<annotation>" + String(repeating: "<object/>", count: 1001) + "</annotation>", "too many objects"),
        (String(repeating: " ", count: (1 << 20) + 1), "more than the annotation of an image"),
    ]

    @Test(arguments: brokenAnnotations)
    func anAnnotationThatCannotBeIsNamed(text: String, message: String) throws {
        let dogs = try makeDogs()
        try dogs.write(text, to: "Annotation/\(images[1])")
        let dataset = try dogs.load()
        let error = #expect(throws: DatasetError.self) { try dataset.boxes(of: dataset.train[0]) }
        #expect(error?.exitCode == 65 && error?.description.contains("n02085620_10074") == true)
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        dogs.expectError(.dogs, exitCode: 65, naming: message) { $0.crop = .box }
    }
}
