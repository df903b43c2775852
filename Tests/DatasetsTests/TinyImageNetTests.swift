import Datasets
import Foundation
import SystemPackage
import Testing

private let wnids = ["n01443537", "n01629819"]

/// Tiny ImageNet as its archive unpacks, in the folder of its name.
private func makeTiny() throws -> DatasetFolder {
    let tiny = try DatasetFolder()
    let base = "tiny-imagenet-200/"
    // Not in the order of the sorted ids.
    try tiny.write(wnids.reversed().joined(separator: "\n") + "\n", to: base + "wnids.txt")
    try tiny.write("n00001740\tentity\nn01443537\tgoldfish, Carassius auratus\n", to: base + "words.txt")
    for wnid in wnids {
        try tiny.writeImages((0..<3).map { "\(base)train/\(wnid)/images/\(wnid)_\($0).JPEG" })
        try tiny.write("\(wnid)_0.JPEG\t0\t10\t63\t58\n", to: "\(base)train/\(wnid)/\(wnid)_boxes.txt")
    }
    try tiny.writeImages((0..<3).map { "\(base)val/images/val_\($0).JPEG" } + ["\(base)test/images/test_0.JPEG"])
    try tiny.write(
        "val_0.JPEG\t\(wnids[1])\t0\t32\t44\t62\nval_1.JPEG\t\(wnids[0])\t52\t55\t57\t59\n"
            + "val_2.JPEG\t\(wnids[1])\t4\t0\t60\t55\n", to: base + "val/val_annotations.txt")
    return tiny
}

@Suite struct TinyImageNetTests {
    @Test func theValidationImagesHaveTheClassesOfTheirList() throws {
        let tiny = try makeTiny()
        let dataset = try tiny.load()
        #expect(dataset.kind == "imagenet" && dataset.classNames == wnids && dataset.train.count == 6)
        #expect(dataset.train[0].path == "train/n01443537/images/n01443537_0.JPEG")
        #expect(
            dataset.test.map(\.path) == [
                "val/\(wnids[0])/val_1.JPEG", "val/\(wnids[1])/val_0.JPEG", "val/\(wnids[1])/val_2.JPEG",
            ])
        #expect(dataset.path(of: dataset.test[0]) == tiny.place("tiny-imagenet-200/val/images/val_1.JPEG"))
        #expect(try dataset.image(of: dataset.test[0]).width == 24)
        #expect(dataset.displayNames[0] == "goldfish, Carassius auratus (n01443537)")
        #expect(dataset.recognition.contains("val/val_annotations.txt"))
        #expect(try Dataset.load(root: tiny.place("tiny-imagenet-200")).fingerprint == dataset.fingerprint)
    }

    static let broken: [(String, String)] = [
        ("val_0.JPEG\tn99999999\t0\t0\t1\t1", "line 1: \"n99999999\" is not the WordNet id"),
        ("../x.JPEG\tn01443537\t0", "is no name of an image"), ("a/x.JPEG\tn01443537\t0", "is no name of an image"),
        ("val_0.JPEG\tn01443537\nval_0.JPEG\tn01443537", "line 2: the image val_0.JPEG is listed twice"),
        ("val_0.JPEG", "line 1: it has 1 fields"),
    ]

    @Test(arguments: broken) func aListThatCannotBeIsNamed(text: String, message: String) throws {
        let tiny = try makeTiny()
        try tiny.write(text + "\n", to: "tiny-imagenet-200/val/val_annotations.txt")
        tiny.expectError(.auto, exitCode: 65, naming: "val_annotations.txt", message)
    }

    @Test func imagesThatAreMissingAreNamed() throws {
        let tiny = try makeTiny()
        try tiny.remove("tiny-imagenet-200/val/images/val_2.JPEG")
        tiny.expectError(.auto, exitCode: 66, naming: "1 of the 9 images", "val/images/val_2.JPEG")
    }

    /// Scripts that sort the validation images into folders leave the list, and the test images without classes.
    @Test func sortedIntoFoldersTheFoldersCount() throws {
        let tiny = try DatasetFolder()
        for part in ["train", "val"] {
            for wnid in wnids { try tiny.writeImages(["\(part)/\(wnid)/images/\(part)_\(wnid).JPEG"]) }
        }
        try tiny.writeImages(["test/images/test_0.JPEG"])
        let folders = try tiny.load()
        #expect(folders.kind == "class_folders" && folders.test.allSatisfy { $0.path.hasPrefix("val/") })
        try tiny.write("val_0.JPEG\t\(wnids[1])\t0\t32\t44\t62\n", to: "val/val_annotations.txt")
        let listed = try tiny.load()
        #expect(listed.kind == "imagenet" && listed.test.map(\.label) == [0, 1])
    }
}

@Suite struct ImageNetPlacesTests {
    /// Folders that a failed download or a mirror leaves empty hide nothing.
    @Test func emptyFoldersHideNoImages() throws {
        let folder = try DatasetFolder()
        for part in ["train", "val"] {
            for wnid in wnids { try folder.writeImages(["ILSVRC/Data/CLS-LOC/\(part)/\(wnid)/1.JPEG"]) }
        }
        let plain = try folder.load()
        for part in ["train", "val"] {
            try FileManager.default.createDirectory(
                atPath: folder.place(part).string, withIntermediateDirectories: true)
        }
        #expect(plain.count == 4)
        #expect(try folder.load(.imagenet).fingerprint == plain.fingerprint)
    }

    @Test func theTableThatListsTheImagesCounts() throws {
        let folder = try DatasetFolder()
        for wnid in wnids { try folder.writeImages(["train/\(wnid)/1.JPEG"]) }
        try folder.writeImages(["val/ILSVRC2012_val_00000001.JPEG"])
        try folder.write("ImageId,PredictionString\nother,n01443537 1 1 5 5 \n", to: "LOC_val_solution.csv")
        try folder.write(
            "ImageId,PredictionString\nILSVRC2012_val_00000001,n01629819 1 1 5 5 \n", to: "ILSVRC/LOC_val_solution.csv")
        #expect(try folder.load(.imagenet).test.map(\.path) == ["val/n01629819/ILSVRC2012_val_00000001.JPEG"])
    }
}
