import Datasets
import Foundation
import SystemPackage
import Testing

/// The ids of the devkit in Fixtures, sorted: not the order of their numbers there.
private let wnids = ["n01440764", "n02012849", "n02100735", "n02110185", "n02119789", "n03126707"]
/// Their ILSVRC2012_ID.
private let numbers = ["n02119789": 1, "n02100735": 2, "n02110185": 3, "n01440764": 4, "n02012849": 5, "n03126707": 6]
/// The classes of the validation images 1, 2, ...
private let truth = ["n02119789", "n01440764", "n03126707", "n02012849", "n02110185", "n02100735", "n01440764"]

private func validationName(_ number: Int) -> String { "ILSVRC2012_val_0000000\(number)" }

private func trainNames(_ wnid: String) -> [String] { ["\(wnid)_10.JPEG", "\(wnid)_2.JPEG"] }

private enum Train: CaseIterable { case folders, kaggle, archive }
private enum Validation: CaseIterable { case folders, flat, kaggle, archive }

private func make(_ train: Train, _ validation: Validation, devkit: String? = "data/") throws -> DatasetFolder {
    let folder = try DatasetFolder()
    func image(_ name: String) -> [UInt8] { DatasetFolder.jpeg(name) }
    let trainFolder = train == .kaggle ? "ILSVRC/Data/CLS-LOC/train" : "train"
    if train == .archive {
        try folder.write(
            // Neither the classes nor the images are in order.
            TarMaker.archive(
                wnids.reversed().map { wnid in
                    ("\(wnid).tar", TarMaker.archive(trainNames(wnid).reversed().map { ($0, image($0)) }))
                }), to: "ILSVRC2012_img_train.tar")
    } else {
        for wnid in wnids {
            for name in trainNames(wnid) { try folder.write(image(name), to: "\(trainFolder)/\(wnid)/\(name)") }
        }
    }
    let names = truth.indices.map { validationName($0 + 1) + ".JPEG" }
    switch validation {
    case .folders: for (name, wnid) in zip(names, truth) { try folder.write(image(name), to: "val/\(wnid)/\(name)") }
    case .flat: for name in names { try folder.write(image(name), to: "val/\(name)") }
    case .kaggle: for name in names { try folder.write(image(name), to: "ILSVRC/Data/CLS-LOC/val/\(name)") }
    case .archive: try folder.write(TarMaker.archive(names.map { ($0, image($0)) }), to: "ILSVRC2012_img_val.tar")
    }
    if validation == .kaggle {
        let rows = truth.enumerated().map { "\(validationName($0 + 1)),\($1) 1 2 11 12 \($1) 3 4 5 6 " }
        try folder.write("ImageId,PredictionString\n" + rows.joined(separator: "\n") + "\n", to: "LOC_val_solution.csv")
        try folder.write(wnids.map { "\($0) the \($0), a thing\n" }.joined(), to: "LOC_synset_mapping.txt")
    } else if let devkit {
        try folder.copy("imagenet/meta.mat", to: devkit + "meta.mat")
        try folder.write(
            truth.map { "\(numbers[$0]!)\n" }.joined(), to: devkit + "ILSVRC2012_validation_ground_truth.txt")
    }
    return folder
}

private func box(_ edges: (Int, Int, Int, Int), name: String) -> String {
    """
    <annotation><size><width>24</width><height>16</height><depth>3</depth></size><object><name>\(name)</name>
    <bndbox><xmin>\(edges.0)</xmin><ymin>\(edges.1)</ymin><xmax>\(edges.2)</xmax><ymax>\(edges.3)</ymax></bndbox>
    </object></annotation>
    """
}

@Suite struct ImageNetTests {
    static let truthFile = "data/ILSVRC2012_validation_ground_truth.txt"

    @Test(arguments: Train.allCases, Validation.allCases)
    fileprivate func everyLayoutIsTheSameDataSet(train: Train, validation: Validation) throws {
        let folder = try make(train, validation)
        let dataset = try folder.load()
        #expect(dataset.kind == "imagenet", "\(dataset.recognition)")
        #expect(dataset.classNames == wnids)
        #expect(dataset.train.map(\.path) == wnids.flatMap { wnid in trainNames(wnid).map { "train/\(wnid)/\($0)" } })
        #expect(dataset.train.map(\.label) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
        // Labels are ranks of the sorted ids, whatever the devkit's numbers are.
        #expect(dataset.test.count == 7)
        for (index, wnid) in truth.enumerated() {
            let path = "val/\(wnid)/\(validationName(index + 1)).JPEG"
            let sample = try #require(dataset.test.first { $0.path == path })
            #expect(wnids[sample.label] == wnid)
            #expect(try dataset.bytes(of: sample) == DatasetFolder.jpeg(validationName(index + 1) + ".JPEG"))
        }
        for sample in dataset.train {
            let name = String(sample.path.split(separator: "/").last!)
            #expect(try dataset.bytes(of: sample) == DatasetFolder.jpeg(name))
            #expect(try dataset.image(of: sample).width == 24)
        }
        // So a cache of one layout fits another.
        #expect(try dataset.fingerprint == make(.folders, .folders).load().fingerprint)
    }

    @Test func torchvisionsFoldersAreTheClassFoldersTheyWere() throws {
        let folder = try make(.folders, .folders)
        let (found, plain) = (try folder.load(), try ClassFolders.load(root: folder.path))
        #expect(found.kind == "imagenet" && found.fingerprint == plain.fingerprint && found.train == plain.train)
    }

    @Test(arguments: ["data/", "ILSVRC2012_devkit_t12/data/", ""])
    func theDevkitIsFoundWhereItUnpacks(devkit: String) throws {
        let dataset = try make(.folders, .flat, devkit: devkit).load()
        #expect(dataset.test.map(\.label) == [0, 0, 1, 2, 3, 4, 5])
        #expect(dataset.classTitles[0] == "tench, Tinca tinca" && dataset.classTitles[1] == dataset.classTitles[5])
        #expect(dataset.displayNames[0] == "tench, Tinca tinca (n01440764)")
        #expect(Set(dataset.displayNames).count == dataset.classNames.count)
    }

    @Test func theDevkitMayStayInItsArchive() throws {
        let folder = try make(.archive, .archive, devkit: nil)
        let truthText = truth.map { "\(numbers[$0]!)\n" }.joined()
        let tar = TarMaker.archive([
            ("ILSVRC2012_devkit_t12/readme.txt", Array("the devkit".utf8)),
            ("ILSVRC2012_devkit_t12/data/meta.mat", try DatasetFolder.fixture("imagenet/meta.mat")),
            ("ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt", Array(truthText.utf8)),
        ])
        let name = "ILSVRC2012_devkit_t12.tar.gz"
        let compressed = try gzip(tar)
        try folder.write(compressed, to: name)
        let dataset = try folder.load()
        #expect(dataset.test.map(\.label) == [0, 0, 1, 2, 3, 4, 5])
        #expect(dataset.classTitles[0] == "tench, Tinca tinca")
        #expect(dataset.fingerprint == (try make(.archive, .archive).load().fingerprint))
        // What is unpacked counts; what is not is taken from the archive.
        try folder.write(truthText.replacingOccurrences(of: "1\n", with: "2\n"), to: Self.truthFile)
        #expect(try folder.load().test.map(\.label).sorted() != dataset.test.map(\.label))
        try folder.remove("data")

        for length in [0, 5, 20, compressed.count / 2, compressed.count - 1] {
            try folder.write(Array(compressed[..<length]), to: name)
            folder.expectError(.auto, exitCode: 65, naming: name)
        }
        var damaged = compressed
        damaged[damaged.count / 2] ^= 0x40
        try folder.write(damaged, to: name)
        folder.expectError(.auto, exitCode: 65, naming: name, "damaged")
        try folder.write(gzip(TarMaker.archive([("meta.mat", [1, 2, 3])])), to: name)
        folder.expectError(.auto, exitCode: 66, naming: "ILSVRC2012_validation_ground_truth.txt", name)
        try folder.write(gzip([UInt8](repeating: 0, count: 65 << 20)), to: name)
        folder.expectError(.auto, exitCode: 65, naming: name, "more than 64 MiB")
        try folder.remove(name)
        try FileManager.default.createDirectory(atPath: folder.place(name).string, withIntermediateDirectories: false)
        folder.expectError(.auto, exitCode: 74, naming: name, "directory")
        // Where nothing needs it, it may be anything.
        let sorted = try make(.folders, .folders, devkit: nil)
        try sorted.write([1, 2, 3], to: name)
        #expect(try sorted.load().classTitles == wnids)
    }

    private func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        let folder = try DatasetFolder()
        try folder.write(bytes, to: "file")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-n", folder.place("file").string]
        try process.run()
        process.waitUntilExit()
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.place("file.gz").string)))
    }

    @Test func whatIsMissingIsNamed() throws {
        let noDevkit = try make(.folders, .flat, devkit: nil)
        noDevkit.expectError(
            .auto, exitCode: 66, naming: "ILSVRC2012_validation_ground_truth.txt", "ILSVRC2012_devkit_t12.tar.gz",
            "LOC_val_solution.csv", noDevkit.place("data").string)
        let noMeta = try make(.archive, .flat)
        try noMeta.remove("data/meta.mat")
        noMeta.expectError(.auto, exitCode: 66, naming: "needs meta.mat", "ILSVRC2012_devkit_t12.tar.gz")
        let noValidation = try make(.archive, .flat)
        try noValidation.remove("val")
        noValidation.expectError(.auto, exitCode: 66, naming: "val/ or ILSVRC2012_img_val.tar")
        // But what is not needed is not asked for.
        #expect(try noValidation.load { $0.split = .validation }.test.count == 6)
        let noTrain = try make(.archive, .flat)
        try noTrain.remove("ILSVRC2012_img_train.tar")
        noTrain.expectError(.imagenet, exitCode: 66, naming: "train/ or ILSVRC2012_img_train.tar")
        let empty = try make(.folders, .flat)
        try empty.remove("val")
        try empty.write("none", to: "val/readme.txt")
        empty.expectError(.imagenet, exitCode: 66, naming: "validation images", "ILSVRC2012_img_val.tar")
    }

    @Test func groundTruthThatCannotBeIsNamed() throws {
        let folder = try make(.folders, .flat)
        let truthFile = Self.truthFile
        try folder.write("1\n2\n3\n", to: truthFile)
        folder.expectError(.auto, exitCode: 65, naming: "classes of 3 validation images, but 7 are there")
        // 7 is a group of classes in the devkit.
        try folder.write("1\n2\n7\n1\n1\n1\n1\n", to: truthFile)
        folder.expectError(.auto, exitCode: 65, naming: "line 3: the class 7 is not the ILSVRC2012_ID")
        try folder.write("1\n2\nthree\n", to: truthFile)
        folder.expectError(.auto, exitCode: 65, naming: "line 3", "\"three\"")
        try folder.write(String(repeating: "1\n", count: 7), to: truthFile)
        try folder.remove("val/\(validationName(7)).JPEG")
        try folder.writeImages(["val/holiday.jpg"])
        folder.expectError(.auto, exitCode: 65, naming: "does not say the class of the image holiday.jpg")
    }

    static let brokenDevkits: [(String, String)] = [
        ("id", "the class 1 (n02100735) is there twice"), ("wnid", "WNID is \"kit fox\""),
        ("no-leaves", "it has no synset without children"),
    ]

    @Test(arguments: brokenDevkits)
    func aDevkitThatCannotBeIsNamed(fixture: String, message: String) throws {
        let folder = try make(.folders, .flat)
        try folder.copy("malformed/imagenet-\(fixture).mat", to: "data/meta.mat")
        folder.expectError(.auto, exitCode: 65, naming: "meta.mat", message)
    }

    @Test func aClassWithoutTrainingImagesIsNamed() throws {
        for validation in Validation.allCases {
            let folder = try make(.folders, validation)
            try folder.remove("train/n03126707")
            folder.expectError(.imagenet, exitCode: 65, naming: "n03126707")
        }
    }

    @Test func foldersThatAreNoClassesAreNoted() throws {
        let folder = try make(.folders, .folders)
        try folder.writeImages(["train/extra/1.jpg", "val/extra/1.jpg", "val/stray.jpg"])
        let dataset = try folder.load(.imagenet)
        #expect(dataset.train.count == 12 && dataset.test.count == 7)
        #expect(dataset.notes.contains { $0.contains("train/extra/ is not called as a WordNet id") })
        #expect(
            dataset.notes.contains { $0.contains("val/extra/") }
                && dataset.notes.contains { $0.contains("1 files in val/") })
    }

    // MARK: - Boxes

    @Test func boxesComeFromTheTablesOrTheAnnotations() throws {
        let kaggle = try make(.kaggle, .kaggle)
        try kaggle.write(
            "ImageId,PredictionString\nn01440764_2,n01440764 1 2 9 8 n02012849 1 1 2 2\n", to: "LOC_train_solution.csv")
        let dataset = try kaggle.load()
        #expect(try dataset.boxes(of: dataset.train[0]) == nil)
        // Only the boxes of the image's own class.
        #expect(try dataset.boxes(of: dataset.train[1]) == [BoundingBox(x: 1, y: 2, width: 8, height: 6)])
        let test = try #require(dataset.test.first)
        #expect(
            try dataset.boxes(of: test) == [
                BoundingBox(x: 1, y: 2, width: 10, height: 10), BoundingBox(x: 3, y: 4, width: 2, height: 2),
            ])
        #expect(dataset.classTitles[0] == "the n01440764, a thing")

        let annotated = try make(.folders, .flat)
        try annotated.write(
            box((1, 2, 40, 50), name: "n01440764"), to: "Annotations/CLS-LOC/train/n01440764/n01440764_2.xml")
        try annotated.write(
            box((0, 0, 24, 16), name: "n01440764"), to: "Annotations/CLS-LOC/val/\(validationName(2)).xml")
        let other = try annotated.load()
        #expect(try other.boxes(of: other.train[0]) == nil)
        #expect(try other.boxes(of: other.train[1]) == [BoundingBox(x: 1, y: 2, width: 23, height: 14)])
        #expect(try other.boxes(of: other.test[0]) == [BoundingBox(x: 0, y: 0, width: 24, height: 16)])
        annotated.expectError(.auto, exitCode: 65, naming: "n01440764_10.JPEG has no bounding box") { $0.crop = .box }
        let none = try make(.folders, .folders)
        none.expectError(.auto, exitCode: 66, naming: "LOC_train_solution.csv or Annotations/CLS-LOC/") {
            $0.crop = .box
        }
    }

    static let brokenTables: [(String, String)] = [
        ("Image,Boxes\na,b\n", "its columns are not ImageId and PredictionString"),
        ("ImageId,PredictionString\na,n01440764 1 2 3\n", "line 2: the boxes are not groups"),
        ("ImageId,PredictionString\na,\n", "line 2: the boxes are not groups"),
        ("ImageId,PredictionString\na,tench 1 2 3 4\n", "\"tench\" is no WordNet id"),
        ("ImageId,PredictionString\na,n01440764 1 2 x 4\n", "\"x\" is no number"),
        ("ImageId,PredictionString\na,n01440764 5 2 5 4\n", "the box cannot be"),
        ("ImageId,PredictionString\na,n01440764 1 2 5 4\na,n01440764 1 2 5 4\n", "line 3: the image a is there twice"),
        ("ImageId,PredictionString\na\n", "it has 1 fields"),
    ]

    @Test(arguments: brokenTables)
    func aTableThatCannotBeIsNamed(text: String, message: String) throws {
        let folder = try make(.folders, .kaggle)
        try folder.write(text, to: "LOC_val_solution.csv")
        folder.expectError(.imagenet, exitCode: 65, naming: "LOC_val_solution.csv", message)
    }

    // MARK: - Archives

    @Test func archivesThatCannotBeAreNamed() throws {
        let folder = try make(.archive, .flat)
        func expect(_ entries: [(String, [UInt8])], _ message: String) throws {
            try folder.write(TarMaker.archive(entries), to: "ILSVRC2012_img_train.tar")
            folder.expectError(.auto, exitCode: 65, naming: "ILSVRC2012_img_train.tar", message)
        }
        let inner = TarMaker.archive([("a.JPEG", [1, 2, 3])])
        try expect([], "it holds no archives of classes")
        try expect([("tench.tar", inner)], "tench.tar: it is not called as an archive of a class")
        try expect([("n01440764.JPEG", inner)], "is not called as an archive")
        try expect([("n01440764.tar", inner), ("n01440764.tar", inner)], "the class is there twice")
        try expect([("n01440764.tar", TarMaker.archive([]))], "it holds no images")
        try expect([("n01440764.tar", [1, 2, 3])], "it has been cut short")
        try expect([("n01440764.tar", Array(inner.dropLast(1024)))], "without its end mark")
        try expect(
            [("n01440764.tar", TarMaker.archive([("a.JPEG", [1]), ("a.JPEG", [2])]))],
            "a.JPEG: the image is there twice")
        // An inner archive may not reach into the next one.
        var lying = TarMaker()
        lying.add("a.JPEG", [1, 2, 3], size: 100_000)
        lying.finish()
        try expect(
            [("n01440764.tar", lying.bytes), ("n02012849.tar", [UInt8](repeating: 7, count: 200_000))], "100000 bytes")
        let whole = TarMaker.archive([("n01440764.tar", inner)])
        for count in [0, 100, 600, whole.count - 1024] {
            try folder.write(Array(whole[..<count]), to: "ILSVRC2012_img_train.tar")
            folder.expectError(.auto, exitCode: 65, naming: "cut short")
        }
    }

    @Test func anArchiveThatWasCutShortLaterIsAnError() throws {
        let folder = try make(.archive, .flat)
        let dataset = try folder.load()
        let archive = try Data(contentsOf: URL(fileURLWithPath: folder.place("ILSVRC2012_img_train.tar").string))
        try folder.write(Array(archive.prefix(archive.count / 2)), to: "ILSVRC2012_img_train.tar")
        // Classes are in the archive from the last to the first.
        #expect(throws: (any Error).self) { try dataset.bytes(of: dataset.train[0]) }
        #expect(try dataset.bytes(of: dataset.train[11]) == DatasetFolder.jpeg(trainNames(wnids[5])[1]))
    }
}
