import MessagePassing
import Results
import Scorecard
import Testing

@Suite struct RowTests {
    private func key(_ metric: String, way: String = "places") -> ScorecardFigure.Key {
        .init("sizes", metric, "formula", way: way)
    }

    @Test func figuresAreMeansOverTheImagesThatHaveThem() throws {
        let columns = [
            Column(key: key("a"), reduction: .mean), Column(key: key("b"), reduction: .classMean),
            Column(key: key("c"), reduction: .mean),
        ]
        let rows = [
            ImageRow(sample: 4, values: [1, 1, .nan]), ImageRow(sample: 1, values: [.nan, 0, .nan]),
            ImageRow(sample: 2, values: [4, 0, .nan]),
        ]
        let table = try #require(
            try RowTable.gathered(rows, columns: columns, subject: "test", on: SingleProcess()))
        #expect(table.rows.map(\.sample) == [1, 2, 4])
        // Images 1 and 2 are of class 0, image 4 is of class 1.
        let figures = table.figures { $0 == 4 ? 1 : 0 }
        #expect(figures.map(\.key.metric) == ["a", "b"], "what no image has is no figure")
        #expect(figures[0].value == 2.5 && figures[0].imageCount == 2 && figures[0].standardError == 1.5)
        #expect(figures[1].value == 0.5 && figures[1].imageCount == 3)
    }

    @Test func countsArePooledOverTheImages() throws {
        let columns = [ScorecardFigure.Key](repeating: key("independence"), count: 2)
            .map { Column(key: $0, reduction: .pooledRemainder) }
        func figures(_ rows: [ImageRow]) throws -> [ScorecardFigure] {
            try #require(try RowTable.gathered(rows, columns: columns, subject: "test", on: SingleProcess()))
                .figures { _ in 0 }
        }
        // 1 of 2 and 0 of 6: 1 of 8, where the mean of the shares would be a quarter. An image without any has no part in it.
        let rows = [
            ImageRow(sample: 0, values: [1, 2]), ImageRow(sample: 1, values: [0, 6]),
            ImageRow(sample: 2, values: [0, 0]),
        ]
        let figure = try #require(try figures(rows).first)
        #expect(figure.value == 0.875 && figure.imageCount == 2)
        // Residuals 0.75 and -0.75: sqrt(2 * 0.5625 / 1 / 2) = 0.75, of means of 4.
        #expect(figure.standardError == 0.1875)
        #expect(try figures([ImageRow(sample: 0, values: [0, 0])]).isEmpty)
    }

    @Test func rowsSurviveTheirWayThroughAFileUpToTheFirstDamagedOne() {
        let rows = (0..<3).map { ImageRow(sample: $0, values: [Float($0), .nan]) }
        let bytes = rows.flatMap { PassLog.bytes($0) }
        func samples(_ bytes: [UInt8], width: Int = 2) -> [Int] { PassLog.rows(bytes, width: width).map(\.sample) }
        #expect(samples(bytes) == [0, 1, 2])
        #expect(PassLog.rows(bytes, width: 2)[2].values[0] == 2)
        #expect(samples(Array(bytes.dropLast())) == [0, 1], "not written whole")
        var damaged = bytes
        damaged[30] ^= 1
        #expect(samples(damaged) == [0])
        #expect(samples(bytes, width: 3) == [], "of another scorecard")
        #expect(samples([]) == [])
    }

    @Test func samplesAreSpreadEvenly() {
        #expect(Scorecard.spread([1, 2, 3], 5) == [1, 2, 3])
        #expect(Scorecard.spread(Array(0..<10), 5) == [1, 3, 5, 7, 9])
        #expect(Scorecard.spread(Array(0..<10), 0) == [])
    }

    @Test func groupsAreNamedOnceInTheirOrder() throws {
        #expect(try MetricGroup.list("all") == MetricGroup.allCases)
        #expect(try MetricGroup.list("sanity, sizes,sizes") == [.sizes, .sanity])
        #expect(throws: ScorecardError.noMetric) { try MetricGroup.list("") }
        do {
            _ = try MetricGroup.list("fidelty")
            Issue.record("an unknown group is refused")
        } catch {
            #expect("\(error)".contains("Did you mean fidelity?"))
        }
    }
}
