import DurableFiles
import Foundation
import SystemPackage
import TemporaryFolders
import Testing
import WeightFiles

struct SafetensorsWriterTests {
    @Test func `the bytes are those of the reference implementation`() throws {
        let url = try #require(
            Bundle.module.url(forResource: "plain", withExtension: "safetensors", subdirectory: "Fixtures"))
        let expected = try DurableFile.read(FilePath(url.path))
        #expect(
            try SafetensorsWriter.encode([.floats("a", [2, 3], [0, 1, 2, 3, 4, 5]), .float16("b", [1], [5])])
                == expected)
    }

    @Test func `what was written is read back, in the order given, with aligned data`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("a.safetensors")
            let metadata = ["z": "1", "a": "quote \" \\ \n é", "": "empty"]
            let digest = try SafetensorsWriter.write(
                [
                    .int64("labels", [3], [1, -2, .max]), .floats("x", [2, 1], [.pi, -0.0]),
                    .float16("h", [2, 2], [1, 65519, 65520, 1 + 0x1p-11]), .floats("none", [4, 0], []),
                    .init(name: "raw", elementType: .uint8, shape: [5]) { sink in
                        for byte in UInt8(1)...5 { try withUnsafeBytes(of: byte) { try sink($0) } }
                    },
                ], metadata: metadata, to: path)
            #expect(try ContentDigest.ofFile(path) == digest)
            let file = try SafetensorsFile(path)
            #expect(file.metadata == metadata)
            #expect(file.entries.sorted { $0.byteRange.lowerBound < $1.byteRange.lowerBound }.first?.name == "labels")
            #expect(file.entry("labels")!.byteRange.lowerBound % 8 == 0)
            #expect(try file.int64s("labels") == [1, -2, .max])
            #expect(
                try file.floats("x", shape: [2, 1]).map(\.bitPattern) == [
                    Float.pi.bitPattern, (-Float.zero).bitPattern,
                ])
            #expect(try file.floats("h") == [1, 65504, .infinity, 1])
            #expect(try file.withBytes(of: "raw") { Array($0) } == [1, 2, 3, 4, 5])
        }
    }

    @Test func `equal arguments give equal bytes, with or without tensors`() throws {
        let metadata = Dictionary(uniqueKeysWithValues: (0..<50).map { ("k\($0)", "v\($0)") })
        let entries = [SafetensorsWriter.Entry.floats("a", [1], [2])]
        let bytes = try SafetensorsWriter.encode(entries, metadata: metadata)
        for _ in 0..<5 {
            let again = Dictionary(uniqueKeysWithValues: metadata.shuffled().map { ($0.key, $0.value) })
            #expect(try SafetensorsWriter.encode(entries, metadata: again) == bytes)
        }
        let empty = try SafetensorsWriter.encode([])
        #expect(String(decoding: empty[8...], as: UTF8.self) == "{}      ")
        try withTemporaryFolder { folder throws in
            try DurableFile.write(empty, to: folder.appending("a"))
            #expect(try SafetensorsFile(folder.appending("a")).tensorNames == [])
            try DurableFile.write(SafetensorsWriter.encode([], metadata: ["a": "b"]), to: folder.appending("b"))
            #expect(try SafetensorsFile(folder.appending("b")).metadata == ["a": "b"])
        }
    }

    @Test func `a producer's error leaves no file`() throws {
        struct Stop: Error {}
        try withTemporaryFolder { folder throws in
            let path = folder.appending("a.safetensors")
            let entry = SafetensorsWriter.Entry(name: "a", elementType: .uint8, shape: [1]) { _ in throw Stop() }
            #expect(throws: Stop.self) { try SafetensorsWriter.write([entry], to: path) }
            #expect(try DurableDirectory.names(in: folder) == [])
        }
    }
}
