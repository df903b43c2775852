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

    /// 1 - the sum of the counts / the sum of what they are of, and its standard error as that of a ratio of means over images; nil
    /// if they are of nothing.
    static func pooledRemainder(_ counts: [(count: Double, total: Double)]) -> (value: Double, error: Double?)? {
        let counts = counts.filter { $0.total > 0 }
        let (count, total) = counts.reduce((0.0, 0.0)) { ($0.0 + $1.count, $0.1 + $1.total) }
        guard total > 0 else { return nil }
        let ratio = count / total
        guard counts.count > 1 else { return (1 - ratio, nil) }
        let number = Double(counts.count)
        let squares = counts.reduce(0) {
            $0 + ($1.count - ratio * $1.total) * ($1.count - ratio * $1.total)
        }
        return (1 - ratio, (squares / (number - 1) / number).squareRoot() / (total / number))
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

extension RowTable {
    /// Completeness at the threshold where it is largest, and what it is made of.
    func completeness(from place: Int, _ key: ScorecardFigure.Key) -> [ScorecardFigure] {
        let count = PartInterventions.thresholds.count
        var images = 0
        let curves = (0..<4).map { curve in
            (0..<count).map { threshold -> Double in
                let values = rows.map { $0.values[place + curve * count + threshold] }.filter { !$0.isNaN }
                images = max(images, values.count)
                return values.isEmpty ? 0 : values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
            }
        }
        guard images > 0,
            let best = PartInterventions.Completeness(
                sufficiency: curves[0], preservation: curves[1], deletion: curves[2], distractibility: curves[3])
        else { return [] }
        return [
            ("completeness", best.value), ("completeness-csdc", best.sufficiency),
            ("completeness-pc", best.preservation),
            ("completeness-dc", best.deletion), ("completeness-d", best.distractibility),
            ("completeness-threshold", best.threshold),
        ].map { metric, value in
            ScorecardFigure(
                key: .init(
                    key.group, metric, key.formula, way: key.way, model: key.model,
                    better: metric == "completeness-threshold" ? nil : .higher),
                value: value, imageCount: images)
        }
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
