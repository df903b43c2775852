import Datasets
import Foundation
import SystemPackage
import Testing

/// The official annotation files themselves, where they are at hand: in ../shared/annotations beside the repository, or in
/// the folder that the environment variable INFODISENT_ANNOTATIONS names. Images are stood in for by empty files.
private let annotations: FilePath? = {
    let repository = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
    let candidates =
        [ProcessInfo.processInfo.environment["INFODISENT_ANNOTATIONS"].map { FilePath($0) }]
        + ["../shared/annotations", "../../shared/annotations"].map {
            repository.pushing(FilePath($0)).lexicallyNormalized()
        }
    return candidates.compactMap { $0 }.first { FileManager.default.fileExists(atPath: $0.string) }
}()

@Suite(.enabled(if: annotations != nil)) struct OfficialAnnotationsTests {
    private func link(_ name: String, into folder: DatasetFolder) throws {
        let target = folder.place(name)
        try FileManager.default.createDirectory(
            atPath: target.removingLastComponent().string, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: target.string, withDestinationPath: annotations!.pushing(FilePath(name)).string)
    }

    @Test func caltechBirds() throws {
        let folder = try DatasetFolder()
        for name in [
            "images.txt", "classes.txt", "image_class_labels.txt", "train_test_split.txt", "bounding_boxes.txt",
            "parts/parts.txt",
            "parts/part_locs.txt",
        ] { try link("CUB_200_2011/" + name, into: folder) }
        let list = try String(contentsOfFile: folder.place("CUB_200_2011/images.txt").string, encoding: .utf8)
        for line in list.split(separator: "\n") {
            let path = folder.place("CUB_200_2011/images/\(line.split(separator: " ")[1])")
            if !FileManager.default.createFile(atPath: path.string, contents: nil) {
                try FileManager.default.createDirectory(
                    atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
                _ = FileManager.default.createFile(atPath: path.string, contents: nil)
            }
        }
        let dataset = try folder.load()
        #expect(dataset.kind == "cub" && dataset.train.count == 5994 && dataset.test.count == 5794)
        #expect(dataset.classNames.count == 200 && dataset.classNames[199] == "200.Common_Yellowthroat")
        #expect(dataset.classNames == dataset.classNames.sorted())
        #expect(dataset.partNames.count == 15 && dataset.partNames[6] == "left eye")
        let samples = dataset.train + dataset.test
        #expect(samples.reduce(0) { $0 + $1.parts!.count { !$0.isVisible } } == 35_413)
        // Every visible part is in the box of its bird.
        for sample in samples {
            let box = try #require(try dataset.boxes(of: sample)?.first)
            for part in sample.parts! where part.isVisible {
                #expect(
                    part.x >= box.x && part.x <= box.x + box.width && part.y >= box.y && part.y <= box.y + box.height)
            }
        }
        #expect(try folder.load { $0.crop = .box }.fingerprint != dataset.fingerprint)
    }

    @Test func stanfordCars() throws {
        let folder = try DatasetFolder()
        for name in ["cars_meta.mat", "cars_train_annos.mat", "cars_test_annos.mat"] {
            try link("stanford_cars/devkit/\(name)", into: folder)
        }
        for (name, count) in [("cars_train", 8144), ("cars_test", 8041)] {
            let images = folder.place("stanford_cars/\(name)")
            try FileManager.default.createDirectory(atPath: images.string, withIntermediateDirectories: true)
            for number in 1...count {
                let digits = String(number)
                _ = FileManager.default.createFile(
                    atPath: images.appending(String(repeating: "0", count: 5 - digits.count) + digits + ".jpg").string,
                    contents: nil)
            }
        }
        folder.expectError(.auto, exitCode: 66, naming: "cars_test_annos_withlabels.mat")
        let dataset = try folder.load { $0.split = .validation }
        #expect(dataset.train.count + dataset.test.count == 8144 && dataset.classNames.count == 196)
        #expect(
            dataset.classNames[0] == "AM General Hummer SUV 2000"
                && dataset.classNames[5] == "Acura Integra Type R 2001")
        #expect(
            dataset.classNames.contains { $0.hasPrefix("Ram C/V") } && dataset.classNames != dataset.classNames.sorted()
        )
        let first = try #require((dataset.train + dataset.test).first { $0.path == "cars_train/00001.jpg" })
        #expect(first.label == 13 && first.boxes == [BoundingBox(x: 38, y: 115, width: 531, height: 260)])
    }
}
