import StrictJSON
import Testing

struct JSONReaderTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test func `values are read`() throws {
        let value = try parse(
            #" {"a": [1, -2, 3.5, 1e2, true, false, null], "b": {"c": "x\n\u00e9\ud83d\ude00é"}, "d": []} "#)
        #expect(
            value
                == .object([
                    "a": .array([
                        .integer(1), .integer(-2), .number(3.5), .number(100), .bool(true), .bool(false), .null,
                    ]),
                    "b": .object(["c": .string("x\n\u{e9}\u{1F600}\u{e9}")]), "d": .array([]),
                ]))
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "]", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
        "{\"a\":1 \"b\":2}", "{1:1}",
        "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "NaN", "Infinity", "-Infinity", "1e999", "tru", "nul", "True",
        "'a'",
        "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
        "\"\n\"", "\"\u{0}\"",
        "1 2", "{} x", "[1] // comment", "/* */ 1",
    ])
    func `what RFC 8259 does not allow is refused`(text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test func `a key given twice is refused, few or many`() {
        #expect(throws: JSONError(offset: 14, problem: "the key \"a\" is given twice")) {
            try parse(#"{"a": 1, "a":2}"#)
        }
        let many = (0..<100).map { "\"k\($0)\":0" }.joined(separator: ",")
        #expect(throws: Never.self) { try parse("{\(many)}") }
        #expect(throws: JSONError.self) { try parse("{\(many),\"k57\":1}") }
        #expect(throws: JSONError.self, "escaped, it is still the same key") { try parse(#"{"a": 1, "\u0061":2}"#) }
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        for bytes in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82]] as [[UInt8]] {
            #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
        }
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0xEF, 0xBB, 0xBF, 0x31]) }
    }

    @Test func `nesting has a limit`() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try parse(nested(JSONReader.nestingLimit)) }
        #expect(throws: JSONError.self) { try parse(nested(JSONReader.nestingLimit + 1)) }
        #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
    }

    @Test func `keys have a limit`() {
        func object(_ count: Int) -> String { "{\"\(String(repeating: "k", count: count))\":1}" }
        #expect(throws: Never.self) { try parse(object(JSONReader.keyByteCountLimit)) }
        #expect(throws: JSONError.self) { try parse(object(JSONReader.keyByteCountLimit + 1)) }
    }

    @Test func `integers that do not fit or have a fraction are not integers`() throws {
        func integer(_ text: String) throws -> Int {
            try Array(text.utf8).withUnsafeBytes {
                var reader = JSONReader($0)
                return try reader.readInteger()
            }
        }
        #expect(try integer("9223372036854775807") == Int.max)
        #expect(throws: JSONError.self) { try integer("9223372036854775808") }
        #expect(throws: JSONError.self) { try integer("1.0") }
        #expect(throws: JSONError.self) { try integer("1e3") }
        #expect(throws: JSONError.self) { try integer("\"1\"") }
    }

    @Test func `every truncation of a text is refused`() throws {
        let text = Array(#"{"a": [1, {"b": "c\u00e9\n"}, null], "d": -1.5e-3}"#.utf8)
        _ = try JSONValue(parsing: text)
        for count in 0..<text.count {
            #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text[..<count])) }
        }
    }

    @Test func `text is the same for equal values and reads back`() throws {
        let value = JSONValue.object([
            "z": .array([.number(0.1), .integer(-3), .number(1e-7), .number(5), .number(-0.0), .number(1e22)]),
            "a\"\\\n\u{1}é": .object(["y": .null, "x": .bool(true)]), "e": .object([:]), "f": .array([]),
            "n": .array([.array([.integer(1)]), .object(["q": .string("/")])]),
        ])
        for indented in [false, true] {
            #expect(try parse(value.text(indented: indented)) == value)
        }
        #expect(
            JSONValue.object(["b": .integer(1), "a": .array([.integer(1), .integer(2)])]).text()
                == #"{"a":[1, 2], "b":1}"#)
    }

    @Test func `Swift values go in and come out`() throws {
        struct Preset: Codable, Equatable { var mean: [Float], size: Int, name: String?, exact: Double }
        let preset = Preset(mean: [0.485, 0.456, 1], size: 224, name: nil, exact: 0.1)
        #expect(try JSONValue(encoding: preset).decoded(as: Preset.self) == preset)
        #expect(try JSONValue(encoding: [JSONValue(encoding: preset)]).decoded(as: [Preset].self) == [preset])
    }
}
