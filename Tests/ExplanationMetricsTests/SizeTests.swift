import ExplanationMetrics
import Testing

@Suite struct SizeTests {
    @Test func theCoverHoldsNineTenthsOfThePositiveEvidence() {
        #expect(EvidenceSize.cover(of: [1, 5, -40, 3, 1]) == 3)
        #expect(EvidenceSize.cover(of: [9, 1]) == 1)
        #expect(EvidenceSize.cover(of: [2, 2], share: 1) == 2)
        #expect(EvidenceSize.cover(of: [-1, 0]) == 0)
    }

    @Test func theEffectiveNumberIsThatOfEqualParts() {
        #expect(isNear(EvidenceSize.effectiveNumber(of: [1, -1, 0, 1, 1]), 4, within: 1e-12))
        #expect(isNear(EvidenceSize.effectiveNumber(of: [0, 7]), 1, within: 1e-12))
        // Entropy of (3/4, 1/4): 2 ln 2 - 3/4 ln 3 = 0.5623351.
        #expect(isNear(EvidenceSize.effectiveNumber(of: [3, -1]), 1.7547654, within: 1e-6))
        #expect(EvidenceSize.effectiveNumber(of: [0, 0]) == 0)
    }

    @Test func theGiniIndexIsNoughtForEqualPartsAndLargestForOne() {
        #expect(Sparsity.gini(of: [2, -2, 2]) == 0)
        #expect(Sparsity.gini(of: [0, 0, 0, 4]) == 0.75)
        #expect(Sparsity.gini(of: [1, 3]) == 0.25)
        #expect(Sparsity.gini(of: [0]) == 0)
    }

    @Test func smallWeightsAndEffectiveConceptsAreCounted() {
        #expect(Sparsity.share(of: [0, 1e-3, -1e-3, 0.5]) == 0.75)
        #expect(EffectiveConcepts.count(in: [1, 0, 0, -2, 3, 0], classCount: 2) == 1.5)
        #expect(ExplanationSize.count(of: [1, -0.5, 0.0005], above: 1e-3) == 2)
    }
}
