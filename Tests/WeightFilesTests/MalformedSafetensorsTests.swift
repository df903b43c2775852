import CounterRandom
import StrictJSON
import Testing
import WeightFiles

struct MalformedSafetensorsTests {
    private func file(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
        withUnsafeBytes(of: length ?? UInt64(header.utf8.count)) { Array($0) } + Array(header.utf8)
            + [UInt8](repeating: 7, count: data)
    }

    /// The fault of a file with this header and this many bytes of data; nil when it is accepted.
    private func fault(_ header: String, data: Int = 0, length: UInt64? = nil) throws -> SafetensorsFault? {
        try fault(file(header, data: data, length: length))
    }

    private func fault(_ bytes: [UInt8]) throws -> SafetensorsFault? {
        do {
            _ = try bytes.withUnsafeBytes { try SafetensorsHeader(of: $0) }
            return nil
        } catch let fault as SafetensorsFault {
            return fault
        }
    }

    private func isHeaderFault(_ header: String, data: Int = 0) throws -> Bool {
        if case .header = try fault(header, data: data) { true } else { false }
    }

    private func tensor(_ name: String, _ type: String = "U8", shape: String = "[2]", offsets: String = "[0,2]")
        -> String
    {
        "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }

    @Test func `the valid forms these tests start from are accepted`() throws {
        #expect(try fault("{}") == nil)
        #expect(try fault("{}   \n") == nil)
        #expect(try fault("{\(tensor("a"))}", data: 2) == nil)
        #expect(try fault("{\(tensor("b", offsets: "[2,4]")),\(tensor("a"))}", data: 4) == nil)
        #expect(try fault("{\(tensor("e", shape: "[0,9]", offsets: "[2,2]")),\(tensor("a"))}", data: 2) == nil)
        #expect(try fault("{\"__metadata__\":{\"a\":\"b\"},\(tensor("a"))}", data: 2) == nil)
    }

    @Test func `a file without the 8 bytes of the length`() throws {
        #expect(try fault([1, 2, 3]) == .noHeaderLength(fileByteCount: 3))
    }

    @Test func `a header that claims too much`() throws {
        #expect(try fault("{}", length: 100_000_001) == .headerTooLong(byteCount: 100_000_001))
        #expect(try fault("{}", length: .max) == .headerTooLong(byteCount: .max))
    }

    @Test func `a header longer than the file`() throws {
        #expect(try fault("{}", length: 3) == .headerCut(byteCount: 3, fileByteCount: 10))
        #expect(try fault("{}", length: 100_000_000) == .headerCut(byteCount: 100_000_000, fileByteCount: 10))
    }

    @Test func `a header that does not begin with a brace`() throws {
        #expect(try fault("") == .headerNotObject)
        #expect(try fault(" {}") == .headerNotObject)
        #expect(try fault("[]") == .headerNotObject)
    }

    @Test func `a header that is not JSON`() throws {
        for header in ["{", "{\"a\"", "{,}", "{} x", "{}{}", "{\"a\":}", "{\"a\u{0}\":1}", "{}\u{0}"] {
            #expect(try isHeaderFault(header), "\(header)")
        }
    }

    @Test func `a header that is not UTF-8`() throws {
        let header = Array("{\"__metadata__\":{\"a\":\"".utf8) + [0xFF] + Array("\"}}".utf8)
        let bytes = withUnsafeBytes(of: UInt64(header.count)) { Array($0) } + header
        #expect(try fault(bytes) == .header(JSONError(offset: 24, problem: "a string is not valid UTF-8")))
    }

    @Test func `a name given twice`() throws {
        #expect(try isHeaderFault("{\(tensor("a")),\(tensor("a"))}", data: 2))
        #expect(try isHeaderFault("{\(tensor("a")),\(tensor("a", offsets: "[2,4]"))}", data: 4))
        #expect(try isHeaderFault("{\(tensor("a")),\(tensor("\\u0061", offsets: "[2,4]"))}", data: 4))
    }

    @Test func `a key of a tensor given twice`() throws {
        #expect(
            try isHeaderFault(
                "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", data: 2))
    }

    @Test func `metadata given twice, with a key twice, or with other values than strings`() throws {
        #expect(try isHeaderFault("{\"__metadata__\":{},\"__metadata__\":{}}"))
        #expect(try isHeaderFault("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}"))
        #expect(try isHeaderFault("{\"__metadata__\":{\"\u{e9}\":\"\",\"e\u{301}\":\"\"}}"))
        #expect(try isHeaderFault("{\"__metadata__\":{\"a\":1}}"))
        #expect(try isHeaderFault("{\"__metadata__\":[]}"))
    }

    @Test func `a tensor that lacks a key or has one too many`() throws {
        #expect(try isHeaderFault("{\"a\":{\"shape\":[2],\"data_offsets\":[0,2]}}", data: 2))
        #expect(try isHeaderFault("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,2]}}", data: 2))
        #expect(try isHeaderFault("{\"a\":{\"dtype\":\"U8\",\"shape\":[2]}}", data: 2))
        #expect(try isHeaderFault("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2],\"x\":1}}", data: 2))
        #expect(try isHeaderFault("{\"a\":5}"))
    }

    @Test func `a name that is too long`() throws {
        #expect(try fault("{\(tensor(String(repeating: "n", count: 1024)))}", data: 2) == nil)
        #expect(try isHeaderFault("{\(tensor(String(repeating: "n", count: 1025)))}", data: 2))
    }

    @Test func `an unknown element type`() throws {
        #expect(try fault("{\(tensor("a", "F31"))}", data: 2) == .unknownElementType(tensor: "a", name: "F31"))
        #expect(try fault("{\(tensor("a", "u8"))}", data: 2) == .unknownElementType(tensor: "a", name: "u8"))
    }

    @Test func `a shape that is negative, fractional, too large or no list`() throws {
        for shape in ["[-2]", "[-0]", "[2.0]", "[2e0]", "2", "null", "[[2]]", "[\"2\"]", "[18446744073709551618]"] {
            #expect(try isHeaderFault("{\(tensor("a", shape: shape))}", data: 2), "\(shape)")
        }
    }

    @Test func `a shape whose product overflows`() throws {
        let side = 1 << 32
        #expect(
            try fault("{\(tensor("a", shape: "[\(side),\(side)]", offsets: "[0,0]"))}")
                == .shapeOverflow(tensor: "a", shape: [side, side]))
        #expect(
            try fault("{\(tensor("a", "F64", shape: "[\(Int.max / 4)]", offsets: "[0,2]"))}", data: 2)
                == .shapeOverflow(tensor: "a", shape: [Int.max / 4]))
    }

    @Test func `offsets that are reversed`() throws {
        #expect(
            try fault("{\(tensor("a", offsets: "[2,0]"))}", data: 2) == .reversedOffsets(tensor: "a", start: 2, end: 0))
    }

    @Test func `offsets that are not two`() throws {
        for offsets in ["[]", "[0]", "[0,2,2]", "0"] {
            #expect(try isHeaderFault("{\(tensor("a", offsets: offsets))}", data: 2))
        }
    }

    @Test func `offsets that do not fit the shape`() throws {
        #expect(
            try fault("{\(tensor("a", offsets: "[0,3]"))}", data: 3)
                == .wrongByteCount(tensor: "a", expected: 2, found: 3))
        #expect(
            try fault("{\(tensor("a", shape: "[]", offsets: "[0,0]"))}")
                == .wrongByteCount(tensor: "a", expected: 1, found: 0))
    }

    @Test func `a gap before the first tensor or between two`() throws {
        #expect(
            try fault("{\(tensor("a", offsets: "[1,3]"))}", data: 3)
                == .notContiguous(tensor: "a", expectedStart: 0, start: 1))
        #expect(
            try fault("{\(tensor("a")),\(tensor("b", offsets: "[3,5]"))}", data: 5)
                == .notContiguous(tensor: "b", expectedStart: 2, start: 3))
    }

    @Test func `tensors that overlap`() throws {
        #expect(
            try fault("{\(tensor("a")),\(tensor("b", offsets: "[1,3]"))}", data: 3)
                == .notContiguous(tensor: "b", expectedStart: 2, start: 1))
        #expect(try fault("{\(tensor("a")),\(tensor("b"))}", data: 2) != nil)
    }

    @Test func `a file longer or shorter than its header says`() throws {
        let header = "{\(tensor("a"))}"
        let full = 8 + header.utf8.count + 2
        #expect(try fault(header, data: 3) == .wrongFileLength(expected: full, found: full + 1))
        #expect(try fault(header, data: 1) == .wrongFileLength(expected: full, found: full - 1))
        #expect(try fault("{}", data: 1) == .wrongFileLength(expected: 10, found: 11))
    }

    @Test func `sizes near the largest integer are refused without a trap`() throws {
        let huge = tensor("a", shape: "[\(Int.max)]", offsets: "[0,\(Int.max)]")
        #expect(try fault("{\(huge)}") == .wrongFileLength(expected: .max, found: 10 + huge.utf8.count))
    }

    @Test func `every truncation is refused`() throws {
        let bytes = try SafetensorsWriter.encode(
            [.floats("a", [2], [1, 2]), .int64("b", [1], [3])], metadata: ["k": "v"])
        #expect(try fault(bytes) == nil)
        for count in 0..<bytes.count {
            #expect(try fault(Array(bytes[..<count])) != nil, "\(count) bytes of \(bytes.count)")
        }
    }

    @Test func `flipped bits of a header never crash, and what is accepted still tiles the file`() throws {
        let bytes = try SafetensorsWriter.encode(
            [.floats("weight", [2, 3], [1, 2, 3, 4, 5, 6]), .int64("bias", [2], [3, 4]), .float16("é", [], [0])],
            metadata: ["k": "v\n"])
        let headerEnd = bytes.count - 42
        let seed: UInt64 = 20_240_901
        var random = RandomStream(seed: seed, purpose: .test)
        var refused = 0
        for round in 0..<20_000 {
            var damaged = bytes
            for _ in 0...random.below(4) { damaged[random.below(headerEnd)] ^= 1 << UInt8(random.below(8)) }
            do {
                let header = try damaged.withUnsafeBytes { try SafetensorsHeader(of: $0) }
                #expect(header.entries.reduce(0) { $0 + $1.byteRange.count } == 42, "seed \(seed), round \(round)")
                #expect(header.entries.allSatisfy { $0.byteRange.upperBound <= bytes.count })
            } catch is SafetensorsFault {
                refused += 1
            }
        }
        #expect(refused > 10_000)
    }

    @Test func `a header of many tensors, or of hostile strings, is read in time that grows with its length`() throws {
        func expect(within limit: Duration, _ body: () throws -> Bool) rethrows {
            var passed = false
            let time = try ContinuousClock().measure { passed = try body() }
            #expect(passed)
            #expect(time < limit)
        }
        let many = (0..<50_000).map { tensor("t\($0)", offsets: "[\(2 * $0),\(2 * $0 + 2)]") }.joined(separator: ",")
        try expect(within: .seconds(5)) { try fault("{\(many)}", data: 100_000) == nil }
        // Comparing two such strings as Swift does takes quadratic time.
        let marks = String(String.UnicodeScalarView((0..<300_000).map { $0 % 2 == 0 ? "\u{301}" : "\u{323}" }))
        try expect(within: .seconds(2)) { try isHeaderFault("{\"\(marks)\":1}") }
        try expect(within: .seconds(2)) { try fault("{\"__metadata__\":{\"a\":\"\(marks)\"}}") == nil }
        let deep = String(repeating: "[", count: 1_000_000)
        #expect(try isHeaderFault("{\"a\":{\"shape\":\(deep)}}"))
    }
}
