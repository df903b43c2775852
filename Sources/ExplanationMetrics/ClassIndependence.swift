/// Whether channels are about more than one class: 1 - mean over channels of the largest share of a channel's activations,
/// counted from its smallest, that one class has (Norrenbrock et al., "Q-SENN", AAAI 2024, and "QPM", ICLR 2025).
public enum ClassIndependence {
    public static let formula = "qsenn:class-independence"

    /// Nil for a channel that is constant.
    public static func dependence(of activations: [Double], labels: [Int], classCount: Int) -> Double? {
        guard let least = activations.min() else { return nil }
        var sums = [Double](repeating: 0, count: classCount)
        for (value, label) in zip(activations, labels) { sums[label] += value - least }
        let total = sums.reduce(0, +)
        return total > 0 ? sums.max()! / total : nil
    }

    /// Nil if all channels are constant.
    public static func value(columns: [[Double]], labels: [Int], classCount: Int) -> Double? {
        let shares = columns.compactMap { dependence(of: $0, labels: labels, classCount: classCount) }
        return shares.isEmpty ? nil : 1 - shares.reduce(0, +) / Double(shares.count)
    }
}
