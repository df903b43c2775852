import CounterRandom
import Explanations
import Testing

@Suite struct StrongestSamplesTests {
    private func entries(count: Int) -> [StrongestSamples.Entry] {
        var stream = RandomStream(seed: 11, purpose: .test)
        // Few different strengths, so that there are many ties.
        return (0..<count).map { .init(strength: Float(stream.below(12)), sample: $0, pixel: stream.below(49)) }
    }

    private func strongest(_ entries: some Sequence<StrongestSamples.Entry>, capacity: Int = 5) -> StrongestSamples {
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

    @Test func listsComeBackFromTheirBytes() {
        let lists = [0, 3, 100].map { strongest(entries(count: $0)) }
        var bytes = lists.flatMap(\.bytes)[...]
        for list in lists { #expect(StrongestSamples(capacity: 5, readingFrom: &bytes) == list) }
        #expect(bytes.isEmpty)
    }

    @Test func fewerSamplesThanPlacesAreAllKept() {
        #expect(strongest(entries(count: 3)).entries.count == 3)
    }
}
