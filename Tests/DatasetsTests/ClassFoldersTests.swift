import Datasets
import DurableFiles
import Foundation
import SystemPackage
import Testing

/// A folder for one test, removed at its end.
private final class Folder {
    let path: FilePath

    init(files: [String] = []) throws {
        path = FilePath(NSTemporaryDirectory()).appending("class-folders-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
        for file in files { try add(file) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }

    /// Creates a file whose contents are as long as its name; a name that ends with "/" is a folder.
    func add(_ file: String) throws {
        let place = path.pushing(FilePath(file))
        let folder = file.hasSuffix("/") ? place : place.removingLastComponent()
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: true)
        if !file.hasSuffix("/") { try Data(file.utf8).write(to: URL(fileURLWithPath: place.string)) }
    }

    func link(_ name: String, to destination: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: path.pushing(FilePath(name)).string, withDestinationPath: destination)
    }
}

private func images(_ className: String, _ count: Int) -> [String] {
    (0..<count).map { "\(className)/\(className)-\($0).jpg" }
}

@Suite struct ClassFoldersWithSplitTests {
    @Test(arguments: ["test", "val", "valid"])
    func trainAndTestFoldersAreUsed(testFolder: String) throws {
        let folder = try Folder(files: [
            "train/wren/b.JPEG", "train/wren/a.png", "train/crow/x.jpg", "\(testFolder)/crow/y.jpg",
            "\(testFolder)/wren/z.PnG",
        ])
        let dataset = try ClassFolders.load(root: folder.path)
        #expect(dataset.kind == "class_folders")
        #expect(dataset.classNames == ["crow", "wren"])
        #expect(
            dataset.samples(.train) == [
                Sample(path: "train/crow/x.jpg", label: 0), Sample(path: "train/wren/a.png", label: 1),
                Sample(path: "train/wren/b.JPEG", label: 1),
            ])
        #expect(
            dataset.samples(.test) == [
                Sample(path: "\(testFolder)/crow/y.jpg", label: 0), Sample(path: "\(testFolder)/wren/z.PnG", label: 1),
            ])
        #expect(dataset.notes.isEmpty)
    }

    @Test func namesAreSortedByCodePointAsPythonSortsThem() throws {
        // sorted(["a", "B", "10", "9", "é", "é" (decomposed), "ﬀ", "😀", "_"]) in Python.
        let sorted = ["10", "9", "B", "_", "a", "e\u{301}", "\u{E9}", "\u{FB00}", "\u{1F600}"]
        let folder = try Folder(files: sorted.reversed().flatMap { ["train/\($0)/1.jpg", "test/\($0)/1.jpg"] })
        let names = try ClassFolders.load(root: folder.path).classNames
        #expect(names.map { Array($0.utf8) } == sorted.map { Array($0.utf8) })
    }

    @Test func filesOfSubfoldersComeAfterThoseOfTheFolderAsInTorchvision() throws {
        let folder = try Folder(files: [
            "train/a/z.jpg", "train/a/b/2.jpg", "train/a/b/deep/1.jpg", "train/a/b-c/1.jpg", "train/a/b/1.jpg",
            "test/a/1.jpg",
        ])
        // sorted(os.walk(...)) compares the texts of the folders' paths, and "-" precedes "/".
        let paths = try ClassFolders.load(root: folder.path).train.map(\.path)
        #expect(
            paths == [
                "train/a/z.jpg", "train/a/b/1.jpg", "train/a/b/2.jpg", "train/a/b-c/1.jpg", "train/a/b/deep/1.jpg",
            ])
    }

    @Test func hiddenAndOtherFilesAreIgnoredAndNoted() throws {
        let folder = try Folder(files: [
            "train/a/1.jpg", "train/a/.2.jpg", "train/a/notes.txt", "train/a/Thumbs.db", "train/.cache/1.jpg",
            "test/a/1.jpg",
            "train/stray.png", "README.md", "extra/a/1.jpg", "val/a/1.jpg",
        ])
        let dataset = try ClassFolders.load(root: folder.path)
        #expect(dataset.classNames == ["a"] && dataset.train.count == 1 && dataset.test.count == 1)
        #expect(dataset.notes.contains("2 files below train/a/ without an image's extension."))
        #expect(dataset.notes.contains("1 image in train/ itself belongs to no class."))
        #expect(dataset.notes.contains("extra/ is not used: the data set is train/ and test/."))
        #expect(dataset.notes.contains("val/ is not used: the data set is train/ and test/."))
        #expect(dataset.notes.count == 4)
    }

    @Test func anUnlabelledTestFolderGivesWayToVal() throws {
        let folder = try Folder(files: ["train/a/1.jpg", "test/0001.jpg", "val/a/2.jpg"])
        let dataset = try ClassFolders.load(root: folder.path)
        #expect(dataset.test.map(\.path) == ["val/a/2.jpg"])
        #expect(dataset.notes.contains("test/ has no class folders and is not used."))
    }

    @Test func aClassThatIsOnlyTrainedIsNoted() throws {
        let folder = try Folder(files: ["train/a/1.jpg", "train/b/1.jpg", "test/b/1.jpg"])
        let dataset = try ClassFolders.load(root: folder.path)
        #expect(dataset.classNames == ["a", "b"] && dataset.test == [Sample(path: "test/b/1.jpg", label: 1)])
        #expect(dataset.notes == ["The class \"a\" has training images but none in test/."])
    }

    @Test func aClassThatIsOnlyTestedIsAnError() throws {
        let folder = try Folder(files: ["train/a/1.jpg", "test/a/1.jpg", "test/b/1.jpg"])
        #expect(
            throws: DatasetError.classWithoutTraining(
                name: "b", testFolder: folder.path.appending("test"), trainFolder: folder.path.appending("train"))
        ) { try ClassFolders.load(root: folder.path) }
    }

    @Test func anEmptyClassIsAnError() throws {
        let folder = try Folder(files: ["train/a/1.jpg", "train/b/notes.txt", "test/a/1.jpg"])
        #expect(throws: DatasetError.emptyClass(path: folder.path.pushing("train/b"), seen: "1 file: 1 .txt")) {
            try ClassFolders.load(root: folder.path)
        }
    }

    @Test func aTrainFolderAloneIsAnError() throws {
        let folder = try Folder(files: ["train/a/1.jpg", "train/b/1.jpg"])
        #expect(throws: DatasetError.missingTestFolder(root: folder.path)) { try ClassFolders.load(root: folder.path) }
    }

    @Test func linksAreFollowedButNotInCircles() throws {
        let folder = try Folder(files: ["elsewhere/1.jpg", "data/train/a/2.jpg", "data/test/a/3.jpg"])
        try folder.link("data/train/b", to: "../../elsewhere")
        try folder.link("data/train/a/again", to: "../../train")
        try folder.link("data/train/a/self", to: ".")
        try folder.link("data/train/a/lost.jpg", to: "nowhere.jpg")
        let dataset = try ClassFolders.load(root: folder.path.appending("data"))
        #expect(dataset.classNames == ["a", "b"])
        #expect(dataset.train.contains(Sample(path: "train/b/1.jpg", label: 1)))
        #expect(dataset.notes.contains("train/a/self/ is a link to a folder around it and is not followed."))
        #expect(
            dataset.notes.contains("train/a/lost.jpg is a link that leads nowhere, or may not be looked at."))
    }
}

@Suite struct ClassFoldersWithoutSplitTests {
    @Test func everyClassIsSplitByTheFraction() throws {
        let folder = try Folder(files: images("a", 20) + images("b", 8) + images("c", 2) + images("d", 3))
        let dataset = try ClassFolders.load(root: folder.path, testFraction: 0.25, seed: 7)
        func counts(_ samples: [Sample]) -> [Int] { (0..<4).map { label in samples.count { $0.label == label } } }
        #expect(counts(dataset.test) == [5, 2, 1, 1])
        #expect(counts(dataset.train) == [15, 6, 1, 2])
        let paths = (dataset.train + dataset.test).map(\.path)
        #expect(Set(paths).count == 33 && paths.count == 33)
        #expect(dataset.train.map(\.label) == dataset.train.map(\.label).sorted())
    }

    @Test func theSplitIsFixedForASeed() throws {
        let folder = try Folder(files: images("a", 12) + images("b", 12))
        let first = try ClassFolders.load(root: folder.path, seed: 3)
        let again = try ClassFolders.load(root: folder.path, seed: 3)
        let other = try ClassFolders.load(root: folder.path, seed: 4)
        #expect(first.test == again.test && first.fingerprint == again.fingerprint)
        #expect(first.test != other.test && first.fingerprint != other.fingerprint)
        // Recorded: the split is part of every result that was published with it.
        #expect(first.test.map(\.path) == Self.splitOfSeed3)
    }

    private static let splitOfSeed3 = [
        "a/a-2.jpg", "a/a-4.jpg", "a/a-7.jpg", "b/b-11.jpg", "b/b-3.jpg", "b/b-7.jpg",
    ]

    @Test func oneImageIsAlwaysLeftOnEachSide() throws {
        let folder = try Folder(files: images("a", 2) + images("b", 5))
        for fraction in [0.001, 0.999] {
            let dataset = try ClassFolders.load(root: folder.path, testFraction: fraction)
            for part in [dataset.train, dataset.test] { #expect(Set(part.map(\.label)) == [0, 1]) }
        }
    }

    @Test func aClassOfOneImageIsAnError() throws {
        let folder = try Folder(files: images("a", 4) + images("b", 1))
        #expect(throws: DatasetError.tooFewImages(className: "b", count: 1, root: folder.path)) {
            try ClassFolders.load(root: folder.path)
        }
    }

    @Test func aClassMayBeCalledTrain() throws {
        let folder = try Folder(files: images("bus", 3) + images("train", 3))
        #expect(try ClassFolders.load(root: folder.path).classNames == ["bus", "train"])
    }

    @Test(arguments: [0, 1, -0.5, .nan])
    func aFractionBeyondItsRangeIsAnError(fraction: Double) throws {
        let folder = try Folder(files: images("a", 4))
        let error = #expect(throws: DatasetError.self) {
            try ClassFolders.load(root: folder.path, testFraction: fraction)
        }
        #expect(error?.exitCode == 78)
    }
}

@Suite struct ClassFoldersRootTests {
    @Test func aMissingRootIsAMissingInput() {
        let root = FilePath("/nowhere/birds")
        let error = #expect(throws: DatasetError.self) { try ClassFolders.load(root: root) }
        #expect(error == .missingRoot(path: root) && error?.exitCode == 66)
        #expect(error?.description.contains("/nowhere/birds does not exist") == true)
    }

    @Test func anArchiveIsNotAFolder() throws {
        let folder = try Folder(files: ["birds.zip"])
        #expect(throws: DatasetError.rootIsNotAFolder(path: folder.path.appending("birds.zip"))) {
            try ClassFolders.load(root: folder.path.appending("birds.zip"))
        }
    }

    @Test func aFolderWithoutClassesIsAnError() throws {
        let folder = try Folder(files: ["1.jpg", ".hidden/2.jpg"])
        #expect(throws: DatasetError.noClasses(path: folder.path, seen: "1 file: 1 .jpg")) {
            try ClassFolders.load(root: folder.path)
        }
    }
}

@Suite struct FingerprintTests {
    private let files = ["train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg", "test/b/1.jpg"]

    @Test func aCopyElsewhereHasTheSameFingerprint() throws {
        let (first, second) = (try Folder(files: files), try Folder(files: files.reversed()))
        #expect(
            try ClassFolders.load(root: first.path).fingerprint == ClassFolders.load(root: second.path).fingerprint)
    }

    @Test func aChangeOfANameOrASizeChangesIt() throws {
        let folder = try Folder(files: files)
        let before = try ClassFolders.load(root: folder.path).fingerprint
        try Data(repeating: 0, count: 99).write(
            to: URL(fileURLWithPath: folder.path.pushing("train/a/1.jpg").string))
        let resized = try ClassFolders.load(root: folder.path).fingerprint
        try folder.add("train/a/2.jpg")
        let added = try ClassFolders.load(root: folder.path).fingerprint
        #expect(Set([before, resized, added]).count == 3)
    }

    @Test func itIsTheDigestOfTheDocumentedText() throws {
        let folder = try Folder(files: ["train/a/1.jpg", "test/a/22.jpg"])
        let dataset = try Dataset(
            kind: "any", root: folder.path, classNames: ["a"], train: [Sample(path: "train/a/1.jpg", label: 0)],
            test: [Sample(path: "test/a/22.jpg", label: 0)])
        let text = [
            "infodisent data set 1", "1", "a", "train", "1", "train/a/1.jpg", "0", "13", "test", "1", "test/a/22.jpg",
            "0",
            "13",
        ]
        #expect(dataset.fingerprint == ContentDigest(of: text.map { $0 + "\0" }.joined()))
        #expect(try ClassFolders.load(root: folder.path).fingerprint == dataset.fingerprint)
    }
}
