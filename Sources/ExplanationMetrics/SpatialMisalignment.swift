/// How much a channel minds what is done to an image away from the place that it is said to look at (Sacha et al., "Interpretability
/// Benchmark for Evaluating Spatial Misalignment of Prototypical Parts Explanations", AAAI 2024, arXiv 2308.08162, as
/// gmum/interpretability-benchmark computes it). Percentages, and a number of channels; the less the better.
public enum SpatialMisalignment {
    /// 100 (1 - intersection over union) of the tenth of the pixels where the channel is strongest, before and after.
    public static let locationFormula = "spatial-misalignment:plc"
    /// 100 (1 - maximum after / maximum before), of activations cut off below 0. Less than 0 where the channel becomes stronger.
    public static let activationFormula = "spatial-misalignment:pac"
    /// Channels of other classes with a larger maximum than the channel, after minus before.
    public static let rankingFormula = "spatial-misalignment:prc"
    /// 100 (accuracy before - accuracy after).
    public static let accuracyFormula = "spatial-misalignment:ac"
    /// The pixels above this quantile are where a channel is strongest.
    public static let quantile = 0.9
    /// How far noise changes a normalised pixel.
    public static let noiseLimit = 0.4
    /// A channel's own place is the smallest box around this share of the pixels,
    public static let boxShare = 0.05
    /// and so far around it, as a share of the image's side (10 pixels of 224).
    public static let boxMargin = 10.0 / 224

    /// - Parameters: of all pixels, in the same order.
    public static func locationChange(before: [Float], after: [Float]) -> Double {
        let (first, second) = (strongest(before), strongest(after))
        var (shared, all) = (0, 0)
        for (one, other) in zip(first, second) {
            if one && other { shared += 1 }
            if one || other { all += 1 }
        }
        return all == 0 ? 0 : 100 * (1 - Double(shared) / Double(all))
    }

    /// Nil for a channel that was silent before.
    public static func activationChange(before: Float, after: Float) -> Double? {
        before > 0 ? 100 * (1 - Double(max(0, after)) / Double(before)) : nil
    }

    /// - Parameters:
    ///   - before: maxima of the channels, cut off below 0.
    ///   - others: the channels of other classes.
    public static func rankingChange(of channel: Int, among others: [Int], before: [Float], after: [Float]) -> Int {
        others.count { after[$0] > after[channel] } - others.count { before[$0] > before[channel] }
    }

    /// The pixels above the quantile, which lies between two of them where it falls between (PyTorch's `quantile`).
    private static func strongest(_ values: [Float]) -> [Bool] {
        guard let last = values.indices.last else { return [] }
        let place = quantile * Double(last)
        let share = Float(place - place.rounded(.down))
        let (lower, upper) = OrderStatistic.pair(at: Int(place), of: values)
        let limit = lower + share * (upper - lower)
        return values.map { $0 > limit }
    }
}
