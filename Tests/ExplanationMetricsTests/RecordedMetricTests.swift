import ExplanationMetrics
import Foundation
import Testing

/// The same figures as public implementations (`Reference/record.py`).
@Suite struct RecordedMetricTests {
    private struct Recorded: Decodable {
        struct Figures: Decodable { let pointing, energy, gini, entropy: Double }
        let side: Int
        let maps: [[Float]]
        let masks: [[Double]]
        let figures: [Figures]
        let first, second: [Float]
        let spearman: Double
        let relevant: [Int]
        let averagePrecision: Double
        let mixture: [Double]
        let overlap: Double
    }

    private func recorded() throws -> Recorded {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/metrics.json", withExtension: nil))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Recorded.self, from: Data(contentsOf: url))
    }

    @Test func mapsHaveTheFiguresOfQuantus() throws {
        let recorded = try recorded()
        let side = Double(recorded.side)
        for (index, map) in recorded.maps.enumerated() {
            let (mask, expected) = (recorded.masks[index], recorded.figures[index])
            let box = GridBox(left: mask[0] / side, top: mask[1] / side, right: mask[2] / side, bottom: mask[3] / side)
            let evidence = map.map { max(0, $0) }
            #expect(Localisation.pointing(map, width: recorded.side, at: [box]) == expected.pointing, "map \(index)")
            let coverage = Localisation.coverage(of: [box], width: recorded.side, height: recorded.side)
            let energy = try #require(Localisation.energy(map, inside: coverage))
            #expect(isNear(energy, expected.energy, within: 1e-6))
            #expect(isNear(Sparsity.gini(of: evidence), expected.gini, within: 1e-6))
            #expect(isNear(log(EvidenceSize.effectiveNumber(of: evidence)), expected.entropy, within: 1e-5))
        }
        #expect(Set(recorded.figures.map(\.pointing)) == [0, 1], "hits and misses are both among them")
    }

    @Test func ranksAndPrecisionAreThoseOfSciPyAndScikitLearn() throws {
        let recorded = try recorded()
        #expect(isNear(Correlation.spearman(recorded.first, recorded.second), recorded.spearman, within: 1e-12))
        let precision = AveragePrecision.value(scores: recorded.first, relevant: recorded.relevant.map { $0 == 1 })
        #expect(isNear(precision, recorded.averagePrecision, within: 1e-12))
    }

    @Test func theOverlapOfAMixtureIsThatOfScikitLearn() throws {
        let recorded = try recorded()
        // Both stop when the likelihood rises by less than 1e-3, from starts of their own.
        #expect(isNear(Contrastiveness.value(of: recorded.mixture), (1 - recorded.overlap), within: 0.02))
    }
}
