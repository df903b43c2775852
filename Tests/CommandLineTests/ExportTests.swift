import Checkpoints
import Foundation
import SystemPackage
import Testing
import WeightFiles

/// `infodisent export` and `infodisent edit`: what becomes of a trained head.
@Suite(.serialized) struct ExportTests {
    private func head(_ folder: Folder, _ run: String = "run") throws -> Checkpoint {
        try Checkpoint(reading: CheckpointStore.resolve(folder.path.appending(run)))
    }

    private func edits(_ folder: Folder, _ channels: String, _ more: String = "") throws {
        let digest = try head(folder).headDigest.hexadecimal
        try folder.write(
            Data(
                #"{"schema": "infodisent-edits-1", "checkpoint": "\#(digest)", "channels": {\#(channels)}\#(more)}"#
                    .utf8),
            to: "edits.json")
    }

    @Test func aHeadIsExportedFromTheCheckpointAlone() throws {
        let folder = try SmallExperiment.trainedFolder()
        try folder.remove("birds")
        try folder.remove("features")
        let output = try Tool.infodisent.succeed(
            "export", "--checkpoint", "run", "--output", "head.safetensors", "--onnx", "head.onnx", in: folder)
        #expect(output == "head.safetensors\nhead.onnx\n")
        let checkpoint = try head(folder)
        let file = try SafetensorsFile(folder.path.appending("head.safetensors"))
        #expect(try file.floats("channel_map") == checkpoint.channelMap)
        #expect(try file.floats("classifier") == checkpoint.classifier)
        #expect(try file.floats("classifier_bias") == checkpoint.bias)
        #expect(file.metadata["head_sha256"] == checkpoint.headDigest.hexadecimal)
        #expect(file.metadata["training_pooling"] == "annealed" && file.metadata["pooling"] == "maximum")
        let names = try JSONDecoder().decode([String].self, from: Data(try #require(file.metadata["class_names"]).utf8))
        #expect(names == checkpoint.state.classNames)
        // A message of ONNX: its version, 7, is its first field.
        #expect(try folder.bytes("head.onnx").prefix(2) == Data([0x08, 0x07]))
        let last = try Tool.infodisent.run(["export", "--checkpoint", "run", "--onnx", "head.onnx"], in: folder)
        #expect(last.exitCode == 64 && last.errors.contains("head.onnx is there already"))
        try Tool.infodisent.succeed("export", "--checkpoint", "run", "--onnx", "head.onnx", "--force", in: folder)
    }

    @Test func anEditedHeadIsARunThatEveryCommandTakes() throws {
        let folder = try SmallExperiment.trainedFolder()
        let count = try head(folder).channelCount
        // All but the bias.
        try edits(folder, (0..<count).map { "\"\($0)\": 0.0" }.joined(separator: ", "))
        let table = try Tool.infodisent.run(
            ["edit", "--checkpoint", "run", "--edits", "edits.json", "--output", "none", "--json"], in: folder)
        #expect(table.exitCode == 0, "\(table.errors)")
        let figures = try #require(try JSONSerialization.jsonObject(with: Data(table.output.utf8)) as? [String: Any])
        #expect((figures["after"] as? [String: Double])?["top1"] == 0.25 && figures["test_image_count"] as? Int == 20)
        func top1(_ run: String) throws -> Double? {
            let outcome = try Tool.infodisent.run(
                ["evaluate", "--checkpoint", run, "--json", "--set", "evaluation.black_box=false"], in: folder)
            #expect(outcome.exitCode == 0, "\(outcome.errors)")
            let result = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
            return (result?["head"] as? [String: Double])?["top1"]
        }
        #expect(try top1("none") == 0.25)
        #expect(try top1("run") == (figures["before"] as? [String: Double])?["top1"])
        try edits(folder, "\"3\": 0.5", #", "classes": {"1": {"4": 2}}"#)
        let text = try Tool.infodisent.run(
            ["edit", "--checkpoint", "run", "--edits", "edits.json", "--output", "edited"], in: folder)
        #expect(text.exitCode == 0 && text.output.contains("before") && text.output.contains("weights changed"))
        let (plain, edited) = try (head(folder), head(folder, "edited"))
        for label in 0..<4 {
            for channel in 0..<count {
                let factor: Float = channel == 3 ? 0.5 : label == 1 && channel == 4 ? 2 : 1
                let index = label * count + channel
                #expect(edited.classifier[index] == factor * plain.classifier[index])
            }
        }
        let inspection = try Tool.inspect.succeed("edited", in: folder)
        #expect(inspection.contains("channel 3 by 0.5; of class 1, channel 4 by 2.0"), "\(inspection)")
        try Tool.inspect.succeed("edited", "--verify", in: folder)
        let image = try #require(
            FileManager.default.contentsOfDirectory(atPath: folder.url("birds/test").path).sorted().first)
        for arguments in [
            ["prototypes", "--checkpoint", "edited", "--output", "p"],
            ["explain", "--checkpoint", "edited", "--output", "e", "birds/test/\(image)/0000.jpg"],
            ["predict", "--checkpoint", "edited", "birds/test"],
            ["export", "--checkpoint", "edited", "--output", "h.safetensors"],
        ] {
            let outcome = try Tool.infodisent.run(arguments, in: folder)
            #expect(outcome.exitCode == 0, "\(arguments[0]): \(outcome.errors)")
        }
        // No training goes on from it; one may begin with it.
        for arguments in [
            ["train", "--config", "small.yaml", "--set", "run.directory=edited"],
            ["train", "--config", "small.yaml", "--set", "run.directory=other", "--resume", "edited"],
        ] {
            let outcome = try Tool.infodisent.run(arguments, in: folder)
            #expect(
                outcome.exitCode == 78 && outcome.errors.contains("was edited after its training"), "\(outcome.errors)")
        }
        let start = try Tool.infodisent.run(
            ["train", "--config", "small.yaml", "--set", "run.directory=next", "--set", "head.start=edited"], in: folder
        )
        #expect(start.exitCode == 0, "\(start.errors)")
    }

    @Test(.enabled(if: Mpirun.isRunnable)) func anyNumberOfRanksEditsTheSame() throws {
        let folder = try SmallExperiment.trainedFolder()
        try edits(folder, "\"0\": 0.0, \"1\": 3.0, \"7\": 0.0")
        let arguments = ["edit", "--checkpoint", "run", "--edits", "edits.json", "--json", "--output"]
        let one = try Tool.infodisent.run(arguments + ["one"], in: folder)
        let three = try Mpirun.run(ranks: 3, arguments + ["two"], in: folder)
        #expect(one.exitCode == 0 && three.exitCode == 0, "\(one.errors)\(three.errors)")
        #expect(three.output.replacingOccurrences(of: "two/", with: "one/") == one.output)
        #expect(try folder.contents(of: "one/checkpoints") == folder.contents(of: "two/checkpoints"))
    }

    @Test func wrongUseAndListsOfOtherHeadsAreRefused() throws {
        let folder = try SmallExperiment.trainedFolder()
        let edit = ["edit", "--checkpoint", "run", "--edits", "edits.json", "--output"]
        func expect(_ arguments: [String], _ code: Int32, _ text: String) throws {
            let outcome = try Tool.infodisent.run(arguments, in: folder)
            #expect(outcome.exitCode == code && outcome.errors.contains(text), "\(arguments): \(outcome.errors)")
            #expect(outcome.output.isEmpty && !folder.exists("new"))
        }
        try expect(edit + ["new"], 66, "edits.json")
        try edits(folder, "\"3\": -1")
        try expect(edit + ["new"], 65, "from 0 to 1000")
        try edits(folder, "\"300\": 0")
        try expect(edit + ["new"], 65, "300")
        try edits(folder, "\"3\": 1")
        try expect(edit + ["new"], 65, "change no weight")
        try folder.write(
            Data(
                #"{"schema": "infodisent-edits-1", "checkpoint": "\#(String(repeating: "a", count: 64))", "channels": {}}"#
                    .utf8),
            to: "edits.json")
        try expect(edit + ["new"], 65, "but this checkpoint's head is")
        try edits(folder, "\"3\": 0")
        try expect(edit + ["run"], 64, "holds a run already")
        try expect(edit + ["birds/new"], 78, "lies inside the dataset")
        try expect(["export", "--checkpoint", "run"], 64, "--output, --onnx or both")
        try expect(["export", "--checkpoint", "run", "--output", "a", "--onnx", "a"], 64, "same file")
        try expect(["export", "--checkpoint", "run", "--output", "nowhere/h.safetensors"], 66, "nowhere")
        try expect(["export", "--checkpoint", "run", "--output", "h", "--layout", "nchw"], 64, "--layout belongs")
        try expect(["export", "--checkpoint", "birds", "--output", "h"], 66, "birds holds no checkpoint")
    }
}
