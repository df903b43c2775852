/// Correlation of two rows of numbers.
public enum Correlation {
    public static let meanFormula = "pearson:mean-magnitude"
    public static let rankFormula = "spearman"

    /// Pearson's; nil if one of them is constant.
    public static func pearson(_ first: [Double], _ second: [Double]) -> Double? {
        guard let first = standardised(first), let second = standardised(second) else { return nil }
        return zip(first, second).reduce(0) { $0 + $1.0 * $1.1 }
    }

    /// Spearman's, equal numbers having the mean of their ranks; nil if one of them is constant.
    public static func spearman(_ first: [Float], _ second: [Float]) -> Double? {
        pearson(ranks(first), ranks(second))
    }

    /// The mean magnitude of Pearson's correlation over all pairs of columns that are not constant; nil for fewer than two.
    public static func meanMagnitude(columns: [[Double]]) -> Double? {
        let columns = columns.compactMap(standardised)
        guard columns.count > 1 else { return nil }
        var sum = 0.0
        for first in columns.indices {
            for second in 0..<first {
                sum += abs(zip(columns[first], columns[second]).reduce(0) { $0 + $1.0 * $1.1 })
            }
        }
        return sum / Double(columns.count * (columns.count - 1) / 2)
    }

    /// With mean 0 and norm 1.
    private static func standardised(_ values: [Double]) -> [Double]? {
        guard let first = values.first, values.contains(where: { $0 != first }) else { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        let centred = values.map { $0 - mean }
        let norm = centred.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return norm > 0 ? centred.map { $0 / norm } : nil
    }

    static func ranks(_ values: [Float]) -> [Double] {
        let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
        var ranks = [Double](repeating: 0, count: values.count)
        var place = 0
        while place < order.count {
            var end = place
            while end < order.count, values[order[end]] == values[order[place]] { end += 1 }
            for index in place..<end { ranks[order[index]] = Double(place + end - 1) / 2 }
            place = end
        }
        return ranks
    }
}
