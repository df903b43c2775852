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
}
