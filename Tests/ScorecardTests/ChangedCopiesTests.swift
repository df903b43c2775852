import Scorecard
import Testing

@Suite struct ChangedCopiesTests {
    @Test func aSetOfCellsIsOneCopyInWhicheverOrderItIsAskedFor() {
        var copies = ChangedCopies(cellCount: 70)
        #expect(copies.number(of: []) == 0)
        #expect(copies.number(of: [69, 3, 64]) == 1)
        #expect(copies.number(of: [3, 64]) == 2)
        #expect(copies.number(of: [64, 69, 3]) == 1)
        #expect(copies.number(of: []) == 0)
        #expect(copies.sets == [[], [3, 64, 69], [3, 64]])
    }
}
