import Foundation
import Testing

/// Each fault gives one message that names what is at fault, the right exit code, and leaves nothing half-written.
@Suite struct BadInputTests {
    private func expect(
        _ arguments: [String], of tool: Tool = .infodisent, in folder: Folder, exitCode: Int32, naming parts: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try tool.run(arguments, in: folder)
        #expect(outcome.exitCode == exitCode, "\(outcome.errors)", sourceLocation: sourceLocation)
        #expect(outcome.output.isEmpty, "results although it failed", sourceLocation: sourceLocation)
        for part in parts {
            #expect(outcome.errors.contains(part), "\(outcome.errors)", sourceLocation: sourceLocation)
        }
        #expect(
            !outcome.errors.contains("Fatal error") && !outcome.errors.contains("Swift/"),
            "a crash, not a message", sourceLocation: sourceLocation)
    }

    private func temporaries(_ folder: Folder) throws -> [String] {
        try #require(FileManager.default.enumerator(atPath: folder.path.string)).compactMap { $0 as? String }
            .filter { $0.contains(".infodisent-tmp-") }
    }

    // MARK: - Command line and configuration

    @Test func wrongUseIsExplained() throws {
        let folder = try Folder()
        try expect(["train"], in: folder, exitCode: 64, naming: "--config")
        try expect(["extract", "--backbone", "demo"], in: folder, exitCode: 64, naming: "--dataset")
        try expect(["flatten"], in: folder, exitCode: 64)
        try expect(["backbones", "--threads", "2"], in: folder, exitCode: 64, naming: "--threads")
    }

    @Test func whatHasMovedSinceTheTrainingIsNamedWithTheKeyThatMendsIt() throws {
        let folder = try SmallExperiment.trainedFolder()
        try FileManager.default.moveItem(at: folder.url("birds"), to: folder.url("moved-birds"))
        let evaluation = ["evaluate", "--checkpoint", "run"]
        try expect(evaluation, in: folder, exitCode: 66, naming: "--set dataset.root=PATH")
        try Tool.infodisent.succeed("evaluate", "--checkpoint", "run", "--set", "dataset.root=moved-birds", in: folder)
        let weights = ["--set", "dataset.root=moved-birds", "--set", "backbone.weights=none.pth"]
        try expect(evaluation + weights, in: folder, exitCode: 66, naming: "--set backbone.weights=PATH")
    }

    @Test func aMissingConfigurationIsNamed() throws {
        let folder = try Folder()
        try expect(["train", "--config", "none.yaml"], in: folder, exitCode: 66, naming: "none.yaml")
    }

    @Test func anUnknownKeyIsNamedWithTheNearestOne() throws {
        let folder = try SmallExperiment.folder()
        let text = try folder.text("small.yaml").replacingOccurrences(of: "epochs", with: "epoch")
        try folder.write(Data(text.utf8), to: "small.yaml")
        try expect(
            ["train", "--config", "small.yaml"], in: folder, exitCode: 78,
            naming: "small.yaml:11", "training.epoch ", "training.epochs")
        #expect(!folder.exists("run"))
    }

    @Test func aValueOutOfRangeIsNamed() throws {
        let folder = try SmallExperiment.folder()
        try expect(
            ["train", "--config", "small.yaml", "--set", "training.batch_size=0"], in: folder, exitCode: 78,
            naming: "training.batch_size", "from 1 to 1000000")
    }

    @Test func anUnknownBackboneIsNamedWithTheNearestOne() throws {
        let folder = try SmallExperiment.folder()
        try FileManager.default.copyItem(at: Tool.demoBackbone, to: folder.url("w.safetensors"))
        try expect(
            ["extract", "--backbone", "resnet5", "--weights", "w.safetensors", "--dataset", "birds", "--output", "c"],
            in: folder, exitCode: 78, naming: "resnet5", "resnet50")
    }

    @Test func whatTheDatasetWouldBeMixedWithIsRefused() throws {
        let folder = try SmallExperiment.folder()
        try expect(
            ["train", "--config", "small.yaml", "--set", "run.directory=birds/run"], in: folder, exitCode: 78,
            naming: "run.directory", "birds")
        try expect(
            ["train", "--config", "small.yaml", "--set", "cache.directory=birds"], in: folder, exitCode: 78,
            naming: "cache.directory")
    }

    @Test func aPlainFolderIsNoPartDataset() throws {
        let folder = try SmallExperiment.folder()
        try folder.remove("birds/dataset.json")
        try expect(["train", "--config", "small.yaml"], in: folder, exitCode: 66, naming: "dataset.json")
    }

    @Test func aLevelThatThereIsNotIsRefusedByName() throws {
        let folder = try SmallExperiment.folder()
        try expect(
            ["generate", "--output", "new", "--level", "extreme"], in: folder, exitCode: 64, naming: "extreme", "easy",
            "hard")
        #expect(!folder.exists("new"))
        let text = try String(contentsOf: folder.url("birds/dataset.json"), encoding: .utf8)
        let changed = text.replacingOccurrences(
            of: #""imageSide""#, with: "\"level\" : \"extreme\",\n    \"imageSide\"")
        #expect(changed != text)
        try folder.write(Data(changed.utf8), to: "birds/dataset.json")
        try expect(
            ["train", "--config", "small.yaml"], in: folder, exitCode: 65, naming: "dataset.json", "extreme",
            "easy and hard")
    }

    @Test func trainingThatDivergesSaysSo() throws {
        let folder = try SmallExperiment.folder()
        try expect(
            ["train", "--config", "small.yaml", "--set", "training.learning_rate=1e300"], in: folder, exitCode: 70,
            naming: "diverged", "training.learning_rate")
    }

    @Test func resultsThatCannotBeWrittenAreAnError() throws {
        let folder = try SmallExperiment.trainedFolder()
        try folder.write(Data(), to: "file")
        for arguments in [
            ["prototypes", "--checkpoint", "run", "--output", "file"],
            ["explain", "--checkpoint", "run", "--output", "file/below", "x.jpg"],
            ["evaluate", "--checkpoint", "run", "--predictions", "nowhere/p.csv"],
        ] {
            let outcome = try Tool.infodisent.run(arguments, in: folder)
            #expect(outcome.exitCode == 66 && outcome.output.isEmpty, "\(arguments[0]): \(outcome.errors)")
        }
    }

    // MARK: - Images

    @Test func aMissingDatasetIsNamed() throws {
        let folder = try SmallExperiment.folder()
        try expect(
            ["extract", "--config", "small.yaml", "--set", "dataset.root=nowhere", "--set", "cache.directory=new"],
            in: folder, exitCode: 66, naming: "nowhere")
        #expect(!folder.exists("new"))
    }

    @Test func aTruncatedJPEGIsNamed() throws {
        let folder = try SmallExperiment.folder()
        let image = try firstImage(folder)
        try folder.write(folder.bytes(image).prefix(2000), to: image)
        try expect(
            ["extract", "--config", "small.yaml", "--set", "cache.directory=new"], in: folder, exitCode: 65,
            naming: image)
    }

    @Test func aTextFileNamedJPEGIsNamed() throws {
        let folder = try SmallExperiment.folder()
        let image = try firstImage(folder)
        try folder.write(Data("not a picture\n".utf8), to: image)
        try expect(
            ["extract", "--config", "small.yaml", "--set", "cache.directory=new"], in: folder, exitCode: 65,
            naming: image)
        #expect(try temporaries(folder) == [])
    }

    @Test func explainingAFileThatIsNoImageIsRefused() throws {
        let folder = try SmallExperiment.trainedFolder()
        try folder.write(Data("text".utf8), to: "text.jpg")
        try expect(
            ["explain", "--checkpoint", "run", "--output", "out", "text.jpg"], in: folder, exitCode: 65,
            naming: "text.jpg")
        try expect(
            ["explain", "--checkpoint", "run", "--output", "out", "gone.jpg"], in: folder, exitCode: 66,
            naming: "gone.jpg")
        #expect(!folder.exists("out"))
    }

    @Test func generatingIntoAFolderThatIsThereIsRefused() throws {
        let folder = try SmallExperiment.folder()
        let before = try folder.contents(of: "birds")
        let outcome = try Tool.infodisent.run(
            ["generate", "--output", "birds", "--classes", "2", "--train", "1", "--test", "1"], in: folder)
        #expect(outcome.exitCode != 0 && outcome.errors.contains("birds"))
        #expect(try folder.contents(of: "birds") == before)
    }

    // MARK: - Weights and cache

    @Test func damagedWeightsAreNamed() throws {
        let folder = try SmallExperiment.folder()
        let weights = try Data(contentsOf: Tool.demoBackbone)
        let extract = [
            "extract", "--backbone", "demo", "--weights", "w.safetensors", "--dataset", "birds", "--output", "new",
        ]
        try expect(extract, in: folder, exitCode: 66, naming: "w.safetensors")
        try folder.write(weights.prefix(weights.count - 100), to: "w.safetensors")
        try expect(extract, in: folder, exitCode: 65, naming: "w.safetensors")
        var flipped = weights
        flipped[20] ^= 0x40
        try folder.write(flipped, to: "w.safetensors")
        try expect(extract, in: folder, exitCode: 65, naming: "w.safetensors")
        #expect(!folder.exists("new"))
    }

    @Test func aCacheOfOtherImagesOrInputIsRefusedWithTheReason() throws {
        let folder = try SmallExperiment.folder()
        try expect(
            ["train", "--config", "small.yaml", "--set", "input.resize=150"], in: folder, exitCode: 65,
            naming: "features", "resize")
        try expect(
            ["train", "--config", "small.yaml", "--set", "cache.precision=f32"], in: folder, exitCode: 65,
            naming: "features", "precision")
        try folder.remove(firstImage(folder))
        try expect(["train", "--config", "small.yaml"], in: folder, exitCode: 65, naming: "features", "dataset")
    }

    @Test func anUnknownPresetIsAnsweredWithThoseThereAre() throws {
        let folder = try SmallExperiment.folder()
        try expect(
            ["train", "--config", "small.yaml", "--set", "input.preset=torchvision-v9"], in: folder, exitCode: 78,
            naming: "torchvision-v9", "own", "input.preset")
    }

    /// The images are at hand, so that naming it is all that is left to do.
    @Test func aDamagedCacheIsNamedAndMended() throws {
        let folder = try SmallExperiment.folder()
        let shard = "features/shard-00001.safetensors"
        let sound = try folder.bytes(shard)
        var bytes = sound
        bytes[bytes.count / 2] ^= 1
        try folder.write(bytes, to: shard)
        let outcome = try Tool.infodisent.run(["train", "--config", "small.yaml"], in: folder)
        #expect(outcome.exitCode == 0 && outcome.errors.contains("\(shard) is damaged: row "), "\(outcome.errors)")
        #expect(try folder.bytes(shard) == sound)
    }

    // MARK: - Checkpoints

    @Test(arguments: ["head.safetensors", "optimizer.safetensors", "state.json"])
    func aDamagedCheckpointIsNamed(file: String) throws {
        let folder = try SmallExperiment.trainedFolder()
        let latest = try folder.text("run/checkpoints/latest").trimmingCharacters(in: .whitespacesAndNewlines)
        let checkpoint = "run/checkpoints/\(latest)"
        let path = "\(checkpoint)/\(file)"
        let intact = try folder.bytes(path)
        var flipped = intact
        flipped[intact.count / 2] ^= 4
        for damaged in [flipped, intact.prefix(intact.count / 2)] {
            try folder.write(damaged, to: path)
            try expect(["evaluate", "--checkpoint", checkpoint], in: folder, exitCode: 65, naming: latest)
            try expect([checkpoint, "--json"], of: .inspect, in: folder, exitCode: 65, naming: latest)
        }
        try folder.remove(path)
        #expect(try Tool.infodisent.run(["evaluate", "--checkpoint", checkpoint], in: folder).exitCode != 0)
    }

    @Test func aMissingCheckpointIsNamed() throws {
        let folder = try Folder()
        try expect(["evaluate", "--checkpoint", "none"], in: folder, exitCode: 66, naming: "none")
        try expect(["none"], of: .inspect, in: folder, exitCode: 66, naming: "none")
    }

    @Test func aCheckpointIsFoundFromAnywhereAndOutsideItsRun() throws {
        let folder = try SmallExperiment.trainedFolder()
        let latest = try folder.text("run/checkpoints/latest").trimmingCharacters(in: .whitespacesAndNewlines)
        let plain = ["evaluate", "--json", "--set", "evaluation.black_box=false", "--checkpoint"]
        let expected = try Tool.infodisent.run(plain + ["run"], in: folder).output
        for (path, place) in [(latest, "run/checkpoints"), (".", "run/checkpoints/\(latest)"), (".", "run")] {
            let outcome = try Tool.infodisent.run(plain + [path], in: folder, from: place)
            #expect(outcome.exitCode == 0 && outcome.output == expected, "\(path) in \(place): \(outcome.errors)")
        }
        try folder.copy("run/checkpoints/\(latest)", to: "moved [1] = x")
        try expect(plain + ["moved [1] = x"], in: folder, exitCode: 78, naming: "--set dataset.root=")
        let moved = try Tool.infodisent.run(
            plain + ["moved [1] = x", "--set", "dataset.root=birds", "--set", "cache.directory=features"], in: folder)
        #expect(moved.exitCode == 0, "\(moved.errors)")
        try expect(
            ["evaluate", "--checkpoint", "run", "--set", "training.epochs=7"], in: folder, exitCode: 64,
            naming: "training.epochs")
    }

    @Test func goingOnWithAnotherConfigurationIsRefused() throws {
        let folder = try SmallExperiment.trainedFolder()
        let before = try folder.contents(of: "run/checkpoints")
        try expect(
            ["train", "--config", "small.yaml", "--set", "training.learning_rate=0.5"], in: folder, exitCode: 78,
            naming: "training.learning_rate", "0.5")
        try expect(
            ["train", "--config", "small.yaml", "--resume", "never"], in: folder, exitCode: 78, naming: "--resume auto")
        #expect(try folder.contents(of: "run/checkpoints") == before)
    }

    // MARK: - A full disk

    @Test func aFullDiskIsNamedAndLeavesNothingHalfWritten() throws {
        let folder = try SmallExperiment.folder()
        let disk = folder.url("disk").path
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        guard shell("/bin/mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk) == 0 else {
            print("skipped: this process may not mount a small tmpfs")
            return
        }
        defer { _ = shell("/bin/umount", disk) }
        let whole = try Dictionary(
            uniqueKeysWithValues: folder.contents(of: "features").map { ("features/\($0)", $1) })
        for arguments in [
            ["extract", "--config", "small.yaml", "--set", "cache.directory=disk/features"],
            ["train", "--config", "small.yaml", "--set", "run.directory=disk/run"],
            ["generate", "--output", "disk/birds", "--classes", "5"],
        ] {
            try expect(arguments, in: folder, exitCode: 74, naming: "disk is full")
            // A shard that found room before the disk was full is whole, and stays for the next extraction.
            let left = try folder.contents(of: "disk").filter { path, bytes in whole[path] != bytes }
            #expect(
                left.keys.allSatisfy { !$0.contains("safetensors") && !$0.contains("jpg") && !$0.contains("step-") },
                "\(arguments[0]) left \(left.keys)")
            for name in try FileManager.default.contentsOfDirectory(atPath: disk) {
                try FileManager.default.removeItem(atPath: disk + "/" + name)
            }
        }
    }

    private func shell(_ program: String, _ arguments: String...) -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        guard (try? process.run()) != nil else { return -1 }
        process.waitUntilExit()
        return process.terminationStatus
    }

    private func firstImage(_ folder: Folder) throws -> String {
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.url("birds/train").path).sorted().first)
        return "birds/train/\(name)/0000.jpg"
    }
}
