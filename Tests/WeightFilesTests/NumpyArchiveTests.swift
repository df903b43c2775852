import SystemPackage
import Testing
import WeightFiles

/// Archives of NumPy's arrays, sound ones and others. `Reference/make_numpy_fixtures.py` writes the sound ones with NumPy.
struct NumpyArchiveTests {
    @Test(arguments: ["arrays.npz", "arrays-compressed.npz"])
    func arraysAreWhatNumPyHas(_ name: String) throws {
        let file = try WeightFile.open(TorchFixture.path("../Numpy/\(name)"))
        #expect(file.layout.form == .numpyArchive && file.layout.hasChecksums)
        let expected: [(String, ElementType, [Int])] = [
            ("Transformer.block.kernel", .float32, [2, 3]), ("bool", .bool, [2]), ("columns", .float64, [2, 3]),
            ("cube", .float32, [2, 3, 4]), ("empty", .float32, [0, 3]), ("half", .float16, [3]), ("i8", .int8, [2]),
            ("i64", .int64, [2]), ("scalar", .float64, []), ("u16", .uint16, [1]),
        ]
        #expect(file.tensorNames.sorted() == expected.map(\.0).sorted())
        for (name, type, shape) in expected {
            #expect(file.entry(name)?.elementType == type && file.entry(name)?.shape == shape, "\(name)")
        }
        #expect(try file.floats("Transformer.block.kernel") == [0, 1, 2, 3, 4, 5])
        // In the order of the shape, however they lie in the file.
        #expect(try file.floats("columns") == [0, 1, 2, 3, 4, 5])
        #expect(try file.floats("cube") == (0..<24).map { Float($0) })
        #expect(try file.floats("half") == [1, -2.5, 65504])
        #expect(try file.floats("scalar") == [7.5] && file.floats("empty") == [])
        #expect(try file.withBytes(of: "u16") { Array($0) } == [0x34, 0x12])
        #expect(file.layout.others.map(\.name) == ["big_endian", "fields", "objects", "text"])
    }

    // MARK: Damage

    private static let elements: [UInt8] = fourFloats

    private static func array(_ header: String, _ elements: [UInt8] = elements, version: UInt8 = 1) -> [UInt8] {
        let text = Array(header.utf8)
        let length = version == 1 ? littleEndian(UInt16(text.count)) : littleEndian(UInt32(text.count))
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + elements
    }

    private static func archive(_ array: [UInt8], name: String = "w.npy") -> [UInt8] {
        var builder = ZipBuilder()
        builder.records = [.init(name: name, data: array, checksum: checksum(array))]
        return builder.bytes
    }

    /// CRC-32, bit by bit.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
    }

    private static let sound = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }"

    @Test(arguments: [
        sound, "{'shape': (2,2), \"descr\": \"<f4\", 'fortran_order':False}   \n",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (4L,), }",
    ])
    func theValidHeadersTheseTestsStartFromAreAccepted(_ header: String) throws {
        for version: UInt8 in 1...3 {
            let bytes = Self.archive(Self.array(header, version: version))
            #expect(try WeightContents(bytes: bytes).elements(in: bytes) == ["w": Self.elements])
        }
    }

    @Test(arguments: [
        "", "{", "{}", "[]", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': 4, }",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (4,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4, }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-4,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'extra': 1, }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), } + __import__('os').system('true')",
        "{'descr': '<f4 , 'fortran_order': False, 'shape': (4,), }", "{'descr': [('a', '<f4'), 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (\(String(repeating: "1,", count: 65))), }",
    ])
    func headersThatNumPyDoesNotWrite(_ header: String) {
        #expect(throws: NumpyFault.badHeader("w")) { try WeightContents(bytes: Self.archive(Self.array(header))) }
    }

    @Test func arraysThatAreNone() {
        for array in [
            [], Array(Self.array(Self.sound).prefix(9)), Array(Self.array(Self.sound).prefix(30)),
            Self.array(Self.sound, version: 4), Self.array(Self.sound, version: 0), [UInt8](repeating: 0, count: 100),
            [0x93] + Array("NUMPY".utf8) + [2, 0, 0xFF, 0xFF, 0xFF, 0x7F] + [UInt8](repeating: 0x20, count: 100),
        ] {
            #expect(throws: NumpyFault.badHeader("w")) { try WeightContents(bytes: Self.archive(array)) }
        }
    }

    @Test func elementsThatAreTooManyOrTooFew() {
        for elements in [Self.elements.dropLast(), Self.elements + [0], []] {
            #expect(throws: NumpyFault.wrongByteCount("w", expected: 16, found: elements.count)) {
                try WeightContents(bytes: Self.archive(Self.array(Self.sound, Array(elements))))
            }
        }
    }

    @Test func elementsOfOtherKindsAreNamedAndNotRead() throws {
        for type in ["'>f4'", "'|O'", "'|V2'", "[('a', '<f4'), ('b', '<i8', (2,))]", "'<f16'"] {
            let header = "{'descr': \(type), 'fortran_order': False, 'shape': (1,), }"
            #expect(throws: LayoutFault.noTensors(root: "arrays of other kinds", keys: [])) {
                try WeightContents(bytes: Self.archive(Self.array(header)))
            }
        }
    }

    @Test func dataThatDoesNotMatchItsChecksum() throws {
        var bytes = Self.archive(Self.array(Self.sound))
        let contents = try WeightContents(bytes: bytes)
        bytes[contents.tensors[0].entry.byteRange.lowerBound] ^= 1
        #expect(throws: TorchFault.zip(.wrongChecksum("w.npy"))) {
            try WeightContents(bytes: bytes).elements(in: bytes)
        }
    }
}
