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

    @Test func theTourGoesToTheCopyThatDiffersLeast() {
        var copies = ChangedCopies(cellCount: 70)
        for cells in [[0], [0, 1, 2, 69], [0, 1], [3, 4, 5, 6], [0, 1, 2]] { _ = copies.number(of: cells[...]) }
        #expect(copies.tour == [0, 2, 4, 1, 3])
        #expect(ChangedCopies(cellCount: 4).tour == [])
    }
}
