import ExplanationMetrics
import Testing

@Suite struct OrderStatisticTests {
    @Test func isWhatStandsThereInSortedValues() {
        var word: UInt32 = 1
        for count in [1, 2, 3, 7, 64, 501] {
            // Some of them equal.
            let values = (0..<count).map { _ -> Float in
                word = word &* 1_664_525 &+ 1_013_904_223
                return Float(word >> 25) - 40
            }
            let sorted = values.sorted()
            for place in 0..<count {
                let pair = OrderStatistic.pair(at: place, of: values)
                #expect(pair.0 == sorted[place] && pair.next == sorted[min(place + 1, count - 1)])
            }
        }
        #expect(OrderStatistic.pair(at: 1, of: [2, 2, 2]) == (2, 2))
    }
}
