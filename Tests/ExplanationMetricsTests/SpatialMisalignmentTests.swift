import ExplanationMetrics
import Testing

@Suite struct SpatialMisalignmentTests {
    /// Of ten pixels the tenth with the largest values is one: 0.9 * 9 = 8.1, between the largest and the next.
    private func peak(_ place: Int) -> [Float] { (0..<10).map { $0 == place ? 9 : Float($0) / 10 } }

    @Test func thePlaceChangesByWhatTheStrongestPixelsDoNotShare() {
        #expect(SpatialMisalignment.locationChange(before: peak(2), after: peak(2)) == 0)
        #expect(SpatialMisalignment.locationChange(before: peak(2), after: peak(7)) == 100)
        // Of twenty pixels two are above the quantile; one of them moves: 1 of 3 is shared.
        var (before, after) = ([Float](repeating: 0, count: 20), [Float](repeating: 0, count: 20))
        (before[3], before[4], after[4], after[9]) = (5, 6, 7, 8)
        let change = SpatialMisalignment.locationChange(before: before, after: after)
        #expect(abs(change - 100 * 2.0 / 3) < 1e-12)
    }

    @Test func aFlatMapHasNoPlaceThatCouldChange() {
        let flat = [Float](repeating: 1, count: 10)
        #expect(SpatialMisalignment.locationChange(before: flat, after: flat) == 0)
        #expect(SpatialMisalignment.locationChange(before: peak(0), after: flat) == 100)
        #expect(SpatialMisalignment.locationChange(before: [], after: []) == 0)
    }

    @Test func theQuantileLiesBetweenTwoPixels() {
        // 0.9 * 3 = 2.7: the limit is 3 + 0.7 (4 - 3) = 3.7, so that 3.75 would be above it and 3.5 is not.
        #expect(SpatialMisalignment.locationChange(before: [1, 2, 3, 4], after: [1, 2, 4, 3]) == 100)
        #expect(SpatialMisalignment.locationChange(before: [4, 0, 0, 0], after: [3, 2, 0, 0]) == 0)
    }

    @Test func activationsAreComparedCutOffAtNought() {
        #expect(SpatialMisalignment.activationChange(before: 4, after: 3) == 25)
        #expect(SpatialMisalignment.activationChange(before: 4, after: 5) == -25, "it became stronger")
        #expect(SpatialMisalignment.activationChange(before: 4, after: -1) == 100)
        #expect(SpatialMisalignment.activationChange(before: 0, after: 1) == nil)
    }

    @Test func theRankingCountsChannelsOfOtherClassesAbove() {
        // Channel 1 falls behind channels 0 and 3; channel 2 is of its class and does not count.
        let (before, after): ([Float], [Float]) = ([1, 5, 2, 5], [4, 3, 9, 4])
        #expect(SpatialMisalignment.rankingChange(of: 1, among: [0, 3], before: before, after: after) == 2)
        #expect(SpatialMisalignment.rankingChange(of: 0, among: [3], before: before, after: after) == -1)
    }
}
