import CounterRandom
import DisentangledHead
import Testing

@Suite("Ranking")
struct RankingTests {
    @Test("Larger scores come first, equal ones by index, what is not a number last")
    func order() {
        let scores: [Float] = [1, .nan, 3, 3, -.infinity, 2, .nan, .infinity]
        #expect(Ranking.order(of: scores) == [7, 2, 3, 5, 0, 4, 1, 6])
        #expect(Ranking.top(3, of: scores[...]) == [7, 2, 3])
        #expect(Ranking.first(of: scores[...]) == 7)
        #expect(Ranking.rank(of: 3, in: scores[...]) == 2)
        #expect(Ranking.rank(of: 1, in: scores[...]) == nil)
        #expect(Ranking.first(of: []) == nil && Ranking.top(5, of: []).isEmpty)
        #expect(Ranking.first(of: [.nan, .nan]) == 0)
    }

    @Test("Indices count from the start of a slice")
    func slices() {
        let scores: [Float] = [9, 9, 1, 5, 3]
        #expect(Ranking.order(of: scores[2...]) == [1, 2, 0])
        #expect(Ranking.rank(of: 2, in: scores[2...]) == 1)
    }

    @Test("All of them agree on random scores with ties")
    func agreement() {
        var stream = RandomStream(seed: 8, purpose: .test)
        for _ in 0..<50 {
            let scores = (0..<20).map { _ in Float(stream.below(6)) }
            let order = Ranking.order(of: scores)
            #expect(Ranking.top(7, of: scores[...]) == Array(order.prefix(7)))
            #expect(Ranking.first(of: scores[...]) == order[0])
            for (rank, index) in order.enumerated() { #expect(Ranking.rank(of: index, in: scores[...]) == rank) }
        }
    }
}
