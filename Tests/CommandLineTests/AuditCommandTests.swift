import Foundation
import Testing

@Suite struct AuditCommandTests {
    @Test func anAuditSaysWhatIsInADatasetAndWhatIsWrong() throws {
        let folder = try Folder()
        try Tool.infodisent.succeed(
            "generate", "--output", "birds", "--classes", "3", "--train", "4", "--test", "2", "--side", "128",
            in: folder)
        let healthy = try Tool.infodisent.run(["audit", "--dataset", "birds", "--strict"], in: folder)
        #expect(healthy.exitCode == 0 && healthy.output.contains("Nothing is wrong with it."), "\(healthy)")
        #expect(healthy.output.contains("the built-in part data set: found dataset.json and annotations.jsonl"))
        #expect(healthy.output.contains("train            12          3        4-4"), "\(healthy.output)")

        // A test image among the training images, and half an image.
        let names = try folder.contents(of: "birds/test").keys.sorted()
        try folder.copy("birds/test/\(names[0])", to: "birds/train/\(names[0].split(separator: "/")[0])/9999.jpg")
        let bytes = try folder.bytes("birds/test/\(names[1])")
        try folder.write(bytes.prefix(bytes.count / 2), to: "birds/test/\(names[1])")
        let text = try Tool.infodisent.succeed(
            "audit", "--dataset", "birds", "--json", "--output", "page", "--threads", "2", in: folder)
        let report = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let findings = try #require(report["findings"] as? [[String: Any]])
        #expect(findings.compactMap { $0["kind"] as? String } == ["truncated", "leak"])
        #expect(findings.allSatisfy { $0["severity"] as? String == "error" && $0["count"] as? Int == 1 })
        #expect((report["formats"] as? [String: Int]) == ["jpeg": 19])
        let page = try folder.text("page/index.html")
        #expect(page.contains("in the training and in the test images") && page.contains("data:image/jpeg;base64,"))
        #expect(page.contains("no picture") && !page.contains("http://") && !page.contains("https://"))
        #expect(try Tool.infodisent.run(["audit", "--dataset", "birds", "--strict"], in: folder).exitCode == 65)
        #expect(try Tool.infodisent.run(["audit", "--dataset", "birds"], in: folder).exitCode == 0)
    }

    @Test func whatIsMissingEndsWithItsExitCode() throws {
        let folder = try Folder()
        try folder.write(Data("1 a/1.jpg\n".utf8), to: "birds/images.txt")
        try folder.write(Data("1 1\n".utf8), to: "birds/train_test_split.txt")
        let missing = try Tool.infodisent.run(["audit", "--dataset", "birds"], in: folder)
        #expect(missing.exitCode == 66 && missing.errors.contains("CUB-200-2011 needs classes.txt"), "\(missing)")
        #expect(missing.errors.contains("CUB_200_2011.tgz") && missing.output.isEmpty)
        try folder.write(Data("one\n".utf8), to: "birds/classes.txt")
        for name in ["image_class_labels.txt", "bounding_boxes.txt", "parts/parts.txt", "parts/part_locs.txt"] {
            try folder.write(Data("1 1\n".utf8), to: "birds/\(name)")
        }
        let broken = try Tool.infodisent.run(["audit", "--dataset", "birds"], in: folder)
        #expect(broken.exitCode == 65 && broken.errors.contains("classes.txt, line 1: it has 1 fields"), "\(broken)")
        #expect(try Tool.infodisent.run(["audit", "--dataset", "nowhere"], in: folder).exitCode == 66)
        #expect(try Tool.infodisent.run(["audit"], in: folder).exitCode == 64)
        #expect(
            try Tool.infodisent.run(["audit", "--dataset", "birds", "--config", "x.yaml"], in: folder).exitCode == 64)
    }

    private func move(_ name: String, to other: String, in folder: Folder) throws {
        try FileManager.default.moveItem(at: folder.url(name), to: folder.url(other))
    }

    /// An audit opens with what was found, and its counts add up.
    @Test func itOpensWithWhatWasFound() throws {
        let folder = try Folder()
        try Tool.infodisent.succeed(
            "generate", "--output", "birds", "--classes", "2", "--train", "4", "--test", "2", "--side", "128",
            in: folder)
        for name in ["dataset.json", "annotations.jsonl"] { try folder.remove("birds/\(name)") }
        let name = try #require(try folder.contents(of: "birds/train").keys.sorted().first)
        try folder.write(
            Data("version https://git-lfs.github.com/spec/v1\noid sha256:00\n".utf8), to: "birds/train/\(name)")
        let audit = try Tool.infodisent.run(["audit", "--dataset", "birds"], in: folder)
        let lines = audit.output.split(separator: "\n")
        #expect(
            lines.count > 2 && lines[1].hasPrefix("class folders: found train/ and test/ with a folder for each class"),
            "\(audit)")
        #expect(lines.contains("formats: 11 jpeg, 1 of no format that is read"), "\(audit)")
        #expect(audit.output.contains("a Git LFS pointer, not the image"))
        #expect(!audit.output.contains("found no files"))
    }

    @Test func aFolderTooHighAndPartsUnderOtherNamesAreNoted() throws {
        let folder = try Folder()
        try Tool.infodisent.succeed(
            "generate", "--output", "archive/birds", "--classes", "2", "--train", "3", "--test", "2", "--side", "128",
            in: folder)
        for name in ["dataset.json", "annotations.jsonl"] { try folder.remove("archive/birds/\(name)") }
        for (old, new) in [("train", "Training"), ("test", "Validation")] {
            try move("archive/birds/\(old)", to: "archive/birds/\(new)", in: folder)
        }
        let audit = try Tool.infodisent.run(["audit", "--dataset", "archive"], in: folder)
        #expect(audit.exitCode == 0 && audit.output.contains("found Training/ and Validation/"), "\(audit)")
        #expect(audit.output.contains("note: ") && audit.output.contains("holds nothing but one folder"))
        #expect(audit.output.contains("train             6          2        3-3"), "\(audit)")
        try folder.remove("archive/birds/Validation")
        let half = try Tool.infodisent.run(["audit", "--dataset", "archive"], in: folder)
        #expect(half.exitCode == 65 && half.errors.contains("no test, val or valid folder"), "\(half)")
    }

    /// Names of files and classes come from anywhere.
    @Test func namesReachATerminalWithoutControlCharacters() throws {
        let folder = try Folder()
        let evil = "crow\u{1B}]0;owned\u{7}"
        for name in [evil, "wren"] {
            for image in 1...2 { try folder.write(Data("no image".utf8), to: "birds/\(name)/\(image)\u{9B}.jpg") }
        }
        let audit = try Tool.infodisent.run(["audit", "--dataset", "birds"], in: folder)
        #expect(audit.exitCode == 0 && audit.output.contains("crow\\u{1b}]0;owned"), "\(audit)")
        for text in [audit.output, audit.errors] {
            #expect(!text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{7}" || $0 == "\u{9B}" })
        }
    }

    /// A spreadsheet runs what begins like a formula.
    @Test func tablesOfPredictionsHoldNoFormulas() throws {
        let folder = try Folder()
        try Tool.infodisent.succeed(
            "generate", "--output", "birds", "--classes", "2", "--train", "4", "--test", "2", "--side", "128",
            in: folder)
        for name in ["dataset.json", "annotations.jsonl"] { try folder.remove("birds/\(name)") }
        let classes = Set(try folder.contents(of: "birds/train").keys.map { $0.split(separator: "/")[0] }).sorted()
        for part in ["train", "test"] {
            try move("birds/\(part)/\(classes[0])", to: "birds/\(part)/=1+1", in: folder)
            try move("birds/\(part)/\(classes[1])", to: "birds/\(part)/@SUM(1,2)", in: folder)
        }
        let sets = [
            "dataset.root=birds", "run.directory=run", "cache.directory=cache", "training.epochs=1",
            "training.batch_size=8", "evaluation.black_box=false", "backbone.name=demo", "input.resize=64",
            "input.crop=64",
        ]
        try folder.write(Data("run:\n  seed: 0\n".utf8), to: "run.yaml")
        let training = try Tool.infodisent.run(
            ["train", "--config", "run.yaml"] + sets.flatMap { ["--set", $0] }, in: folder)
        #expect(training.exitCode == 0, "\(training)")
        try Tool.infodisent.succeed("evaluate", "--checkpoint", "run", "--predictions", "p.csv", in: folder)
        let lines = try folder.text("p.csv").components(separatedBy: "\r\n").dropFirst().filter { !$0.isEmpty }
        #expect(lines.count == 4)
        for line in lines {
            #expect(line.contains(",'=1+1,") || line.contains(",\"'@SUM(1,2)\","), "\(line)")
            #expect(!line.contains(",=") && !line.contains(",\"@") && !line.contains(",\"="), "\(line)")
        }
    }
}
