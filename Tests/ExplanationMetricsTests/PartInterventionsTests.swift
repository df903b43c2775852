import ExplanationMetrics
import Testing

@Suite struct PartInterventionsTests {
    /// Parts A, B, C of four classes.
    private let variants = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [0, 0, 1]]

    @Test func sufficientSetsAreTheSmallestThatNoOtherClassHas() {
        // C = 0 is the first class's alone. The last has A = 0, B = 0, C = 1: each pair of these but all three with others.
        #expect(PartInterventions.sufficientSets(of: 0, variants: variants) == [0b100])
        #expect(PartInterventions.sufficientSets(of: 3, variants: variants) == [0b111])
        #expect(PartInterventions.sufficientSets(of: 1, variants: variants) == [0b010])
        #expect(PartInterventions.sufficiency(of: 0b101, sets: [0b111, 0b110]) == 2.0 / 3)
        #expect(PartInterventions.sufficiency(of: 0b101, sets: []) == nil)
    }

    @Test func partsAreNamedAboveAShareOfAllImportance() {
        #expect(PartInterventions.important([0.5, 0.1, 0.4], threshold: 0.1, total: 1) == 0b101)
        #expect(PartInterventions.important([5, 1, 4], threshold: 0.05, total: 10) == 0b111)
        #expect(PartInterventions.thresholds.first == 0.01 && PartInterventions.thresholds.count == 80)
        #expect(isNear(PartInterventions.thresholds.last, 0.5))
    }

    @Test func whatHardlyChangesTheLogitIsUnimportant() {
        // Of 10: 9.6 is 4 % less, 9 is 10 % less, 12 is more.
        #expect(PartInterventions.unimportant(without: [9.6, 9, 12], whole: 10) == 0b101)
        #expect(PartInterventions.unimportant(without: [-10.4, -11], whole: -10) == 0b01)
        #expect(PartInterventions.dependenceCount(without: [9.6, 9, 12, 2], whole: 10) == 2)
    }

    @Test func importancesAreHeldAgainstWhatDeletionsCost() {
        #expect(isNear(PartInterventions.singleDeletion(falls: [1, 2, 3], importances: [10, 20, 30]), 1))
        #expect(isNear(PartInterventions.singleDeletion(falls: [1, 2, 3], importances: [3, 2, 1]), 0))
        #expect(PartInterventions.singleDeletion(falls: [1, 1, 1], importances: [3, 2, 1]) == nil)
    }

    @Test func targetsShareTwoPartsEachAndNoneOfThemWithEachOther() {
        // The last class shares A and B with the first, A and C with the second, B and C with the third: no two without a common part.
        #expect(PartInterventions.targets(of: 3, variants: variants) == nil)
        let wide = [[0, 0, 0, 0, 0], [0, 0, 1, 1, 1], [0, 1, 0, 1, 1], [1, 1, 0, 0, 1], [0, 0, 0, 1, 1]]
        let targets = PartInterventions.targets(of: 0, variants: wide)
        #expect(targets?.first.label == 1 && targets?.first.shared == 0b00011)
        #expect(targets?.second.label == 3 && targets?.second.shared == 0b01100)
    }

    @Test func completenessIsTakenWhereItIsLargest() {
        let completeness = PartInterventions.Completeness(
            sufficiency: [1, 0.5, 0], preservation: [1, 1, 0], deletion: [1, 0, 0], distractibility: [0, 1, 1])
        // 1 + 0, 0.5 + 1, 0 + 1.
        #expect(completeness?.threshold == PartInterventions.thresholds[1])
        #expect(completeness?.value == 0.75 && completeness?.sufficiency == 0.5 && completeness?.distractibility == 1)
    }
}
