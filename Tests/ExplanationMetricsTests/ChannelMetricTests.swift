import ExplanationMetrics
import Testing

@Suite struct ChannelMetricTests {
    @Test func purityIsThatOfTheBestPart() {
        let purity = PartPurity.purity(hits: [3, 6, 0], visible: [4, 10, 0])
        #expect(purity?.share == 0.75 && purity?.part == 0)
        #expect(PartPurity.purity(hits: [1, 2], visible: [2, 4])?.part == 1, "of equal shares the one with more hits")
        #expect(PartPurity.purity(hits: [0], visible: [0]) == nil)
        #expect(PartPurity.isConsistent(hits: [4], visible: [5]) == true)
        #expect(PartPurity.isConsistent(hits: [3], visible: [5]) == false)
    }

    @Test func patchesAreSpacedEvenlyFromEdgeToEdge() {
        let first = PartPurity.patch(row: 0, column: 0, width: 7, height: 7)
        let last = PartPurity.patch(row: 6, column: 3, width: 7, height: 7)
        #expect(first.left == 0 && first.top == 0 && isNear(first.right, 1.0 / 7, within: 1e-12))
        #expect(isNear(last.bottom, 1, within: 1e-12) && isNear(last.left, 3.0 / 7, within: 1e-12))
        let box = PartPurity.box(row: 0, column: 1, width: 2, height: 2)
        #expect(
            isNear(box.left, (0.75 - 36.0 / 224), within: 1e-12)
                && isNear(box.bottom, (0.25 + 36.0 / 224), within: 1e-12))
    }

    @Test func precisionIsAveragedOverWhatIsFound() {
        let scores: [Float] = [0.6, 0.9, 0.7, 0.8]
        let relevant = [false, true, true, false]
        #expect(isNear(AveragePrecision.value(scores: scores, relevant: relevant), (1 + 2.0 / 3) / 2, within: 1e-15))
        #expect(
            isNear(
                AveragePrecision.value(scores: scores, relevant: relevant, relevantCount: 4), (1 + 2.0 / 3) / 4,
                within: 1e-15))
        #expect(AveragePrecision.value(scores: [1, 1], relevant: [false, true]) == 0.5, "equal scores have no order")
        #expect(AveragePrecision.value(scores: [1], relevant: [false]) == nil)
    }

    @Test func theRVCoefficientKnowsRotationsAndIndependence() {
        func rv(_ first: [Float], _ second: [Float], rows: Int, diagonal: Bool) -> Double {
            RVCoefficient.value(
                RVCoefficient.product(first, rowCount: rows, diagonal: diagonal),
                RVCoefficient.product(second, rowCount: rows, diagonal: diagonal))
        }
        let matrix: [Float] = [1, 2, 3, -1, 0, 5, 2, 2, -4, 1]
        // A quarter turn of the columns.
        let turned = stride(from: 0, to: 10, by: 2).flatMap { [-matrix[$0 + 1], matrix[$0]] }
        for diagonal in [true, false] {
            #expect(isNear(rv(matrix, turned, rows: 5, diagonal: diagonal), 1, within: 1e-6))
        }
        // One column each: RV is the square of their correlation, 0; RV2 of (-1, 0, 0) and (1, -2, -2) beside the diagonal.
        #expect(isNear(rv([1, -1, 0], [1, 1, -2], rows: 3, diagonal: true), 0, within: 1e-7))
        #expect(isNear(rv([1, -1, 0], [1, 1, -2], rows: 3, diagonal: false), -(1.0 / 3), within: 1e-6))
        let product = RVCoefficient.product([1, -1, 0], rowCount: 3, diagonal: true)
        #expect(isNear(RVCoefficient.mean([product, product, product]), 1, within: 1e-6))
        #expect(RVCoefficient.mean([product]) == nil)
    }

    @Test func correlationsAreOfColumnsThatVary() {
        #expect(Correlation.pearson([1, 2, 3], [2, 4, 6])! > 1 - 1e-12)
        #expect(Correlation.pearson([1, 1, 1], [2, 4, 6]) == nil)
        #expect(isNear(Correlation.spearman([1, 10, 100], [1, 2, 3]), 1, within: 1e-12))
        // Ranks (0.5, 0.5, 2) and (0, 1, 2).
        #expect(isNear(Correlation.spearman([1, 1, 2], [1, 2, 3]), 1.5 / 3.0.squareRoot(), within: 1e-12))
        // +1, -1 and -1, the constant one left out.
        #expect(
            isNear(
                Correlation.meanMagnitude(columns: [[1, 2, 3], [2, 4, 6], [3, 2, 1], [5, 5, 5]]), 1, within: 1e-12))
        #expect(Correlation.meanMagnitude(columns: [[1, 2], [3, 3]]) == nil)
    }

    @Test func aChannelIsPureWhereItIsAllOfAVector() {
        #expect(ChannelPurity.purity(of: 1, in: [3, 4]) == 0.8)
        #expect(ChannelPurity.purity(of: 0, in: [0, 0]) == 0)
    }

    @Test func independenceIsWhatTheFirstClassDoesNotHave() {
        // Above the smallest: 0, 1 | 2, 0: the second class has 2 of 3.
        let value = ClassIndependence.value(
            columns: [[1, 2, 3, 1], [7, 7, 7, 7]], labels: [0, 0, 1, 1], classCount: 2)
        #expect(isNear(value, 1.0 / 3, within: 1e-12))
        #expect(ClassIndependence.value(columns: [[7, 7]], labels: [0, 1], classCount: 2) == nil)
    }

    @Test func aChannelThatIsOnOrOffIsContrastive() {
        let sharp = (0..<100).map { Double($0 % 2) * 10 + Double($0) * 1e-3 }
        #expect(Contrastiveness.value(of: sharp)! > 0.999)
        #expect(Contrastiveness.value(of: [1, 1]) == nil)
    }

    @Test func mapsOfTwoClassesContrastByTheirAngle() {
        #expect(MapContrast.value([1, 0], [0, 2]) == 1)
        #expect(MapContrast.value([1, -5], [3, -1]) == 0)
        #expect(isNear(MapContrast.value([1, 1], [1, 0]), (1 - 0.5.squareRoot()), within: 1e-12))
        #expect(MapContrast.value([0, -1], [1, 1]) == nil)
    }
}
