import FieldCoding
import Testing

@Suite struct FieldCodingTests {
    @Test func whatIsWrittenIsRead() throws {
        var writer = FieldWriter()
        writer.append(UInt64.max)
        writer.append(7)
        writer.append(-0.5)
        writer.append("größer")
        writer.append([1.5, -.infinity] as [Float])
        writer.append(list: ["a", ""]) { $0.append($1) }
        writer.append(optional: nil as String?) { $0.append($1) }
        writer.append(optional: "there") { $0.append($1) }
        writer.append(bytes: [1, 2, 3])

        var reader = FieldReader(writer.bytes)
        #expect(try reader.readInteger() == .max)
        #expect(try reader.readCount() == 7)
        #expect(try reader.readDouble() == -0.5)
        #expect(try reader.readText() == "größer")
        #expect(try reader.readFloats() == [1.5, -.infinity])
        #expect(try reader.readList(ofAtLeast: 8) { reader throws in try reader.readText() } == ["a", ""])
        #expect(try reader.readOptional { reader throws in try reader.readText() } == nil)
        #expect(try reader.readOptional { reader throws in try reader.readText() } == "there")
        #expect(try reader.readBytes() == [1, 2, 3])
        try reader.requireEnd()
    }

    @Test func bytesThatEndTooSoonAreAFault() {
        var writer = FieldWriter()
        writer.append("a text")
        for count in 0..<writer.bytes.count {
            var reader = FieldReader(Array(writer.bytes[..<count]))
            #expect(throws: FieldFault(problem: "it ends after \(count) bytes")) { try reader.readText() }
        }
    }

    /// A count is believed only as far as the bytes reach, so that nothing is allocated for it.
    @Test func aCountBeyondTheBytesIsAFault() {
        for count in [2, UInt64(Int.max), .max] {
            var writer = FieldWriter()
            writer.append(count)
            writer.append(1)
            var reader = FieldReader(writer.bytes)
            #expect(throws: FieldFault.self) {
                try reader.readList(ofAtLeast: 8) { reader throws in try reader.readInteger() }
            }
        }
        var writer = FieldWriter()
        writer.append(UInt64.max)
        var reader = FieldReader(writer.bytes)
        #expect(throws: FieldFault(problem: "18446744073709551615 is no count")) { try reader.readCount() }
    }

    @Test func whatFollowsTheEndIsAFault() {
        #expect(throws: FieldFault.self) { try FieldReader([0]).requireEnd() }
    }

    @Test func anOptionalIsThereOrNot() {
        var writer = FieldWriter()
        writer.append(2)
        var reader = FieldReader(writer.bytes)
        #expect(throws: FieldFault.self) { try reader.readOptional { reader throws in try reader.readText() } }
    }
}
