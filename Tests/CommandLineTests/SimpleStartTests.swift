import Backbones
import Foundation
import Testing
import WeightFiles

/// From images and a weight file to a trained and evaluated head, without a configuration.
@Suite(.serialized) struct SimpleStartTests {
    /// Class folders of images, and a weight file.
    private func photos() throws -> Folder {
        let folder = try SmallExperiment.folder()
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.url("birds/train").path)
        for name in names {
            for number in 0..<6 {
                try folder.write(
                    folder.bytes("birds/train/\(name)/000\(number).jpg"), to: "my photos/\(name)/\(number).jpg")
            }
        }
        try folder.remove("features")
        try FileManager.default.copyItem(at: Tool.demoBackbone, to: folder.url("weights.safetensors"))
        return folder
    }

    private let few = ["--set", "training.epochs=4"]

    @Test func imagesAndWeightsAreEnough() throws {
        let folder = try photos()
        let outcome = try Tool.infodisent.run(
            ["train", "my photos", "--weights", "weights.safetensors"] + few, in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(
            outcome.output.contains("/runs/my photos/checkpoints/step-") && outcome.output.contains("InfoDisent head"))
        #expect(outcome.errors.contains("infodisent report --checkpoint '"), "\(outcome.errors)")
        let configuration = try folder.text("runs/my photos/config.yaml")
        for line in ["name: demo", "epochs: 4", "batch_size: 32", "root: "] { #expect(configuration.contains(line)) }
        // The run's own configuration does the same.
        let again = try Tool.infodisent.run(["train", "--config", "runs/my photos/config.yaml"], in: folder)
        #expect(again.exitCode == 0 && again.errors.contains("Going on from"), "\(again.errors)")
        let table = try folder.text("runs/my photos/metrics.csv").components(separatedBy: "\r\n")
        #expect(table.count == 6 && table[0].hasPrefix("step,epoch,loss,accuracy") && table[5].isEmpty)
        #expect(table[4].split(separator: ",", omittingEmptySubsequences: false).count == 8)
    }

    @Test func theReportOfARunThatWasEvaluatedFitsNoBlackBoxAgain() throws {
        let folder = try photos()
        let outcome = try Tool.infodisent.run(
            ["train", "my photos", "--weights", "weights.safetensors"] + few, in: folder)
        let note = "Fitting the plain linear classifier"
        #expect(outcome.exitCode == 0 && outcome.errors.contains(note), "\(outcome.errors)")
        let run = "runs/my photos"
        let kept = try folder.bytes("\(run)/black-box.json")
        func figures(_ command: String...) throws -> (blackBox: NSDictionary?, errors: String) {
            let outcome = try Tool.infodisent.run(command + ["--checkpoint", run, "--json"], in: folder)
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
            return ((object["evaluation"] as? [String: Any] ?? object)["black_box"] as? NSDictionary, outcome.errors)
        }
        let report = try figures("report", "--output", "a", "--images", "2")
        #expect(!report.errors.contains(note) && report.blackBox != nil)
        try folder.remove("\(run)/black-box.json")
        let evaluation = try figures("evaluate")
        #expect(evaluation.errors.contains(note) && evaluation.blackBox == report.blackBox)
        #expect(!folder.exists("\(run)/black-box.json"), "evaluation never changes a run")
        // Damaged, or of a fit with another seed, it is not used but made anew.
        let text = String(decoding: kept, as: UTF8.self)
        for other in [
            text.replacing("\"seed\":0", with: "\"seed\":1"),
            text.replacing(#/"counts":\[(\d+),\d+/#) { "\"counts\":[\($0.output.1),1" },
            "{}",
        ] {
            #expect(other != text)
            try folder.write(Data(other.utf8), to: "\(run)/black-box.json")
            let again = try figures("report", "--output", "a", "--images", "2", "--force")
            #expect(again.errors.contains(note) && again.blackBox == report.blackBox)
            #expect(try folder.bytes("\(run)/black-box.json") == kept)
        }
    }

    @Test func aDryRunSaysWhatItWouldDoAndDoesNothing() throws {
        let folder = try photos()
        let before = try folder.contents(of: ".").keys.sorted()
        let arguments = ["train", "my photos", "--weights", "weights.safetensors"] + few
        let outcome = try Tool.infodisent.run(arguments + ["--dry-run"], in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        for part in ["4 classes", "24 maps of", "to be extracted", "4 epochs of 1 steps", "new", "run:", "name: demo"] {
            #expect(outcome.output.contains(part), "\(part): \(outcome.output)")
        }
        #expect(
            try folder.contents(of: ".").keys.filter { !["stdout", "stderr"].contains($0) }.sorted()
                == before.filter { !["stdout", "stderr"].contains($0) })
        #expect(!folder.exists("runs"))
        #expect(try Tool.infodisent.run(arguments, in: folder).exitCode == 0)
        let after = try Tool.infodisent.run(arguments + ["--dry-run"], in: folder)
        #expect(
            after.output.contains("there already") && after.output.contains("goes on from step 4"), "\(after.output)")
    }

    @Test func aWrittenConfigurationIsCompleteAndExplained() throws {
        let folder = try photos()
        let output = try Tool.infodisent.succeed(
            "init", "my photos", "--weights", "weights.safetensors", "--output", "mine.yaml", "--set",
            "training.epochs=2", in: folder)
        #expect(output == "mine.yaml\n")
        let text = try folder.text("mine.yaml")
        #expect(text.contains("4 classes, 16 training and 8 test images."), "\(text)")
        #expect(text.contains("  # channels_per_class: ") && text.contains("  epochs: 2"))
        let outcome = try Tool.infodisent.run(["train", "--config", "mine.yaml"], in: folder)
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        let again = try Tool.infodisent.run(["init", "--output", "mine.yaml"], in: folder)
        #expect(again.exitCode == 64 && again.errors.contains("mine.yaml is there already"))
        try Tool.infodisent.succeed("init", in: folder)
        #expect(try folder.text("config.yaml").contains("root: ") && folder.text("config.yaml").contains("PHOTOS"))
    }

    @Test func quietLeavesResultsAndTheLogKeepsWhatWouldBeSaid() throws {
        let folder = try photos()
        let arguments =
            ["train", "my photos", "--weights", "weights.safetensors", "--quiet", "--log-file", "log.txt"] + few
        let outcome = try Tool.infodisent.run(arguments, in: folder)
        #expect(outcome.exitCode == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        #expect(outcome.output.contains("checkpoints/step-"))
        let log = try folder.text("log.txt")
        #expect(
            log.contains("started: ") && log.contains("Trained: top-1") && log.contains("100 %  4/4 steps"), "\(log)")
        #expect(log.split(separator: "\n").allSatisfy { $0.contains(#/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z /#) })
        // Errors are said, and kept too; a log is added to.
        let failure = try Tool.infodisent.run(
            ["evaluate", "--checkpoint", "gone", "--quiet", "--log-file", "log.txt"], in: folder)
        #expect(failure.exitCode == 66 && failure.errors.contains("gone"))
        let longer = try folder.text("log.txt")
        #expect(longer.hasPrefix(log) && longer.contains("infodisent: gone"))
        for (file, name) in [("my photos", "my photos"), ("nowhere/log.txt", "nowhere")] {
            let refused = try Tool.infodisent.run(["evaluate", "--checkpoint", "run", "--log-file", file], in: folder)
            #expect(refused.exitCode == 66 && refused.errors.contains(name), "\(refused.errors)")
        }
    }

    @Test(.enabled(if: Mpirun.isRunnable)) func ranksStartAsSimply() throws {
        let folder = try photos()
        let arguments = ["train", "my photos", "--weights", "weights.safetensors", "--log-file", "log.txt"] + few
        let one = try Tool.infodisent.run(arguments + ["--set", "run.directory=one"], in: folder)
        let two = try Mpirun.run(ranks: 2, arguments + ["--set", "run.directory=two"], in: folder)
        #expect(one.exitCode == 0 && two.exitCode == 0, "\(one.errors)\(two.errors)")
        #expect(two.output.replacingOccurrences(of: "/two/", with: "/one/") == one.output)
        #expect(try folder.contents(of: "one/checkpoints") == folder.contents(of: "two/checkpoints"))
        let dry = try Mpirun.run(ranks: 2, arguments + ["--dry-run"], in: folder)
        #expect(dry.exitCode == 0 && dry.output.contains("on 2 processes"), "\(dry.errors)")
    }

    @Test func whatIsMissingOrAmbiguousIsNamed() throws {
        let folder = try photos()
        func expect(_ arguments: [String], _ code: Int32, _ parts: String...) throws {
            let outcome = try Tool.infodisent.run(arguments, in: folder)
            #expect(outcome.exitCode == code && outcome.output.isEmpty, "\(arguments): \(outcome.errors)")
            for part in parts { #expect(outcome.errors.contains(part), "\(arguments): \(outcome.errors)") }
            #expect(!folder.exists("runs"))
        }
        try expect(["train"], 64, "infodisent train PHOTOS --weights", "--config")
        try expect(["train", "my photos"], 78, "backbone.name is not set")
        try expect(["train", "nowhere", "--weights", "weights.safetensors"], 66, "nowhere")
        try expect(["train", "my photos", "--weights", "gone.pth"], 66, "gone.pth")
        try folder.write(Data("text".utf8), to: "text.pth")
        try expect(["train", "my photos", "--weights", "text.pth"], 65, "text.pth")
        try expect(
            ["train", "my photos", "--weights", "weights.safetensors", "--set", "training.epoch=2"], 78,
            "training.epochs")
        try expect(["init", "nowhere", "--output", "n.yaml"], 66, "nowhere")
        try expect(["init", "--output", "my photos"], 66, "my photos")
        #expect(!folder.exists("n.yaml"))
    }

    @Test func severalNetworksInAFileAreListed() throws {
        let folder = try photos()
        var entries: [SafetensorsWriter.Entry] = []
        for (prefix, name) in [("student", "resnet18"), ("teacher", "resnet34")] {
            let family = try #require(BackboneRegistry.families.first { $0.entries.contains { $0.name == name } })
            let entry = try #require(family.entries.first { $0.name == name })
            for (tensor, shape) in try entry.expectedTensors(of: family).sorted(by: { $0.key < $1.key }) {
                entries.append(.init(name: "\(prefix).\(tensor)", elementType: .float32, shape: shape) { _ in })
            }
        }
        // The header alone is read; the tensors are a hole in the file.
        let header = SafetensorsWriter.header(of: entries, [:])
        try folder.write(Data(header), to: "two.safetensors")
        let file = try FileHandle(forWritingTo: folder.url("two.safetensors"))
        try file.truncate(atOffset: UInt64(header.count + entries.reduce(0) { $0 + $1.byteCount }))
        try file.close()
        let outcome = try Tool.infodisent.run(["train", "my photos", "--weights", "two.safetensors"], in: folder)
        #expect(outcome.exitCode == 78 && outcome.errors.contains("resnet18, resnet34"), "\(outcome.errors)")
        #expect(outcome.errors.contains("--set backbone.name=NAME") && !folder.exists("runs"))
        // Said, it is taken at its word.
        let said = try Tool.infodisent.run(
            ["train", "my photos", "--weights", "two.safetensors", "--set", "backbone.name=resnet18", "--dry-run"],
            in: folder)
        #expect(said.exitCode == 0 && said.output.contains("resnet18, "), "\(said.errors)")
    }
}
