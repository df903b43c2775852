import Foundation
import Testing

/// `infodisent predict` and `infodisent evaluate --dataset`: a head on images that need not be of its dataset.
@Suite(.serialized) struct PredictTests {
    /// A trained model, and beside it `photos` with images in two folders and one file that is none.
    private func photos() throws -> Folder {
        let folder = try SmallExperiment.trainedFolder()
        let classes = try FileManager.default.contentsOfDirectory(atPath: folder.url("birds/test").path).sorted()
        try folder.write(Data("no picture".utf8), to: "photos/a/broken.jpg")
        for (index, name) in classes.enumerated() {
            for number in 0..<4 {
                let bytes = try folder.bytes("birds/test/\(name)/000\(number).jpg")
                try folder.write(bytes, to: "photos/\(index < 2 ? "a" : "b")/\(index)-\(number).jpg")
            }
        }
        return folder
    }

    @Test func aFolderIsPredictedInOrderAndWhatIsNoImageIsALine() throws {
        let folder = try photos()
        let outcome = try Tool.infodisent.run(
            ["predict", "--checkpoint", "run", "--csv", "--top", "2", "--explain", "3", "photos"], in: folder)
        #expect(
            outcome.exitCode == 65 && outcome.errors.contains("1 of 17 images could not be read"), "\(outcome.errors)")
        let lines = outcome.output.components(separatedBy: "\r\n")
        #expect(lines.count == 19 && lines[18].isEmpty)
        let header = lines[0].components(separatedBy: ",")
        #expect(header.count == 2 + 2 * 3 + 3 * 9)
        #expect(header.prefix(5) == ["path", "error", "class_1", "probability_1", "logit_1"])
        let paths = lines[1..<18].map { $0.components(separatedBy: ",")[0] }
        #expect(paths == paths.sorted() && paths.last == "photos/b/3-3.jpg")
        let broken = try #require(lines.first { $0.hasPrefix("photos/a/broken.jpg") })
        #expect(broken.contains("broken.jpg") && broken.hasSuffix(String(repeating: ",", count: 33)))
        // Four training classes that are easy to tell apart.
        let json = try Tool.infodisent.run(
            ["predict", "--checkpoint", "run", "--json", "--explain", "1", "photos/b"], in: folder)
        #expect(json.exitCode == 0)
        for (index, line) in json.output.split(separator: "\n").enumerated() {
            let record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let classes = try #require(record["classes"] as? [[String: Any]])
            #expect(classes.count == 4 && (classes[0]["label"] as? Int) == 2 + index / 4)
            let probabilities = classes.compactMap { $0["probability"] as? Double }
            #expect(abs(probabilities.reduce(0, +) - 1) < 1e-5)
            let channels = try #require(record["channels"] as? [[String: Any]])
            let box = try #require(channels[0]["box"] as? [String: Int])
            #expect(box["x"]! >= 0 && box["x"]! + box["width"]! <= 128 && box["width"]! > 0)
        }
        let text = try Tool.infodisent.run(["predict", "--checkpoint", "run", "photos/a/0-0.jpg"], in: folder)
        #expect(text.exitCode == 0 && text.output.hasPrefix("photos/a/0-0.jpg: ") && text.output.contains("%)"))
    }

    @Test(.enabled(if: Mpirun.isRunnable)) func anyNumberOfRanksPrintsTheBytesOfOneProcess() throws {
        let folder = try photos()
        // More than a round of four ranks takes, with an image that is not there among them.
        let names = (0..<300).map { "photos/\($0 % 2 == 0 ? "a" : "b")/\($0 % 2 * 2)-\($0 % 4).jpg" }
        try folder.write(Data((names + ["photos/gone.jpg"]).joined(separator: "\n").utf8), to: "list.txt")
        let arguments = ["predict", "--checkpoint", "run", "--csv", "--explain", "2", "list.txt", "photos"]
        let one = try Tool.infodisent.run(arguments, in: folder)
        #expect(one.exitCode == 65 && one.output.components(separatedBy: "\r\n").count == 1 + 301 + 17 + 1)
        for ranks in [2, 4] {
            let several = try Mpirun.run(ranks: ranks, arguments, in: folder)
            #expect(several.exitCode == 65 && several.output == one.output, "\(ranks) ranks: \(several.errors)")
        }
        let evaluation = ["evaluate", "--checkpoint", "run", "--dataset", "birds", "--json", "--predictions"]
        let alone = try Tool.infodisent.run(evaluation + ["one.csv"], in: folder)
        #expect(alone.exitCode == 0, "\(alone.errors)")
        let three = try Mpirun.run(ranks: 3, evaluation + ["three.csv"], in: folder)
        #expect(three.exitCode == 0 && three.output == alone.output, "\(three.errors)")
        #expect(try folder.bytes("three.csv") == folder.bytes("one.csv"))
    }

    @Test func aListComesFromStandardInputAndNeitherDatasetNorCacheIsNeeded() throws {
        let folder = try photos()
        try folder.remove("birds")
        try folder.remove("features")
        try folder.write(Data("photos/b/3-1.jpg\nphotos/a/0-2.jpg\n".utf8), to: "names")
        let program = Tool.products.appending(path: Tool.infodisent.rawValue).path
        let outcome = try Tool.finish(
            Tool.start(
                URL(fileURLWithPath: "/bin/sh"),
                ["-c", "'\(program)' predict --checkpoint run --csv --top 1 - < names"],
                in: folder), in: folder)
        let lines = outcome.output.components(separatedBy: "\r\n")
        #expect(outcome.exitCode == 0 && lines.count == 4, "\(outcome.errors)")
        #expect(lines[1].hasPrefix("photos/b/3-1.jpg,,") && lines[2].hasPrefix("photos/a/0-2.jpg,,"))
    }

    @Test func anotherDatasetIsMatchedByTheNamesOfItsClasses() throws {
        let folder = try SmallExperiment.trainedFolder()
        let own = try Tool.infodisent.run(
            ["evaluate", "--checkpoint", "run", "--json", "--set", "evaluation.black_box=false"], in: folder)
        let test = try Tool.infodisent.run(
            ["evaluate", "--checkpoint", "run", "--json", "--dataset", "birds"], in: folder)
        #expect(test.exitCode == 0, "\(test.errors)")
        func figures(_ output: String) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
        }
        let (expected, found) = (try figures(own.output), try figures(test.output))
        #expect(found["test_image_count"] as? Int == 20 && found["evaluated_class_count"] as? Int == 4)
        #expect((found["head"] as? [String: Double]) == (expected["head"] as? [String: Double]))
        #expect(found["mean_explanation_size"] as? Double == expected["mean_explanation_size"] as? Double)
        // Class folders without a split: all of their images. One class is called otherwise.
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.url("birds/test").path).sorted()
        for name in names {
            try folder.copyTree("birds/test/\(name)", to: "others/\(name == names[0] ? "stranger" : name)")
        }
        let refused = try Tool.infodisent.run(["evaluate", "--checkpoint", "run", "--dataset", "others"], in: folder)
        #expect(refused.exitCode == 65 && refused.output.isEmpty)
        for part in ["'stranger'", "'\(names[0])'", "--classes common"] { #expect(refused.errors.contains(part)) }
        let common = try Tool.infodisent.run(
            ["evaluate", "--checkpoint", "run", "--dataset", "others", "--classes", "common"], in: folder)
        #expect(
            common.exitCode == 0 && common.output.contains("15 images in others of 3 of 4 classes"), "\(common.output)")
    }

    @Test func wrongUseIsExplained() throws {
        let folder = try photos()
        for (arguments, code, text) in [
            (["predict", "--checkpoint", "run"], 64, "images"),
            (["predict", "--checkpoint", "run", "--csv", "--json", "photos"], 64, "--csv and --json"),
            (["predict", "--checkpoint", "run", "--top", "0", "photos"], 64, "--top is 0"),
            (["predict", "--checkpoint", "run", "--explain", "-1", "photos"], 64, "--explain"),
            (["predict", "--checkpoint", "run", "none.txt"], 66, "none.txt"),
            (["predict", "--checkpoint", "run", "run/checkpoints"], 66, "run/checkpoints"),
            (["predict", "--checkpoint", "nowhere", "photos"], 66, "nowhere"),
            (["predict", "--checkpoint", "run", "--set", "training.epochs=3", "photos"], 64, "training.epochs"),
            (
                ["predict", "--checkpoint", "run", "--set", "backbone.weights=w.pth", "photos"], 66,
                "backbone.weights=PATH"
            ),
            (["evaluate", "--checkpoint", "run", "--dataset", "nowhere"], 66, "nowhere"),
            (["evaluate", "--checkpoint", "run", "--classes", "common"], 64, "--classes belongs to --dataset"),
            (["evaluate", "--checkpoint", "run", "--dataset", "birds", "--metrics", "all"], 64, "--metrics"),
        ] as [([String], Int32, String)] {
            let outcome = try Tool.infodisent.run(arguments, in: folder)
            #expect(outcome.exitCode == code && outcome.errors.contains(text), "\(arguments): \(outcome.errors)")
            #expect(outcome.output.isEmpty)
        }
        try folder.write(Data([0x61, 0x0A, 0xFF, 0x0A]), to: "bad.txt")
        let outcome = try Tool.infodisent.run(["predict", "--checkpoint", "run", "bad.txt"], in: folder)
        #expect(outcome.exitCode == 65 && outcome.errors.contains("bad.txt, line 2"), "\(outcome.errors)")
    }
}

extension Folder {
    fileprivate func copyTree(_ name: String, to other: String) throws {
        try FileManager.default.createDirectory(
            at: url(other).deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: url(name), to: url(other))
    }
}
