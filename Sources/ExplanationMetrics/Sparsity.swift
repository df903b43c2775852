/// How unevenly an explanation or a classifier is spread.
public enum Sparsity {
    public static let giniFormula = "gini:magnitude"
    public static let weightFormula = "share-of-weights-at-most:absolute"
    /// PIP-Net takes weights up to this for none (util/eval_cub_csv.py, main.py: 1e-3).
    public static let absoluteThreshold: Float = 1e-3

    /// The Gini index of the magnitudes: 0 if all are equal, (n - 1) / n if one has all (Chalasani et al., ICML 2020; Quantus'
    /// `Sparseness`). 0 if all are zero.
    public static func gini(of values: [Float]) -> Double {
        let sorted = values.map { Double(abs($0)) }.sorted()
        let total = sorted.reduce(0, +)
        guard total > 0 else { return 0 }
        let count = Double(sorted.count)
        var sum = 0.0
        for (index, value) in sorted.enumerated() { sum += (2 * Double(index + 1) - count - 1) * value }
        return sum / (count * total)
    }

    /// The share of the weights whose magnitude is at most `threshold`.
    public static func share(of weights: [Float], atMost threshold: Float = absoluteThreshold) -> Double {
        weights.isEmpty ? 0 : Double(weights.count { abs($0) <= threshold }) / Double(weights.count)
    }
}
