import DurableFiles
import SystemPackage
import TemporaryFolders
import Testing
import WeightFiles

struct TorchFileTests {
    private static let forms = [
        "types-zip", "types-zip-protocol-4", "types-zip-deflated", "types-zip-without-checksums", "types-stream",
        "types-stream-protocol-4",
    ]

    @Test(arguments: forms)
    func `every element type and every kind of view is what PyTorch has`(_ form: String) throws {
        let file = try WeightFile.open(TorchFixture.path(form))
        let expected = try SafetensorsFile(TorchFixture.path("types.safetensors"))
        #expect(file.tensorNames == expected.tensorNames)
        #expect(expected.tensorNames.count == 23)
        for entry in expected.entries {
            #expect(file.entry(entry.name)?.shape == entry.shape, "\(entry.name)")
            #expect(file.entry(entry.name)?.elementType == entry.elementType, "\(entry.name)")
            let bytes = try file.withBytes(of: entry.name) { Array($0) }
            #expect(try bytes == expected.withBytes(of: entry.name) { Array($0) }, "\(entry.name)")
            if [.float64, .float32, .float16, .bfloat16].contains(entry.elementType) {
                #expect(try file.floats(entry.name) == expected.floats(entry.name), "\(entry.name)")
            } else {
                #expect(throws: WeightFileError.self) { try file.floats(entry.name) }
            }
        }
        #expect(try file.floats("bf16") == [1, -2.5, Float(bitPattern: 0x7F62_0000)])
        #expect(file.layout.others == [] && file.layout.partCount == 1)
        #expect(file.layout.form == (form.contains("stream") ? .torchStream : .torchZip))
        #expect(file.layout.hasChecksums == (form.contains("zip") && !form.contains("without")))
        #expect(try file.digest() == ContentDigest(of: DurableFile.read(file.path)))
    }

    @Test func `tensors that lie together are used where they are`() throws {
        for (name, isTogether) in [("f32", true), ("offset", true), ("transposed", false), ("half column", false)] {
            let file = try WeightFile.open(TorchFixture.path("types-zip"))
            let entry = try #require(file.entry(name))
            let bytes = try file.withBytes(of: name) { Array($0) }
            #expect((try Array(DurableFile.read(file.path)[entry.byteRange]) == bytes) == isTogether, "\(name)")
        }
    }

    @Test func `a file is known by its content, not by its name`() throws {
        let file = try WeightFile.open(TorchFixture.path("types.safetensors"))
        #expect(file.layout.form == .safetensors)
        #expect(try file.floats("scalar") == [7.5])
        #expect(file.byteCount == 2133)
    }

    @Test func `numbers of another machine's byte order are refused`() throws {
        #expect(
            throws: WeightFileError.unreadable(path: try TorchFixture.path("big-endian"), fault: .bigEndian)
        ) { try WeightFile.open(TorchFixture.path("big-endian")) }
        var bytes = try TorchFixture.bytes("small-stream")
        let place = try #require(bytes.firstRange(of: Array("little_endianq".utf8)))
        #expect(bytes[place.upperBound + 1] == 0x88)
        bytes[place.upperBound + 1] = 0x89
        #expect(throws: TorchFault.bigEndian) { try WeightContents(bytes: bytes) }
    }

    @Test(arguments: ["pickled-network", "pickled-network-stream"])
    func `a pickled network gives its tensors without its program`(_ name: String) throws {
        let file = try WeightFile.open(TorchFixture.path(name))
        #expect(file.tensorNames == ["layer.bias", "layer.weight"])
        #expect(file.entry("layer.weight")?.shape == [2, 2])
        #expect(try file.floats("layer.weight").allSatisfy { $0 != 0 && abs($0) < 1 })
    }

    @Test(arguments: ["command", "command-stream"])
    func `a pickle that would run a command is refused by its name and runs nothing`(_ name: String) throws {
        let trace: FilePath = "/tmp/infodisent-was-fooled"
        #expect(!DurableFile.exists(trace))
        let path = try TorchFixture.path(name)
        let error = #expect(
            throws: WeightFileError.unreadable(path: path, fault: .refusedName("posix.system"))
        ) { try WeightFile.open(path) }
        #expect(
            "\(error!)".contains("by which it would run a program or remove files wherever Python opens it"),
            "\(error!)")
        #expect(error?.exitCode == 65)
        #expect(!DurableFile.exists(trace))
    }

    @Test func `what is no dictionary of tensors says what it is instead`() throws {
        func fault(_ name: String) throws -> LayoutFault? {
            do {
                _ = try WeightContents(bytes: TorchFixture.bytes(name))
                return nil
            } catch let fault as LayoutFault {
                return fault
            }
        }
        #expect(try fault("single-tensor") == .noTensors(root: "a single tensor", keys: []))
        #expect(try fault("no-tensors") == .noTensors(root: "a dictionary", keys: ["epoch", "loss"]))
        #expect(throws: TorchFault.torchScript) { try WeightContents(bytes: TorchFixture.bytes("script")) }
    }

    /// A zip archive of records with these names.
    private func archive(_ names: String...) -> [UInt8] {
        var builder = ZipBuilder()
        builder.records = names.map { .init(name: $0, data: [1, 2, 3]) }
        return builder.bytes
    }

    @Test func `other files say what they seem to be`() throws {
        let padding = [UInt8](repeating: 1, count: 40)
        let kinds: [(UnrecognisedFile, [UInt8])] = [
            (.empty, []), (.gzip, [0x1F, 0x8B, 8]), (.otherCompression, [0xFD, 0x37, 0x7A, 0x58]),
            (.otherCompression, Array("Rar!".utf8)),
            (.gitLFSPointer, Array("version https://git-lfs.github.com/spec/v1\n".utf8)),
            (.webPage, Array("<!DOCTYPE html>".utf8)), (.hdf5, [0x89, 0x48, 0x44, 0x46, 13]),
            (.tar, [UInt8](repeating: 0x61, count: 257) + Array("ustar".utf8) + [0, 0]),
            (.otherPickle, try TorchFixture.bytes("plain.pkl")), (.unknown, [1, 2, 3]),
            (.unknown, [UInt8](repeating: 0, count: 1000)),
            (.json, Array("{\"a\": 1}".utf8)), (.json, Array("{\"a\": [{\"b\": 1}, 2]}".utf8)),
            (.json, Array("\n[1, 2]".utf8)), (.text("Entry not found"), Array("Entry not found\n".utf8)),
            (.text("import torch"), Array("import torch\nprint(1)".utf8)),
            (.numpyArray, [0x93] + Array("NUMPY".utf8) + [1, 0]),
            (.gguf, Array("GGUF".utf8) + padding), (.image, [0xFF, 0xD8, 0xFF, 0xE0] + padding),
            // By onnx 1.19, with a producer and without.
            (.onnx, [0x08, 0x0E, 0x12, 0x07] + Array("pytorch:3\n".utf8) + padding),
            (.onnx, [0x08, 0x0E, 0x3A, 0x33, 0x0A, 0x0C] + padding),
            (.tensorFlow, [0x08, 0x01, 0x12, 0xA0] + padding),
            (.tensorFlow, [0x1C, 0, 0, 0] + Array("TFL3".utf8) + padding),
            (.tensorFlow, [0x0A, 0x10, 0x0A, 0x05] + Array("input".utf8) + padding),
            (.tensorFlow, [0x0A, 0x90, 0x01, 0x0A, 0x05] + Array("input".utf8) + padding),
            (.tensorFlow, padding + [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]),
            (.torchExport, archive("m/archive_format", "m/models/model.json")),
            (.torchExport, archive("serialized_exported_program.json", "version")),
            (.keras, archive("metadata.json", "config.json", "model.weights.h5")),
            (.otherZip(["a.safetensors", "b.txt"]), archive("a.safetensors", "b.txt")),
        ]
        for (kind, bytes) in kinds {
            #expect(throws: kind) { try WeightContents(bytes: bytes) }
            #expect("\(WeightFileError.unrecognised(path: "a.pth", kind: kind))".hasPrefix("a.pth cannot be used"))
        }
        #expect("\(UnrecognisedFile.otherZip(["a", "b", "c"]))".contains("it holds a, b, c, .... Unpack it"))
    }

    @Test func `the data of a checkpoint of TensorFlow is known by its name alone`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("model.ckpt.data-00000-of-00001")
            try DurableFile.write([UInt8](repeating: 7, count: 100), to: path)
            #expect(throws: WeightFileError.unrecognised(path: path, kind: .tensorFlow)) { try WeightFile.open(path) }
        }
    }
}
