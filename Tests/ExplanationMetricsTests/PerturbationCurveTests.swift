import ExplanationMetrics
import Testing

@Suite struct PerturbationCurveTests {
    @Test func areasAreThoseOfTheTrapeziumsAndTheMeanFall() {
        let curve = PerturbationCurve([1, 0.5, 0.5, 0])
        // (0.75 + 0.5 + 0.25) / 3, and (0 + 0.5 + 0.5 + 1) / 4.
        #expect(curve.area == 0.5 && curve.areaOver == 0.5)
        let early = PerturbationCurve([1, 0, 0])
        #expect(early.area == 0.25)
        #expect(isNear(early.areaOver, 2.0 / 3, within: 1e-15))
    }

    @Test func aLossIsTheMeanOfWhatIsMissing() {
        #expect(PerturbationCurve.meanLoss(from: 0.75, to: [0.5, 0]) == 0.5)
        #expect(PerturbationCurve.meanLoss(from: 0.5, to: [1]) == -0.5)
    }
}
