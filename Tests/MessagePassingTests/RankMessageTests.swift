import MessagePassing
import Testing

@Suite struct RankMessageTests {
    @Test func wordsAreReadBack() throws {
        let values = try SingleProcess().gatherMessages([7, 2, 10, 11], to: 0, of: "numbers") { reader in
            [try reader.next()] + (try reader.next(count: Int(try reader.next())))
        }
        #expect(values == [[7, 10, 11]])
    }

    @Test func aMessageThatIsTooShortOrTooLongNamesItsRank() {
        var short = WordReader([1, 2, 3], rank: 4, subject: "numbers")
        #expect(
            throws: MessagePassingError.malformedMessage(
                rank: 4, subject: "numbers", problem: "it ends after 3 bytes")
        ) { try short.next() }
        var announced = WordReader([1, 0, 0, 0], rank: 2, subject: "numbers")
        #expect(throws: MessagePassingError.self) { try announced.next(count: .max) }
        #expect(throws: MessagePassingError.self) {
            _ = try SingleProcess().gatherMessages([1, 2], to: 0, of: "numbers") { try $0.next() }
        }
    }
}
