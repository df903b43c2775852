import ExplanationMetrics
import Testing

@Suite struct LocalisationTests {
    private let left = GridBox(left: 0, top: 0, right: 0.5, bottom: 1)

    @Test func boxesOverlapByTheirUnion() {
        let other = GridBox(left: 0.25, top: 0, right: 0.75, bottom: 1)
        #expect(isNear(left.overlap(with: other), 1.0 / 3, within: 1e-15))
        #expect(left.overlap(with: left) == 1)
        #expect(left.overlap(with: GridBox(left: 0.6, top: 0, right: 1, bottom: 1)) == 0)
        #expect(GridBox(enclosing: [left, other]) == GridBox(left: 0, top: 0, right: 0.75, bottom: 1))
        #expect(
            GridBox(left: -1, top: 0.5, right: 0.5, bottom: 3).clipped
                == GridBox(left: 0, top: 0.5, right: 0.5, bottom: 1))
        #expect(GridBox(left: 1.5, top: 0, right: 2, bottom: 1).clipped == nil)
    }

    @Test func theLargestCellHitsOrMisses() {
        #expect(Localisation.pointing([1, 3, 2, 0], width: 2, at: [left]) == 0)
        #expect(Localisation.pointing([1, 3, 4, 0], width: 2, at: [left]) == 1)
        #expect(Localisation.pointing([3, 3, 0, 0], width: 2, at: [left]) == 0.5, "one of the two largest")
    }

    @Test func theEnergyInsideCountsCellsByWhatIsCovered() {
        let box = GridBox(left: 0, top: 0, right: 0.75, bottom: 0.5)
        let coverage = Localisation.coverage(of: [box], width: 2, height: 2)
        #expect(coverage == [1, 0.5, 0, 0])
        #expect(Localisation.energy([2, 4, -9, 4], inside: coverage) == 0.4)
        #expect(Localisation.energy([-1, 0, 0, 0], inside: coverage) == nil)
        #expect(Localisation.coverage(of: [box, box], width: 2, height: 2) == coverage, "a place counts once")
    }

    @Test func theBoxIsThatOfTheLargestPiece() {
        let map: [Float] = [
            9, 0, 0, 5,
            0, 0, 5, 0,
            0, 0, 0, 6,
            0, 0, 0, 0,
        ]
        // 9 alone, and three cells that meet at corners.
        #expect(
            BoxFromMap.box(of: map, width: 4, threshold: 0.5) == GridBox(left: 0.5, top: 0, right: 1, bottom: 0.75))
        #expect(
            BoxFromMap.box(of: map, width: 4, threshold: 0.9) == GridBox(left: 0, top: 0, right: 0.25, bottom: 0.25))
        #expect(BoxFromMap.box(of: [0, -1, 0, 0], width: 2, threshold: 0.1) == nil)
    }

    @Test func theAccuracyIsThatOfTheBestThreshold() {
        #expect(BoxFromMap.accuracy([[0.6, 0.2], [0.4, 0.5], [0.1, 0.7]], delta: 0.5) == 2.0 / 3)
        #expect(BoxFromMap.accuracy([[0.6, 0.2]], delta: 0.7) == 0)
    }
}
