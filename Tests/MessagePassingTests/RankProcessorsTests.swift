import MessagePassing
import Testing

@Suite struct RankProcessorsTests {
    @Test func ranksThatMayRunAnywhereDivideTheHost() {
        let free = [UInt8](repeating: 1, count: 8)
        for (count, share) in [(1, 8), (2, 4), (3, 2), (4, 2), (8, 1), (11, 1)] {
            let processors = RankProcessors(
                masks: .init(repeating: free, count: count), hosts: .init(repeating: "h", count: count))
            #expect((0..<count).allSatisfy { processors.share(ofRank: $0) == share }, "\(count) ranks")
        }
    }

    @Test func boundRanksUseTheirProcessors() {
        let processors = RankProcessors(
            masks: [[1, 1, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1]], hosts: ["a", "a", "b"])
        #expect((0..<3).map { processors.share(ofRank: $0) } == [3, 1, 4])
        #expect(processors.warnings(workerCounts: [3, 1, 4]).isEmpty)
    }

    @Test func moreThreadsThanProcessorsAreSaid() {
        let processors = RankProcessors(masks: [[1, 1], [1, 1], [1, 1]], hosts: ["a", "b", "a"])
        let warnings = processors.warnings(workerCounts: [2, 2, 1])
        #expect(warnings.count == 1 && warnings[0].hasPrefix("a has 2 processors for the 3 threads of 2 ranks"))
    }
}
