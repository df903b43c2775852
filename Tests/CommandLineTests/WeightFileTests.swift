import Foundation
import SystemPackage
import Testing
import WeightFiles

/// Files of weights as programs other than ours write them.
@Suite struct WeightFileTests {
    /// A folder with a file that PyTorch wrote.
    private func folder(with name: String) throws -> Folder {
        let folder = try Folder()
        let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../WeightFilesTests/Fixtures/Torch/\(name)")
        try FileManager.default.copyItem(at: fixtures, to: folder.url(name))
        return folder
    }

    @Test func theInspectorShowsHowTensorsWereFound() throws {
        let folder = try folder(with: "bbn.pth")
        let text = try Tool.inspect.succeed("bbn.pth", "--verify", in: folder)
        for part in [
            "format      PyTorch zip", "layout      net, module.*, backbone.*", "left out    module.classifier.weight",
            "checked     structure, checksums", "3 tensors, 6 numbers", "layer4.2.conv1.weight  F32   [2]",
        ] { #expect(text.contains(part), "\(text)") }
        let json = try Tool.inspect.succeed("bbn.pth", "--json", in: folder)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(object["parameters"] as? Int == 6)
        #expect(object["sha256"] as? String != nil && object["format"] as? String == "PyTorch zip")
        let layout = try #require(object["layout"] as? [String: Any])
        #expect(layout["container"] as? [String] == ["net"])
        #expect(layout["stripped_prefixes"] as? [String] == ["module.", "backbone."])
        #expect((layout["left_out"] as? [[String: String]])?.count == 2)
    }

    @Test(arguments: [("command.pth", "posix.system"), ("pickled-network-stream.pth", "PrototypeNetwork")])
    func theInspectorRunsNothingAndNamesWhatItRefuses(_ name: String, _ refused: String) throws {
        let folder = try folder(with: name)
        let outcome = try Tool.inspect.run([name], in: folder)
        #expect(outcome.exitCode == 65 && outcome.output.isEmpty)
        #expect(outcome.errors.contains(refused) && outcome.errors.contains("state_dict()"))
        #expect(!FileManager.default.fileExists(atPath: "/tmp/infodisent-was-fooled"))
    }

    @Test func averagedWeightsAreAChoice() throws {
        let folder = try folder(with: "only-ema.pth")
        let experiment = try SmallExperiment.folder()
        try FileManager.default.copyItem(at: experiment.url("birds"), to: folder.url("birds"))
        let extract = [
            "extract", "--backbone", "resnet18", "--weights", "only-ema.pth", "--dataset", "birds", "--output", "new",
        ]
        let without = try Tool.infodisent.run(extract, in: folder)
        #expect(without.exitCode == 65 && without.errors.contains("--use-ema"), "\(without.errors)")
        let with = try Tool.infodisent.run(extract + ["--use-ema"], in: folder)
        #expect(with.exitCode == 65 && with.errors.contains("does not hold the weights of resnet18"), "\(with.errors)")
        #expect(!folder.exists("new"))
    }

    @Test func wrappedWeightsGiveTheSameFeatures() throws {
        let folder = try SmallExperiment.folder()
        let demo = try SafetensorsFile(FilePath(Tool.demoBackbone.path))
        let wrapped = try demo.entries.map { entry in
            let bytes = try demo.withBytes(of: entry.name) { Array($0) }
            return SafetensorsWriter.Entry(
                name: "module.\(entry.name)", elementType: entry.elementType, shape: entry.shape, elements: bytes)
        }
        try SafetensorsWriter.write(wrapped, metadata: demo.metadata, to: FilePath(folder.url("wrapped.bin").path))
        let outcome = try Tool.infodisent.run(
            [
                "extract", "--config", "small.yaml", "--set", "cache.directory=new", "--set",
                "backbone.weights=wrapped.bin",
            ], in: folder)
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
    }
}
