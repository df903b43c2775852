import DurableFiles
import SystemPackage
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
        #expect(file.layout.path == "bare")
        #expect(file.layout.notes == [])
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

    @Test(arguments: [
        ("pickled-network", "__main__.PrototypeNetwork"), ("pickled-network-stream", "__main__.PrototypeNetwork"),
        ("pickled-network-in-dictionary", "torch.nn.modules.container.Sequential"),
    ])
    func `a pickled network is refused by the name of its class`(_ name: String, _ type: String) throws {
        let path = try TorchFixture.path(name)
        let error = #expect(throws: WeightFileError.unreadable(path: path, fault: .pickledNetwork(name: type))) {
            try WeightFile.open(path)
        }
        #expect(
            error?.description
                == "\(path) cannot be read as a PyTorch file: it is a whole pickled network (\(type)), which "
                + "only its own program can read. Load it there and save model.state_dict().")
        #expect(error?.exitCode == 65)
    }

    @Test(arguments: ["command", "command-stream"])
    func `a pickle that would run a command is refused by its name and runs nothing`(_ name: String) throws {
        let trace: FilePath = "/tmp/infodisent-was-fooled"
        #expect(!DurableFile.exists(trace))
        #expect(throws: TorchFault.refusedName("posix.system")) {
            try WeightContents(bytes: TorchFixture.bytes(name))
        }
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
        #expect(try fault("list") == .noTensors(root: "a list", keys: []))
        #expect(try fault("no-tensors") == .noTensors(root: "a dictionary", keys: ["epoch", "loss"]))
        #expect(throws: TorchFault.torchScript) { try WeightContents(bytes: TorchFixture.bytes("script")) }
    }

    @Test func `other files say what they seem to be`() throws {
        let kinds: [(UnrecognisedFile, [UInt8])] = [
            (.empty, []), (.gzip, [0x1F, 0x8B, 8]), (.otherCompression, [0xFD, 0x37, 0x7A, 0x58]),
            (.gitLFSPointer, Array("version https://git-lfs.github.com/spec/v1\n".utf8)),
            (.webPage, Array("<!DOCTYPE html>".utf8)), (.hdf5, [0x89, 0x48, 0x44, 0x46, 13]),
            (.tensorsInTar, [UInt8](repeating: 0x61, count: 257) + Array("ustar".utf8) + [0, 0]),
            (.otherPickle, try TorchFixture.bytes("plain.pkl")), (.unknown, [1, 2, 3]),
            (.unknown, [UInt8](repeating: 0, count: 1000)),
        ]
        for (kind, bytes) in kinds {
            #expect(throws: kind) { try WeightContents(bytes: bytes) }
            #expect("\(WeightFileError.unrecognised(path: "a.pth", kind: kind))".hasPrefix("a.pth cannot be used"))
        }
    }
}
