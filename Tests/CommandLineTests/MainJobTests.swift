import Foundation
import SystemPackage
import Testing
import WeightFiles

@Suite struct MainJobTests {
    @Test func aModelIsTrainedEvaluatedAndExplained() throws {
        let folder = try SmallExperiment.trainedFolder()

        let summary = try json(Tool.infodisent.succeed("evaluate", "--checkpoint", "run", "--json", in: folder))
        #expect(summary["test_image_count"] as? Int == 20)
        #expect(summary["class_count"] as? Int == 4)
        let head = try #require(summary["head"] as? [String: Double])
        let blackBox = try #require(summary["black_box"] as? [String: Double])
        #expect(try #require(head["top1"]) > 0.5, "four classes, so chance is 0.25")
        #expect(try #require(blackBox["top1"]) > 0.5)
        #expect(summary["own_last_layer"] == nil, "the demo backbone has none")

        try Tool.infodisent.succeed("prototypes", "--checkpoint", "run", "--output", "prototypes", in: folder)
        let table = try json(folder.text("prototypes/prototypes.json"))
        #expect((table["channels"] as? [[String: Any]])?.isEmpty == false)

        let images = try testImages(folder)
        try Tool.infodisent.run(
            ["explain", "--checkpoint", "run", "--output", "explanation"] + images, in: folder)
        let explanations = try #require(
            try JSONSerialization.jsonObject(with: folder.bytes("explanation/explanations.json")) as? [[String: Any]])
        #expect(explanations.count == images.count)
        for explanation in explanations {
            let logit = try #require(explanation["logit"] as? Double)
            let contributions = try #require(explanation["contributions"] as? [[String: Any]])
            let bias = try #require(explanation["bias"] as? Double)
            let sum = contributions.reduce(bias) { $0 + ($1["contribution"] as? Double ?? .nan) }
            #expect(abs(sum - logit) <= 1e-4 * abs(logit))
        }
        for page in ["prototypes/index.html", "explanation/index.html"] {
            let text = try folder.text(page)
            #expect(text.contains("default-src 'none'"))
            #expect(!text.contains("http:") && !text.contains("https:"), "\(page) needs other files")
        }
    }

    @Test func aReportShowsTheWholeModelAndItsNumbersAreThoseOfTheCommands() throws {
        let folder = try SmallExperiment.trainedFolder()
        let summary = try json(Tool.infodisent.succeed("evaluate", "--checkpoint", "run", "--json", in: folder))
        try folder.write(Data("3: \"<b>dotted</b> wing\"\n".utf8), to: "run/names.yaml")
        let text = try Tool.infodisent.succeed(
            "report", "--checkpoint", "run", "--output", "report", "--images", "5", "--json", in: folder)
        let report = try json(text)
        #expect(report["evaluation"] as? NSDictionary == summary as NSDictionary)
        #expect((report["images"] as? [Any])?.count == 5 && (report["classes"] as? [Any])?.count == 4)
        #expect((report["channel_names"] as? [String: String]) == ["3": "<b>dotted</b> wing"])
        #expect(!(try #require(report["epochs"] as? [Any])).isEmpty)
        let overview = try folder.text("report/files/data/overview.js")
        #expect(overview.hasPrefix("infodisent(\"overview\",{") && !overview.contains("<"))
        let page = try folder.text("report/index.html")
        #expect(!page.contains("http:") && !page.contains("https:"))

        let again = ["report", "--checkpoint", "run", "--output", "report"]
        #expect(try Tool.infodisent.run(again, in: folder).exitCode == 64, "it is there already")
        try Tool.infodisent.succeed(
            "report", "--checkpoint", "run", "--output", "one", "--images", "2", "--single-file", in: folder)
        #expect(!folder.exists("one/files") && folder.exists("one/index.html"))
        try folder.write(Data("999: wing\n".utf8), to: "bad.yaml")
        let bad = try Tool.infodisent.run(
            ["report", "--checkpoint", "run", "--output", "bad", "--names", "bad.yaml"], in: folder)
        #expect(bad.exitCode == 65 && bad.errors.contains("channel 999 is none of the"))
        try folder.write(Data("{}".utf8), to: "card.json")
        let card = ["report", "--checkpoint", "run", "--output", "bad", "--scorecard", "card.json"]
        #expect(try Tool.infodisent.run(card, in: folder).exitCode == 65)
        #expect(!folder.exists("bad"))
    }

    @Test func twoClassesAreHeldAgainstEachOther() throws {
        let folder = try SmallExperiment.trainedFolder()
        let image = try #require(try testImages(folder).first)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.url("birds/test").path).sorted()
        try Tool.infodisent.succeed(
            "explain", "--checkpoint", "run", "--output", "why", "--class", names[0], "--versus", names[2], image,
            in: folder)
        #expect(try folder.text("why/index.html").contains("\"versus\":2"))
        let unknown = ["explain", "--checkpoint", "run", "--output", "other", "--versus", "nothing", image]
        #expect(try Tool.infodisent.run(unknown, in: folder).exitCode == 64)
    }

    @Test func thePredictionsAreWrittenForEveryTestImage() throws {
        let folder = try SmallExperiment.trainedFolder()
        let summary = try json(
            Tool.infodisent.succeed(
                "evaluate", "--checkpoint", "run/checkpoints", "--json", "--predictions", "predictions.csv", "--set",
                "evaluation.black_box=false", in: folder))
        let lines = try folder.text("predictions.csv").components(separatedBy: "\r\n").filter { !$0.isEmpty }
        #expect(lines[0] == "path,class,predicted_class,probability,correct,explanation_size")
        #expect(lines.count == 21)
        let correctCount = lines.count { $0.contains(",true,") }
        #expect((summary["head"] as? [String: Double])?["top1"] == Double(correctCount) / 20)
        #expect(summary["black_box"] == nil)
    }

    @Test(arguments: [4, 5])
    func theNetworksOwnLastLayerIsEvaluatedWhereItHasTheDatasetsClasses(classCount: Int) throws {
        let folder = try SmallExperiment.folder()
        let demo = try SafetensorsFile(FilePath(Tool.demoBackbone.path))
        var entries = try demo.entries.map { entry in
            SafetensorsWriter.Entry(
                name: entry.name, elementType: entry.elementType, shape: entry.shape,
                elements: try demo.withBytes(of: entry.name) { Array($0) })
        }
        // It takes everything for the second class.
        entries.append(.floats("fc.weight", [classCount, 192], [Float](repeating: 0, count: classCount * 192)))
        entries.append(.floats("fc.bias", [classCount], [0, 1] + [Float](repeating: 0, count: classCount - 2)))
        try SafetensorsWriter.write(
            entries, metadata: demo.metadata, to: FilePath(folder.url("own.safetensors").path))
        try Tool.infodisent.succeed(
            "train", "--config", "small.yaml", "--set", "backbone.name=resnet_described", "--set",
            "backbone.weights=own.safetensors", "--set", "cache.directory=own-features", "--set",
            "cache.location=shared", in: folder)
        let summary = try json(Tool.infodisent.succeed("evaluate", "--checkpoint", "run", "--json", in: folder))
        let table = try Tool.infodisent.succeed("evaluate", "--checkpoint", "run", in: folder)
        if classCount == 4 {
            #expect((summary["own_last_layer"] as? [String: Double])?["top1"] == 0.25)
            #expect(table.contains(#/own last layer +25\.00 %/#))
        } else {
            #expect(summary["own_last_layer"] == nil && !table.contains("own last layer"))
        }
    }

    @Test func anotherClassThanThePredictedOneCanBeExplained() throws {
        let folder = try SmallExperiment.trainedFolder()
        let image = try #require(try testImages(folder).first)
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.url("birds/test").path).sorted().last)
        try Tool.infodisent.succeed(
            "explain", "--checkpoint", "run", "--output", "explanation", "--class", name, "--channels", "3", image,
            in: folder)
        let text = try folder.text("explanation/explanations.json")
        #expect(text.contains("\"explained_class\" : \"\(name)\""))
        let outcome = try Tool.infodisent.run(
            ["explain", "--checkpoint", "run", "--output", "other", "--class", name + "x", image], in: folder)
        #expect(outcome.exitCode == 64 && outcome.errors.contains(name))
    }

    @Test func aFolderIsExplainedAndWhatIsNoImageInItIsSkippedAndListed() throws {
        let folder = try SmallExperiment.trainedFolder()
        let images = try testImages(folder).map { try Data(contentsOf: folder.url($0)) }
        try folder.write(images[0], to: "photos/a/one.jpg")
        try folder.write(images[1], to: "photos/b/two.jpg")
        try folder.write(Data("no image".utf8), to: "photos/b/three.png")
        // The header is sound, and what follows is not there.
        try folder.write(images[0].prefix(700), to: "photos/b/four.jpg")
        try folder.write(Data("notes".utf8), to: "photos/notes.txt")
        let outcome = try Tool.infodisent.run(
            ["explain", "--checkpoint", "run", "--output", "explanation", "photos"], in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let text = try folder.text("explanation/explanations.json")
        #expect(text.contains("photos/a/one.jpg") && text.contains("photos/b/two.jpg"))
        #expect(!text.contains("three.png"))
        #expect(outcome.errors.contains("Skipped: ") && outcome.errors.contains("three.png"))
        #expect(outcome.errors.contains("of 4 files were skipped"))

        let bad = ["explain", "--checkpoint", "run", "--output", "other"]
        #expect(try Tool.infodisent.run(bad + ["photos/b/three.png"], in: folder).exitCode == 65)
        #expect(try Tool.infodisent.run(bad + ["nowhere.png"], in: folder).exitCode == 66)
        try FileManager.default.createDirectory(at: folder.url("empty"), withIntermediateDirectories: true)
        #expect(try Tool.infodisent.run(bad + ["empty"], in: folder).exitCode == 66)
        #expect(!folder.exists("other"))
    }

    @Test func theInspectorReadsWhatTrainingWrote() throws {
        let folder = try SmallExperiment.trainedFolder()
        let text = try Tool.inspect.succeed("run", "--verify", in: folder)
        #expect(text.contains("ok"))
        #expect(text.contains("channel_map"))
        let description = try Tool.inspect.succeed("run", in: folder)
        for (name, path) in [("dataset in", "birds"), ("features in", "features")] {
            let line = description.split(separator: "\n").first { $0.hasPrefix(name) }
            #expect(line?.hasSuffix(folder.url(path).path) == true, "\(name)")
        }
    }

    @Test func theFolderOneIsInCanBeTheDatasetAndACheckpointCanBeAnywhere() throws {
        let folder = try SmallExperiment.trainedFolder()
        let extraction = ["extract", "--backbone", "demo", "--dataset", ".", "--output", "../own-features"]
        let outcome = try Tool.infodisent.run(extraction, in: folder, from: "birds")
        #expect(outcome.exitCode == 0, "\(outcome.errors)")

        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.url("run/checkpoints").path)
                .filter { $0.hasPrefix("step-") }.max())
        try folder.copy("run/checkpoints/\(name)", to: "taken-along")
        let evaluation = [
            "evaluate", "--checkpoint", "../taken-along", "--set", "dataset.root=.", "--set",
            "cache.directory=../own-features",
        ]
        let evaluated = try Tool.infodisent.run(evaluation, in: folder, from: "birds")
        #expect(evaluated.exitCode == 0, "\(evaluated.errors)")
    }

    @Test func shellsCompleteFilesBackbonesAndKeys() throws {
        let folder = try Folder()
        let script = try Tool.infodisent.succeed("--generate-completion-script", "bash", in: folder)
        #expect(script.contains("yaml") && script.contains("vit_b_16"))
        // As the script asks for the words after --set.
        let keys = try Tool.infodisent.succeed("---completion", "train", "--", "--set", "0", "0", in: folder)
        let lines = keys.split(whereSeparator: \.isNewline)
        #expect(lines.contains("training.epochs=") && lines.contains("cache.precision=f32"))
    }

    @Test func aRunThatIsCompleteSaysSoAndChangesNothing() throws {
        let folder = try SmallExperiment.trainedFolder()
        let before = try folder.contents(of: "run")
        try Tool.infodisent.succeed("train", "--config", "small.yaml", in: folder)
        #expect(try folder.contents(of: "run") == before)
    }

    @Test func aClassFolderTreeWithoutSplitsRunsThrough() throws {
        let folder = try SmallExperiment.folder()
        try FileManager.default.moveItem(at: folder.url("birds/train"), to: folder.url("photos"))
        try Tool.infodisent.succeed(
            "extract", "--backbone", "demo", "--dataset", "photos", "--output", "photo-features", "--precision", "f32",
            in: folder)
        let training = [
            "train", "--config", "small.yaml", "--set", "dataset.root=photos", "--set", "dataset.kind=class_folders",
            "--set", "cache.directory=photo-features", "--set", "cache.precision=f32", "--set",
            "run.directory=photo-run",
        ]
        let unnamed = try Tool.infodisent.run(training, in: folder)
        #expect(unnamed.exitCode == 78 && unnamed.errors.contains("backbone.name is not set"))
        let outcome = try Tool.infodisent.run(training + ["--set", "backbone.name=demo"], in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let summary = try json(Tool.infodisent.succeed("evaluate", "--checkpoint", "photo-run", "--json", in: folder))
        #expect(summary["test_image_count"] as? Int == 12, "a quarter of twelve images of each of four classes")
    }

    @Test func helpAndVersionAreResultsNotErrors() throws {
        let folder = try Folder()
        let help = try Tool.infodisent.run(["--help"], in: folder)
        #expect(help.exitCode == 0 && help.errors.isEmpty)
        for name in ["generate", "extract", "train", "evaluate", "prototypes", "explain", "backbones"] {
            #expect(help.output.contains(name))
            let own = try Tool.infodisent.run([name, "--help"], in: folder)
            #expect(own.exitCode == 0 && own.output.contains("USAGE: infodisent \(name)"))
        }
        let version = try Tool.infodisent.run(["--version"], in: folder)
        #expect(version.exitCode == 0 && version.output.hasSuffix("\n") && version.output.first?.isNumber == true)
        #expect(try Tool.inspect.run(["--help"], in: folder).exitCode == 0)
    }

    @Test func theBackbonesAreListed() throws {
        let folder = try Folder()
        let text = try Tool.infodisent.succeed("backbones", in: folder)
        for name in ["demo", "resnet18", "resnet50", "resnet152"] { #expect(text.contains(name)) }
        let list = try #require(
            try JSONSerialization.jsonObject(
                with: Data(Tool.infodisent.succeed("backbones", "--json", in: folder).utf8)) as? [[String: Any]])
        let resnet50 = try #require(list.first { $0["name"] as? String == "resnet50" })
        let map = try #require(resnet50["feature_map"] as? [String: Int])
        #expect(map == ["height": 7, "width": 7, "channel_count": 2048])
        let presets = try #require(resnet50["presets"] as? [[String: Any]])
        #expect(presets.first?["name"] as? String == "torchvision-v1")
        #expect((presets[1]["input"] as? [String: Any])?["resize"] as? Int == 232)
        #expect(text.contains("torchvision-v2"))
    }

    @Test func aWeightFileIsRecognised() throws {
        let folder = try Folder()
        let weights = Tool.demoBackbone.path
        let list = try #require(
            try JSONSerialization.jsonObject(
                with: Data(
                    Tool.infodisent.succeed("backbones", "--fitting", weights, "--json", in: folder).utf8))
                as? [[String: Any]])
        #expect(list.map { $0["name"] as? String } == ["demo"])
    }

    private func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// One test image of each class.
    private func testImages(_ folder: Folder) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.url("birds/test").path).sorted().map { name in
            let file = try FileManager.default.contentsOfDirectory(atPath: folder.url("birds/test/\(name)").path)
            return "birds/test/\(name)/\(file.sorted()[0])"
        }
    }
}
