import CounterRandom
import Evaluation
import MessagePassing
import Testing

@Suite struct StrongestSamplesTests {
    private func entries(count: Int) -> [StrongSample] {
        var stream = RandomStream(seed: 11, purpose: .test)
        // Few different strengths, so that there are many ties.
        return (0..<count).map { .init(strength: Float(stream.below(12)), sample: $0, pixel: stream.below(49)) }
    }

    private func strongest(_ entries: some Sequence<StrongSample>, capacity: Int = 5) -> StrongestSamples {
        var result = StrongestSamples(capacity: capacity)
        for entry in entries { result.offer(entry) }
        return result
    }

    @Test func theStrongestAreKeptAndTiesGoToTheLowerSample() {
        let all = entries(count: 200)
        let expected = all.sorted { ($0.strength, $1.sample) > ($1.strength, $0.sample) }.prefix(5)
        #expect(strongest(all).entries == Array(expected))
    }

    @Test func theOrderOfOffersDoesNotMatter() {
        let all = entries(count: 100)
        var stream = RandomStream(seed: 1, purpose: .test)
        for _ in 0..<10 { #expect(strongest(stream.shuffled(all)) == strongest(all)) }
    }

    @Test func theListsOfPartsMergeIntoTheListOfTheWhole() {
        let all = entries(count: 103)
        for partCount in [2, 3, 7] {
            var merged = StrongestSamples(capacity: 5)
            for part in 0..<partCount {
                merged.merge(strongest(all.filter { $0.sample % partCount == part }))
            }
            #expect(merged == strongest(all))
        }
    }

    @Test func listsComeBackFromTheirWords() throws {
        let lists = [0, 3, 100].map { strongest(entries(count: $0)) }
        var reader = WordReader(bytes(lists.flatMap(\.words)), rank: 1, subject: "lists")
        for list in lists { #expect(try StrongestSamples(capacity: 5, readingFrom: &reader) == list) }
        #expect(reader.isAtEnd)
    }

    @Test func aMessageThatIsNoListIsRefused() {
        let words = strongest(entries(count: 9)).words
        for damaged in [Array(words.dropLast()), [6] + words.dropFirst(), [.max], []] {
            #expect(throws: MessagePassingError.self) {
                var reader = WordReader(bytes(damaged), rank: 1, subject: "lists")
                _ = try StrongestSamples(capacity: 5, readingFrom: &reader)
            }
        }
    }

    private func bytes(_ words: [UInt32]) -> [UInt8] { words.withUnsafeBytes { Array($0) } }

    @Test func fewerSamplesThanPlacesAreAllKept() {
        #expect(strongest(entries(count: 3)).entries.count == 3)
    }
}
