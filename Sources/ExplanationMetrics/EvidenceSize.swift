import ElementaryFunctions

/// How many parts of an explanation (channels, cells) its evidence is spread over, without a cut-off that depends on its scale.
public enum EvidenceSize {
    /// The smallest number of parts that hold 90 % of the positive evidence.
    public static let coverFormula = "cover:positive"
    /// exp(entropy) of |r| / sum |r|: n for n equal parts, 1 for one.
    public static let effectiveFormula = "exp-entropy:magnitude"
    /// The share of the positive evidence that `cover` asks for.
    public static let coveredShare = 0.9

    /// The smallest number of the largest positive values that make at least `share` of all of them; 0 if none is positive.
    public static func cover(of values: [Float], share: Double = coveredShare) -> Int {
        let positive = values.filter { $0 > 0 }.sorted(by: >)
        let total = positive.reduce(0.0) { $0 + Double($1) }
        var sum = 0.0
        for (index, value) in positive.enumerated() {
            sum += Double(value)
            // Sums of the same numbers in the same order: the last one is the total, bit for bit.
            if sum >= share * total { return index + 1 }
        }
        return positive.count
    }

    /// exp(-sum q ln q) with q = |r| / sum |r|; 0 if all are zero.
    public static func effectiveNumber(of values: [Float]) -> Double {
        let total = values.reduce(0.0) { $0 + Double(abs($1)) }
        guard total > 0 else { return 0 }
        let entropy = values.reduce(0.0) { sum, value in
            let share = Double(abs(value)) / total
            return share > 0 ? sum - share * logarithm(share) : sum
        }
        return exponential(entropy)
    }
}
