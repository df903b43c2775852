import ExplanationMetrics
import Foundation
import Results

enum Summary {
    /// The mean and its standard error.
    static func mean(_ values: [Double]) -> (value: Double, error: Double?) {
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        guard values.count > 1 else { return (mean, nil) }
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, (squares / (count - 1) / count).squareRoot())
    }

    /// The mean of the classes' means, and its standard error over classes.
    static func classMean(_ values: [(label: Int, value: Double)]) -> (value: Double, error: Double?) {
        var sums: [Int: (sum: Double, count: Int)] = [:]
        for (label, value) in values {
            sums[label, default: (0, 0)].sum += value
            sums[label]!.count += 1
        }
        return mean(sums.keys.sorted().map { sums[$0]!.sum / Double(sums[$0]!.count) })
    }
}

extension RowTable {
    /// The share of images whose best box overlaps by delta, for each delta and on average over them.
    static func boxFigures(
        _ overlaps: [[Float]], _ key: ScorecardFigure.Key
    ) -> [ScorecardFigure] {
        let values = BoxFromMap.overlaps.map { BoxFromMap.accuracy(overlaps, delta: $0) }
        func figure(_ metric: String, _ formula: String, _ threshold: Double?, _ value: Double)
            -> ScorecardFigure
        {
            ScorecardFigure(
                key: .init(key.group, metric, formula, way: key.way, threshold: threshold, better: .higher),
                value: value, imageCount: overlaps.count)
        }
        return zip(BoxFromMap.overlaps, values).map {
            figure("box-accuracy", BoxFromMap.accuracyFormula, $0, $1)
        } + [
            figure(
                "box-accuracy", BoxFromMap.meanAccuracyFormula, nil,
                values.reduce(0, +) / Double(BoxFromMap.overlaps.count))
        ]
    }
}

/// Columns on their way to rank 0.
enum ColumnCoding {
    static func bytes(_ columns: [Column]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return Array(try encoder.encode(columns))
    }

    static func columns(_ bytes: [UInt8]) throws -> [Column] {
        try JSONDecoder().decode([Column].self, from: Data(bytes))
    }
}
