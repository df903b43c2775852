import Foundation
import SystemPackage
import Testing
import WeightFiles

/// Files of weights as programs other than ours write them.
@Suite struct WeightFileTests {
    /// A folder with a copy of a fixture.
    private func folder(with name: String, from fixtures: String) throws -> Folder {
        let folder = try Folder()
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
            path: "../\(fixtures)/\(name)")
        try FileManager.default.copyItem(at: source, to: folder.url(name))
        return folder
    }

    /// The demo backbone's tensors under other names, behind each of `prefixes`, in a file of the folder.
    private func writeDemo(behind prefixes: [String], to name: String, in folder: Folder) throws {
        let demo = try SafetensorsFile(FilePath(Tool.demoBackbone.path))
        let entries = try prefixes.flatMap { prefix in
            try demo.entries.map { entry in
                let bytes = try demo.withBytes(of: entry.name) { Array($0) }
                return SafetensorsWriter.Entry(
                    name: prefix + entry.name, elementType: entry.elementType, shape: entry.shape, elements: bytes)
            }
        }
        try SafetensorsWriter.write(entries, metadata: demo.metadata, to: FilePath(folder.url(name).path))
    }

    private func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    /// With one space where there are several: columns are as wide as they have to be.
    private func squeezed(_ text: String) -> String { text.replacing(/\ +/, with: " ") }

    // MARK: The inspector

    @Test func theInspectorShowsWhatIsInAFile() throws {
        let folder = try folder(with: "training-zip.pth", from: "BackbonesTests/Fixtures/Places")
        let text = squeezed(try Tool.inspect.succeed("training-zip.pth", "--verify", in: folder))
        for part in [
            "format PyTorch zip", "beside epoch (a number), scheduler (a dictionary), whole_scheduler (an object of",
            "checked structure, checksums", "45 tensors, ",
            "state_dict.module.layer2.0.downsample.0.weight F32 [3, 2, 1, 1]",
        ] { #expect(text.contains(part), "\(text)") }
        let object = try json(Tool.inspect.succeed("training-zip.pth", "--json", in: folder))
        #expect(object["sha256"] as? String != nil && object["format"] as? String == "PyTorch zip")
        #expect(object["shared_beginning"] as? String == "" && object["files"] as? Int == 1)
        let beside = try #require(object["beside"] as? [[String: String]])
        #expect(beside.contains(["name": "loss_function", "kind": "an object of functools.partial"]))
    }

    @Test func theInspectorShowsSeveralFilesAsOne() throws {
        let folder = try folder(with: "vit", from: "BackbonesTests/Fixtures/Pretrained")
        let text = squeezed(try Tool.inspect.succeed("vit/model.safetensors.index.json", "--verify", in: folder))
        for part in [
            "format safetensors, 3 files", "not finite none",
            "config.json vit, 5 classes: tench, goldfish, great white shark, tiger shark, ...",
        ] { #expect(text.contains(part), "\(text)") }
        let object = try json(Tool.inspect.succeed("vit/model.safetensors.index.json", "--json", in: folder))
        #expect((object["labels"] as? [String])?.count == 5)
        let one = try Tool.inspect.run(["vit/model-00001-of-00003.safetensors"], in: folder)
        #expect(
            one.exitCode == 65 && one.errors.contains("is one of the files that vit/model.safetensors.index.json lists")
        )
    }

    @Test func theInspectorRunsNothingAndNamesWhatItRefuses() throws {
        let folder = try folder(with: "command.pth", from: "WeightFilesTests/Fixtures/Torch")
        let outcome = try Tool.inspect.run(["command.pth"], in: folder)
        #expect(outcome.exitCode == 65 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("posix.system") && outcome.errors.contains("Nothing of it was run"))
        #expect(!FileManager.default.fileExists(atPath: "/tmp/infodisent-was-fooled"))
    }

    // MARK: Choosing a network

    @Test func averagedWeightsAreAChoice() throws {
        let folder = try SmallExperiment.folder()
        try writeDemo(behind: ["model_ema."], to: "only-ema.bin", in: folder)
        let extract = [
            "extract", "--config", "small.yaml", "--backbone", "resnet_described", "--weights", "only-ema.bin",
            "--output",
            "new",
        ]
        let without = try Tool.infodisent.run(extract, in: folder)
        #expect(without.exitCode == 65 && without.errors.contains("--use-ema"), "\(without.errors)")
        #expect(!folder.exists("new"))
        let with = try Tool.infodisent.run(extract + ["--use-ema"], in: folder)
        #expect(with.exitCode == 0 && with.errors.contains("These are averaged weights (EMA)."), "\(with.errors)")
    }

    @Test func ofTwoNetworksTheBeginningOfTheirNamesChooses() throws {
        let folder = try SmallExperiment.folder()
        try writeDemo(behind: ["net.one.", "net.two."], to: "two.bin", in: folder)
        let extract = [
            "extract", "--config", "small.yaml", "--backbone", "resnet_described", "--weights", "two.bin", "--output",
            "new",
        ]
        let without = try Tool.infodisent.run(extract, in: folder)
        #expect(without.exitCode == 65, "\(without.errors)")
        #expect(without.errors.contains("\"net.one.\" or \"net.two.\": set backbone.prefix to one of these"))
        let with = try Tool.infodisent.run(extract + ["--set", "backbone.prefix=net.two"], in: folder)
        #expect(with.exitCode == 0 && with.errors.contains("Names were read without \"net.two.\"."), "\(with.errors)")
        // The other one has other features, for all that its file says.
        let other = try Tool.infodisent.run(extract + ["--set", "backbone.prefix=net.one"], in: folder)
        #expect(other.exitCode == 65 && other.errors.contains("weight digest"), "\(other.errors)")

        let all = try Tool.infodisent.run(["backbones", "--fitting", "two.bin"], in: folder)
        #expect(all.exitCode == 0 && all.errors.contains("resnet_described: names begin with \"net.one.\"."))
        let text = try Tool.infodisent.succeed(
            "backbones", "--fitting", "two.bin", "--prefix", "net.two", "--json", in: folder)
        let found = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
        #expect(found.map { $0["prefix"] as? String } == ["net.two."])
        #expect(found[0]["is_averaged"] as? Bool == false && found[0]["name"] as? String == "resnet_described")
        let nothing = try Tool.infodisent.run(["backbones", "--fitting", "two.bin", "--prefix", "x"], in: folder)
        #expect(nothing.exitCode == 65 && nothing.errors.contains("names begin with \"net.\""), "\(nothing.errors)")
        #expect(try Tool.infodisent.run(["backbones", "--prefix", "x"], in: folder).exitCode == 64)
    }

    @Test func wrappedWeightsGiveTheSameFeatures() throws {
        let folder = try SmallExperiment.folder()
        try writeDemo(behind: ["module."], to: "wrapped.bin", in: folder)
        let arguments = [
            "extract", "--config", "small.yaml", "--set", "cache.directory=new", "--set",
            "backbone.weights=wrapped.bin",
        ]
        let outcome = try Tool.infodisent.run(arguments + ["--set", "backbone.name=resnet_described"], in: folder)
        try #require(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("wrapped.bin: Names were read without \"module.\"."))
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.url("new").path)
        where name.hasPrefix("shard-") {
            let (old, new) = try (
                SafetensorsFile(FilePath(folder.url("features/\(name)").path)),
                SafetensorsFile(FilePath(folder.url("new/\(name)").path))
            )
            let features = try old.withBytes(of: "features") { Array($0) }
            #expect(try new.withBytes(of: "features") { Array($0) } == features)
        }
        // `demo` is the network that comes with the program.
        let demo = try Tool.infodisent.run(arguments + ["--set", "backbone.name=demo"], in: folder)
        #expect(demo.exitCode == 65 && demo.errors.contains("Set backbone.name to resnet_described"), "\(demo.errors)")
    }

    /// Configurations that name the file that comes with the program stay valid, and so do their caches.
    @Test func theDemoBackbonesFileMayBeNamed() throws {
        let folder = try SmallExperiment.folder()
        try FileManager.default.copyItem(at: Tool.demoBackbone, to: folder.url("copy.safetensors"))
        let outcome = try Tool.infodisent.run(
            [
                "extract", "--config", "small.yaml", "--set", "backbone.weights=copy.safetensors", "--set",
                "backbone.name=demo",
            ], in: folder)
        #expect(outcome.exitCode == 0 && outcome.errors.contains("holds"), "\(outcome.errors)")
    }
}
