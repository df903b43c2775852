import ExplanationMetrics
import Testing

@Suite struct ExplanationMetricsTests {
    @Test func theSizeCountsLargeContributionsOfEitherSign() {
        #expect(ExplanationSize.count(of: [1, -0.2, 0.19, -0.5, 0]) == 3)
        #expect(ExplanationSize.count(of: [-10, 1.9, 2]) == 2)
        #expect(ExplanationSize.count(of: [3, 3, 3], atLeast: 1) == 3)
    }

    @Test func nothingHasNoSize() {
        #expect(ExplanationSize.count(of: []) == 0)
        #expect(ExplanationSize.count(of: [0, 0]) == 0)
    }

    @Test func theShareIsOfThePositiveContributionsAlone() {
        #expect(EvidenceShare.share(of: [1, 4, -7, 2, 1], first: 2) == 0.75)
        #expect(EvidenceShare.share(of: [1, 2], first: 10) == 1)
        #expect(EvidenceShare.share(of: [0, -1], first: 1) == 1, "there is nothing to show")
        #expect(EvidenceShare.share(of: Array(repeating: 1, count: 40)) == 0.25)
    }

    @Test func theResidualIsRelativeToTheLogit() {
        #expect(Completeness.residual(sum: 5, contributions: [2, 3], logit: 5) == 0)
        #expect(abs(Completeness.residual(sum: 5.05, contributions: [2, 3], logit: 5) - 0.01) < 1e-9)
    }

    @Test func whereContributionsCancelItIsRelativeToATenthOfThem() {
        // 1000 - 1000 + 0.01: the logit alone would make rounding look like a fault.
        let residual = Completeness.residual(sum: 0.012, contributions: [1000, -1000, 0.01], logit: 0.01)
        #expect(abs(residual - 0.002 / 200.001) < 1e-8)
        #expect(Completeness.residual(sum: 0, contributions: [], logit: 0) == 0)
    }
}
