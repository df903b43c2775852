import Datasets
import Foundation
import SystemPackage
import Testing

/// A tree of files that are never opened.
private func tree(_ files: [String]) throws -> DatasetFolder {
    let folder = try DatasetFolder()
    for file in files { try folder.write(file, to: file) }
    return folder
}

/// `count` files in each class below `part`.
private func classes(_ part: String, _ names: [String] = ["crow", "wren"], count: Int = 2) -> [String] {
    names.flatMap { name in (1...count).map { "\(part)/\(name)/\($0).jpg" } }
}

private func prefixed(_ prefix: String, _ files: [String]) -> [String] { files.map { prefix + $0 } }

@Suite struct SplitWordTests {
    static let pairs: [(String, String)] = [
        ("train", "test"), ("train", "validation"), ("Train", "Test"), ("TRAIN", "VAL"), ("Training", "Testing"),
        ("training", "validation"), ("training_set", "test_set"), ("train", "eval"), ("train", "evaluation"),
        ("train", "dev"), ("train.X1", "val.X"), ("train_cropped", "test_cropped"), ("train_images", "test_images"),
        ("trainset", "testset"), ("TrainSet", "ValSet"), ("train-set", "valid-set"), ("seg_train", "seg_test"),
        ("Train Images", "Validation Images"), ("train2017", "val2017"),
    ]

    @Test(arguments: pairs) func partsAreTakenForWhatTheirNamesSay(train: String, test: String) throws {
        let folder = try tree(classes(train) + classes(test, count: 1))
        let dataset = try folder.load()
        #expect(dataset.kind == "class_folders" && dataset.classNames == ["crow", "wren"])
        #expect(dataset.train.map(\.path) == classes(train))
        #expect(dataset.test.map(\.path) == classes(test, count: 1))
        #expect(dataset.recognition.contains("found \(train)/ and \(test)/ with a folder for each class"))
        #expect(try folder.load(.classFolders).fingerprint == dataset.fingerprint)
    }

    @Test func theTestFolderIsPreferredAndTheOtherIsNoted() throws {
        for (test, other) in [("Testing", "Validation"), ("test", "validation"), ("eval", "dev"), ("test_set", "val")] {
            let dataset = try tree(classes("Training") + classes(test) + classes(other)).load()
            #expect(dataset.test.allSatisfy { $0.path.hasPrefix("\(test)/") })
            #expect(dataset.notes == ["\(other)/ is not used: the data set is Training/ and \(test)/."])
        }
    }

    /// What was read before other words were known is read as it was.
    @Test func theOldWordsWin() throws {
        let dataset = try tree(classes("train") + classes("val") + classes("Testing") + classes("evaluation")).load()
        #expect(dataset.test.allSatisfy { $0.path.hasPrefix("val/") } && dataset.notes.count == 2)
        let plain = try tree(classes("train") + classes("test") + classes("Training")).load()
        #expect(plain.train.allSatisfy { $0.path.hasPrefix("train/") })
    }

    /// ImageNet100 as Kaggle has it: four folders of 25 classes each, and one of all of them.
    @Test func piecesOfThePartAreOnePart() throws {
        let dataset = try tree(
            classes("train.X1", ["n01", "n04"]) + classes("train.X2", ["n02", "n03"]) + classes("train.X3", ["n04"])
                + classes("val.X", ["n01", "n02", "n03", "n04"], count: 1)
        ).load()
        #expect(dataset.classNames == ["n01", "n02", "n03", "n04"] && dataset.test.count == 4)
        #expect(dataset.train.map(\.label) == [0, 0, 1, 1, 2, 2, 3, 3, 3, 3])
        #expect(dataset.train.last?.path == "train.X3/n04/2.jpg" && dataset.notes.isEmpty)
    }

    @Test func theSurestNameIsTaken() throws {
        let dataset = try tree(
            classes("train_cropped_augmented", count: 9) + classes("train_cropped") + classes("test_cropped")
        ).load()
        #expect(dataset.train.allSatisfy { $0.path.hasPrefix("train_cropped/") })
        #expect(dataset.notes.contains { $0.hasPrefix("train_cropped_augmented/ is not used") })
    }

    /// Words in names of classes say nothing by themselves.
    @Test func classesMayBeCalledLikeParts() throws {
        let vehicles = try tree(classes(".", ["steam_train", "test_car", "bullet_train"])).load()
        #expect(vehicles.classNames == ["bullet_train", "steam_train", "test_car"])
        let nested = try tree(
            ["steam_train/old/1.jpg", "steam_train/old/2.jpg", "test_car/red/1.jpg", "test_car/red/2.jpg"]
        ).load()
        #expect(nested.classNames == ["steam_train", "test_car"])
        let tests = try tree(classes(".", ["test", "validation", "crow"])).load()
        #expect(tests.classNames == ["crow", "test", "validation"])
    }

    @Test func aPartWithoutItsOtherHalfIsAnError() throws {
        for files in [classes("Training"), classes("train") + ["extra/1.jpg"], classes("train1") + classes("train2")] {
            try tree(files).expectError(.auto, exitCode: 65, naming: "no test, val or valid folder", "dataset.root")
        }
        try tree(classes("Test") + classes("Validation")).expectError(
            .auto, exitCode: 65, naming: "Test/ and Validation/", "look like the parts of a data set",
            "add it as train/")
    }

    @Test func partsWithoutClassFoldersAreNoClasses() throws {
        try tree(["train/cat.1.jpg", "train/dog.1.jpg", "validation/cat.2.jpg", "validation/3.jpg"]).expectError(
            .auto, exitCode: 65, naming: "train/ and validation/", "hold no class folders", "CSV")
    }

    @Test func anUnlabelledTestFolderWithAFolderInItGivesWayToVal() throws {
        let dataset = try tree(classes("train") + classes("val", count: 1) + ["test/images/1.jpg"]).load()
        #expect(dataset.test.map(\.path) == classes("val", count: 1))
        #expect(dataset.notes.contains("test/ has none of the classes of train/ and is not used."))
        // Where it is all there is, it is an error as it was.
        try tree(classes("train") + ["test/images/1.jpg"]).expectError(.auto, exitCode: 65, naming: "\"images\"")
    }
}

@Suite struct LoneFolderTests {
    static let mirrors: [(outer: String, files: [String])] = [
        // Kaggle's chest X-rays, with a copy inside and what macOS adds.
        (
            "archive/chest_xray",
            classes("train", ["NORMAL", "PNEUMONIA"]) + classes("test", ["NORMAL", "PNEUMONIA"], count: 1)
                + classes("val", ["NORMAL", "PNEUMONIA"], count: 1)
                + ["chest_xray/train/NORMAL/1.jpg", "__MACOSX/chest_xray/._train"]
        ),
        // Stanford Cars by class folders, with lists beside the folder.
        ("car_data/car_data", classes("train") + classes("test", count: 1)), ("photos", classes(".")),
    ]

    @Test(arguments: mirrors) func aLoneFolderIsEntered(outer: String, files: [String]) throws {
        let folder = try tree(
            prefixed("\(outer)/", files)
                + ["names.csv", "__MACOSX/._archive", ".DS_Store", "\(outer.split(separator: "/")[0])/README.txt"])
        let (found, direct) = (try folder.load(), try Dataset.load(root: folder.place(outer)))
        #expect(found.fingerprint == direct.fingerprint && found.root == direct.root && found.classNames.count == 2)
        #expect(found.train == direct.train && found.test == direct.test)
        #expect(found.notes.first?.contains("holds nothing but one folder") == true)
        #expect(found.notes.first?.contains(folder.place(outer).string) == true)
        #expect(try folder.load(.classFolders).fingerprint == direct.fingerprint)
    }

    /// Intel's image classification on Kaggle: each part in a folder of its own name.
    @Test func partsMayBeNestedToo() throws {
        let dataset = try tree(
            classes("seg_train/seg_train") + classes("seg_test/seg_test") + ["seg_pred/seg_pred/1.jpg"]
        ).load()
        #expect(dataset.classNames == ["crow", "wren"] && dataset.train.count == 4 && dataset.test.count == 4)
        #expect(dataset.train[0].path == "seg_train/seg_train/crow/1.jpg")
        #expect(dataset.notes == ["seg_pred/ is not used: the data set is seg_train/ and seg_test/."])
    }

    @Test func otherLayoutsAreFoundInALoneFolder() throws {
        let folder = try DatasetFolder()
        try folder.write("path,label\n1.jpg,a\n2.jpg,a\n3.jpg,b\n4.jpg,b\n", to: "archive/birds/manifest.csv")
        try folder.writeImages((1...4).map { "archive/birds/\($0).jpg" })
        let dataset = try folder.load()
        #expect(dataset.kind == "csv" && dataset.root == folder.place("archive/birds"))
        #expect(try folder.load(.csv).fingerprint == dataset.fingerprint)
    }

    @Test func aSingleClassIsRefused() throws {
        let refused: [[String]] = [
            classes(".", ["crow"], count: 4), classes("photos", ["crow"], count: 4),
            classes("train", ["images"], count: 4) + classes("test", ["images"]),
        ]
        for files in refused {
            try tree(files).expectError(.auto, exitCode: 65, naming: "one class alone", "dataset.root")
        }
        let list = try DatasetFolder()
        try list.writeImages(["1.jpg", "2.jpg"])
        try list.write("path,label\n1.jpg,x\n2.jpg,x\n", to: "manifest.csv")
        list.expectError(.auto, exitCode: 65, naming: "\"x\"", "one class alone")
    }
}

@Suite struct FolderDoubtTests {
    static let doubtful: [[String]] = [
        // Parts under other names, folds, pictures and masks.
        classes("first") + classes("second"), (0..<5).flatMap { classes("fold\($0)") },
        classes("images") + classes("masks"), classes("a/a") + classes("b/b"),
        // Inside a part.
        classes("train/images") + classes("train/masks") + classes("test/images"),
    ]

    @Test(arguments: doubtful) func foldersOfEqualNamesAreNoClasses(files: [String]) throws {
        try tree(files).expectError(
            .auto, exitCode: 65, naming: "look like the parts of a data set", "crow/ and wren/", "dataset.root", "CSV")
    }

    @Test func classesDividedThemselvesAreRefused() throws {
        try tree(["crow", "wren"].flatMap { ["\($0)/train/1.jpg", "\($0)/train/2.jpg", "\($0)/test/1.jpg"] })
            .expectError(.auto, exitCode: 65, naming: "crow/ and wren/", "Each of them has test/ and train/")
    }

    @Test func manyClassesMayBeDividedAlike() throws {
        let names = (10..<30).map { "class\($0)" }
        let dataset = try tree(names.flatMap { ["\($0)/male/1.jpg", "\($0)/female/1.jpg"] }).load()
        #expect(dataset.classNames == names)
        #expect(dataset.notes.contains { $0.contains("20 class folders have folders of the same names") })
        // One name in all classes is how some data sets keep images.
        let images = try tree(["a", "b"].flatMap { ["\($0)/images/1.jpg", "\($0)/images/2.jpg"] }).load()
        #expect(images.classNames == ["a", "b"] && images.notes.isEmpty)
        let different = try tree(["a/x/1.jpg", "a/y/1.jpg", "b/z/1.jpg", "b/w/1.jpg", "b/x/1.jpg"]).load()
        #expect(different.classNames == ["a", "b"])
    }

    @Test func whatIsThereInsteadIsSaid() throws {
        try tree(["birds.zip", "README"]).expectError(.auto, exitCode: 65, naming: "the archive birds.zip")
        try tree(["1.jpg", "2.jpg"]).expectError(.auto, exitCode: 65, naming: "2 .jpg", "the folder around it")
        try tree(["a/1.heic", "b/1.jpg", "b/2.jpg"]).expectError(.auto, exitCode: 65, naming: "1 .heic")
    }

    @Test func imagesThatAreNotCountedAreNoted() throws {
        let dataset = try tree(
            classes(".") + ["crow/3.heic", "crow/4.HEIC", "wren/5.avif", "wren/6.gif", "crow/7.jfif"]
                + ["crow/a.txt", "wren/b.txt"]
        ).load()
        #expect(dataset.count == 4)
        for text in ["2 files of HEIC", "1 file of AVIF", "1 file of GIF", "1 file of JPEG (.jfif"] {
            #expect(dataset.notes.contains { $0.hasPrefix(text) }, "\(dataset.notes) lack \(text)")
        }
        #expect(dataset.notes.contains("1 file below crow/ without an image's extension."))
        // GIFs are taken where there is nothing else.
        #expect(try tree(["a/1.gif", "a/2.GIF", "b/1.jpg", "b/2.jpg"]).load().count == 4)
        // Many folders with other files make one note.
        let many = try tree((10..<20).flatMap { ["c\($0)/1.jpg", "c\($0)/2.jpg", "c\($0)/boxes.txt"] }).load()
        #expect(many.notes == ["10 files in 10 class folders, such as c10/, without an image's extension."])
    }
}

@Suite struct UnicodeNameTests {
    private let composed = "caf\u{E9}"
    private let decomposed = "cafe\u{301}"

    @Test func partsThatSpellAClassDifferentlyAreSaidTo() throws {
        try tree(classes("train", [composed, "tea"]) + classes("test", [decomposed, "tea"])).expectError(
            .auto, exitCode: 65, naming: "is written in two ways", "Rename one")
    }

    @Test func twoClassesOfOneNameAreNoted() throws {
        let dataset = try tree(classes(".", [composed, decomposed])).load()
        #expect(dataset.classNames.count == 2 && dataset.notes.contains { $0.contains("they are two classes") })
    }

    @Test func aListThatSpellsAFileDifferentlyIsSaidTo() throws {
        let folder = try DatasetFolder()
        try folder.writeImages(["\(decomposed).jpg", "b.jpg"])
        try folder.write("path,label,split\n\(composed).jpg,x,train\nb.jpg,y,train\nb.jpg,y,test", to: "manifest.csv")
        try folder.write("path,label,split\n\(composed).jpg,x,train\nb.jpg,y,test\n", to: "manifest.csv")
        folder.expectError(.csv, exitCode: 66, naming: "accents Unicode writes in another way")
    }

    /// A name may tell a terminal to do something.
    @Test func controlCharactersAreWrittenOut() throws {
        let evil = "crow\u{1B}]0;owned\u{7}\u{202E}"
        let error = #expect(throws: DatasetError.self) {
            try tree(["\(evil)/a.txt", "wren/1.jpg"]).load()
        }
        let text = try #require(error).description
        #expect(text.contains("crow\\u{1b}]0;owned\\u{7}\\u{202e}") && !text.unicodeScalars.contains("\u{1B}"))
        let dataset = try tree(classes(".", [evil, "wren"]) + ["\(evil)/b.txt"]).load()
        #expect(dataset.notes.contains { $0.contains("crow\\u{1b}]0;owned") })
        #expect(dataset.notes.allSatisfy { !$0.unicodeScalars.contains("\u{1B}") })
        #expect(dataset.classNames.contains(evil))
    }
}
