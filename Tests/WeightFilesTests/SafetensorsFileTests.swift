import DurableFiles
import Foundation
import SystemPackage
import TemporaryFolders
import Testing
import WeightFiles

struct SafetensorsFileTests {
    private func fixture(_ name: String) throws -> SafetensorsFile {
        let url = try #require(
            Bundle.module.url(forResource: name, withExtension: "safetensors", subdirectory: "Fixtures"))
        return try SafetensorsFile(FilePath(url.path))
    }

    @Test func `every element type of the reference implementation is read`() throws {
        let file = try fixture("types")
        #expect(file.metadata == ["format": "pt"])
        #expect(
            file.tensorNames == [
                "bf16", "bool", "empty", "f16", "f32", "f64", "i32", "i64", "scalar", "u8", "Ünïcode \"name\"\n",
            ])
        #expect(try file.floats("f32", shape: [2, 3]) == [0, -1.5, 3.25, 65504, 0x1p-24, -.infinity])
        #expect(try file.floats("f16") == [0, -1.5, 3.25, 65504, 0x1p-24, -.infinity])
        #expect(try file.floats("bf16") == [0, -1.5, 3.25, 65536, 0x1p-24, -.infinity])
        #expect(try file.floats("f64") == [0.1, -1.4, 3.35, 65504.1, Float(0x1p-24 + 0.1), -.infinity])
        #expect(try file.int64s("i64") == [.min, 0, .max])
        #expect(try file.withBytes(of: "i32") { Array($0) } == [1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF])
        #expect(try file.withBytes(of: "bool") { Array($0) } == [1, 0, 1])
        #expect(file.entry("scalar")?.shape == [])
        #expect(try file.floats("scalar") == [7.5])
        #expect(try file.floats("empty", shape: [0, 3]) == [])
        #expect(try file.floats("Ünïcode \"name\"\n") == [1])
        #expect(try file.digest() == ContentDigest(of: DurableFile.read(file.path)))
    }

    @Test func `all 65536 halves convert exactly`() throws {
        let floats = try fixture("halves").floats("halves")
        #expect(floats.count == 65536)
        for (index, value) in floats.enumerated() {
            let expected = Float(Float16(bitPattern: UInt16(truncatingIfNeeded: index - 32768)))
            #expect(value.bitPattern == expected.bitPattern || (value.isNaN && expected.isNaN), "index \(index)")
        }
    }

    @Test func `tensors that are not there, of other shape or of other type are named`() throws {
        let file = try fixture("types")
        let missing = #expect(throws: WeightFileError.self) { try file.floats("f33") }
        #expect(
            missing?.description.contains("no tensor \"f33\"; it has 11: \"bf16\", \"bool\", \"empty\", ...") == true)
        #expect(
            throws: WeightFileError.wrongShape(path: file.path, name: "f32", expected: [3, 2], found: [2, 3])
        ) { try file.floats("f32", shape: [3, 2]) }
        let wrongType = #expect(throws: WeightFileError.self) { try file.floats("i32") }
        #expect(wrongType?.description.contains("\"i32\" holds I32 where F64, F32, F16, BF16 is expected") == true)
        #expect(throws: WeightFileError.self) { try file.int64s("f32") }
        #expect(wrongType?.exitCode == 65)
    }

    @Test func `a missing file is missing, an empty one malformed`() throws {
        try withTemporaryFolder { folder throws in
            let path = folder.appending("a.safetensors")
            #expect(throws: DurableFileError.missing(path: path)) { try SafetensorsFile(path) }
            try DurableFile.write("", to: path)
            #expect(
                throws: WeightFileError.malformed(path: path, fault: .noHeaderLength(fileByteCount: 0))
            ) { try SafetensorsFile(path) }
        }
    }
}
