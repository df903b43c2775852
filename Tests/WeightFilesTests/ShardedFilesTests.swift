import DurableFiles
import StrictJSON
import SystemPackage
import TemporaryFolders
import Testing
import WeightFiles

/// Weights in several files with a list of them, and folders.
struct ShardedFilesTests {
    private static func write(_ tensors: [(String, [Float])], to path: FilePath) throws {
        try SafetensorsWriter.write(tensors.map { .floats($0, [$1.count], $1) }, to: path)
    }

    /// A folder with the list and its two files.
    private func withFolder(_ map: String, _ body: (FilePath) throws -> Void) throws {
        try withTemporaryFolder { folder throws in
            try Self.write([("b", [1, 2]), ("d", [3])], to: folder.appending("model-00001-of-00002.safetensors"))
            try Self.write([("a", [4]), ("c", [5, 6])], to: folder.appending("model-00002-of-00002.safetensors"))
            let text = "{\"metadata\": {\"total_size\": 24}, \"weight_map\": \(map)}"
            try DurableFile.write(text, to: folder.appending("model.safetensors.index.json"))
            try body(folder)
        }
    }

    private static let (first, second) = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    private static let sound = """
        {"a": "\(second)", "b": "\(first)", "c": "\(second)", "d": "\(first)"}
        """

    @Test func severalFilesAreOne() throws {
        try withFolder(Self.sound) { folder throws in
            let index = folder.appending("model.safetensors.index.json")
            for path in [index, folder] {
                let file = try WeightFile.open(path)
                #expect(file.path == index)
                #expect(file.tensorNames == ["a", "b", "c", "d"])
                #expect(try file.tensorNames.map { try file.floats($0) } == [[4], [1, 2], [5, 6], [3]])
                #expect(file.entry("e") == nil && file.layout.partCount == 2)
                let sizes = try [Self.first, Self.second].map { try DurableFile.byteCount(of: folder.appending($0)) }
                #expect(file.byteCount == sizes[0] + sizes[1])
                #expect(!file.isSameTensor("a", "b") && file.isSameTensor("a", "a") && !file.isSameTensor("c", "d"))
            }
        }
    }

    /// Older versions of transformers save in the form of PyTorch.
    @Test func filesOfPyTorchAreOneToo() throws {
        try withTemporaryFolder { folder throws in
            for (name, fixture) in [("00001", "bare"), ("00002", "a-part-named-backbone")] {
                let file = folder.appending("pytorch_model-\(name)-of-00002.bin")
                try DurableFile.write(TorchFixture.bytes(fixture), to: file)
            }
            let text = """
                {"weight_map": {"conv1.weight": "pytorch_model-00001-of-00002.bin", "layer1.0.bn1.bias": \
                "pytorch_model-00001-of-00002.bin", "backbone.stage.weight": "pytorch_model-00002-of-00002.bin"}}
                """
            let index = folder.appending("pytorch_model.bin.index.json")
            try DurableFile.write(text, to: index)
            // The second file has another "conv1.weight", which the list does not say.
            let error = #expect(throws: WeightFileError.self) { try WeightFile.open(folder) }
            let fault = ShardFault.unlistedTensor("conv1.weight", file: "pytorch_model-00002-of-00002.bin")
            #expect(error == .shards(path: index, fault: fault))
            try DurableFile.write(
                TorchFixture.bytes("number-among-tensors"), to: folder.appending("pytorch_model-00001-of-00002.bin"))
            try DurableFile.write(
                text.replacing("\"backbone.stage.weight\": \"pytorch_model-00002-of-00002.bin\"", with: "\"x\": \"-\"")
                    .replacing(", \"x\": \"-\"", with: ""), to: index)
            let file = try WeightFile.open(folder)
            #expect(file.path == index && file.tensorNames == ["conv1.weight", "layer1.0.bn1.bias"])
            #expect(try file.floats("conv1.weight") == [1, 0] && file.layout.form == .torchZip)
        }
    }

    @Test func theDigestIsThatOfAllFiles() throws {
        try withFolder(Self.sound) { folder throws in
            let before = try WeightFile.open(folder).digest()
            #expect(try WeightFile.open(folder).digest() == before)
            try Self.write([("b", [1, 2]), ("d", [7])], to: folder.appending(Self.first))
            #expect(try WeightFile.open(folder).digest() != before)
        }
    }

    @Test func oneFileOfSeveralSaysWhereTheListIs() throws {
        try withFolder(Self.sound) { folder throws in
            let path = folder.appending(Self.first)
            let index = folder.appending("model.safetensors.index.json")
            let error = #expect(throws: WeightFileError.onePart(path: path, index: index)) { try WeightFile.open(path) }
            #expect(
                "\(error!)" == "\(path) is one of the files that \(index) lists. Give that one, or the folder of both.")
            try DurableFile.remove(index)
            #expect(try WeightFile.open(path).tensorNames == ["b", "d"])
        }
    }

    @Test(arguments: [
        ("{}", ShardFault.noTensors), (#"{"a": "../other.safetensors"}"#, .badFileName("../other.safetensors")),
        (#"{"a": "/etc/passwd"}"#, .badFileName("/etc/passwd")), (#"{"a": ".."}"#, .badFileName("..")),
        (#"{"a": ""}"#, .badFileName("")), (#"{"a": "x\u0000y"}"#, .badFileName("x\0y")),
        (#"{"a": "none.safetensors"}"#, .missingFile("none.safetensors")),
        (#"{"a": "\#(first)"}"#, .missingTensor("a", file: first)),
        (#"{"a": "\#(second)"}"#, .unlistedTensor("c", file: second)),
    ])
    func listsThatDoNotFitTheirFiles(_ map: String, _ fault: ShardFault) throws {
        try withFolder(map) { folder throws in
            let index = folder.appending("model.safetensors.index.json")
            let error = #expect(throws: WeightFileError.shards(path: index, fault: fault)) {
                try WeightFile.open(folder)
            }
            #expect(error?.exitCode == 65)
        }
    }

    @Test(arguments: [
        "", "[]", "{", #"{"weight_map": 1}"#, #"{"weight_map": {"a": 1}}"#, #"{"weight_map": {"a": "b", "a": "c"}}"#,
        #"{"weight_map": {"a": "b"}} x"#, "\u{0}",
    ])
    func listsThatAreNone(_ text: String) throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("model.safetensors.index.json")
            try DurableFile.write(text, to: path)
            let error = #expect(throws: WeightFileError.self) { try WeightFile.open(path) }
            guard case .shards(path, _) = error else { throw error! }
        }
    }

    @Test func damagedFilesAreNamed() throws {
        try withFolder(Self.sound) { folder throws in
            let path = folder.appending(Self.second)
            try DurableFile.write(DurableFile.read(path).dropLast(), to: path)
            let error = #expect(throws: WeightFileError.self) { try WeightFile.open(folder) }
            guard case .malformed(path, _) = error else { throw error! }
        }
    }

    @Test func theLimitsOfLists() {
        let names = (0...ShardIndex.fileLimit).map { #""\#($0)": "f\#($0)""# }.joined(separator: ",")
        let text = Array("{\"weight_map\": {\(names)}}".utf8)
        #expect(throws: ShardFault.tooManyFiles) { try text.withUnsafeBytes { bytes throws in try ShardIndex(bytes) } }
        let long = [UInt8](repeating: 0x20, count: ShardIndex.byteCountLimit + 1)
        #expect(throws: ShardFault.tooLong(byteCount: long.count)) {
            try long.withUnsafeBytes { bytes throws in try ShardIndex(bytes) }
        }
    }

    // MARK: Folders

    @Test func theOnlyFileOfWeightsInAFolderIsTaken() throws {
        try withTemporaryFolder { folder throws in
            #expect(throws: WeightFileError.folder(path: folder, files: [], isDistributed: false)) {
                try WeightFile.open(folder)
            }
            try DurableFile.write("text", to: folder.appending("README.md"))
            try Self.write([("a", [1])], to: folder.appending("last.ckpt"))
            #expect(try WeightFile.open(folder).path == folder.appending("last.ckpt"))
            try Self.write([("a", [1])], to: folder.appending("first.pth"))
            let error = #expect(throws: WeightFileError.self) { try WeightFile.open(folder) }
            #expect("\(error!)".hasSuffix("with several files of weights: first.pth, last.ckpt. Give the path of one."))
            // A name that libraries use comes first.
            try Self.write([("a", [2])], to: folder.appending("model.safetensors"))
            #expect(try WeightFile.open(folder).floats("a") == [2])
        }
    }

    @Test func foldersOfDistributedCheckpointsAreNamed() throws {
        try withTemporaryFolder { folder throws in
            try DurableFile.write("x", to: folder.appending("__0_0.distcp"))
            let error = #expect(throws: WeightFileError.self) { try WeightFile.open(folder) }
            #expect("\(error!)".contains("dcp_to_torch_save"))
        }
    }

    @Test func nothingAndNoFileAreTheErrorsOfFiles() throws {
        try withTemporaryFolder { folder throws in
            #expect(throws: DurableFileError.missing(path: folder.appending("x"))) {
                try WeightFile.open(folder.appending("x"))
            }
            #expect(throws: DurableFileError.notAFile(path: "/dev/null")) { try WeightFile.open("/dev/null") }
        }
    }

    // MARK: config.json

    @Test func whatIsBesideTheFileIsRead() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("a.safetensors")
            try Self.write([("a", [1])], to: path)
            #expect(try WeightFile.open(path).configuration == nil)
            for text in ["", "[]", "{", "{\"a\": NaN}", "{\"a\": 1, \"a\": 2}"] {
                try DurableFile.write(text, to: folder.appending("config.json"))
                #expect(try WeightFile.open(path).configuration == nil, "\(text)")
            }
            let text = """
                {"model_type": "vit", "layer_norm_eps": 1e-12, "image_size": 224, "depths": [3, 4], "qkv_bias": true, "mixed": [1, "a"],
                 "id2label": {"1": "goldfish", "0": "tench"}}
                """
            try DurableFile.write(text, to: folder.appending("config.json"))
            let configuration = try #require(try WeightFile.open(path).configuration)
            #expect(configuration.modelType == "vit" && configuration.number("layer_norm_eps") == 1e-12)
            #expect(configuration.integers("image_size") == [224] && configuration.integers("depths") == [3, 4])
            #expect(configuration.flag("qkv_bias") == true && configuration.number("image_size") == 224)
            #expect(configuration.integers("mixed") == nil && configuration.text("image_size") == nil)
            #expect(configuration.labelNames == ["tench", "goldfish"])
        }
    }

    @Test func theNamesOfClassesOfTimm() {
        let configuration = SavedConfiguration(Array(#"{"architecture": "resnet50", "label_names": ["a", "b"]}"#.utf8))
        #expect(configuration?.labelNames == ["a", "b"] && configuration?.modelType == nil)
        #expect(SavedConfiguration([UInt8](repeating: 0x20, count: SavedConfiguration.byteCountLimit + 1)) == nil)
    }
}
