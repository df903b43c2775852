/// How many channels an explanation takes.
public enum ExplanationSize {
    /// SIDE counts the channels with at least this share of the largest (Dubovik et al., arXiv 2507.19321; theirs are
    /// activations, these are contributions).
    public static let sideShare: Float = 0.2

    public static let shareFormula = "side:share-of-largest"
    /// PIP-Net's local size: the contributions beyond 1e-3 in size, whatever the scale of the logits.
    public static let absoluteFormula = "pipnet:absolute"
    /// QuanProto's local size: the activations above a tenth of the largest.
    public static let activationFormula = "quanproto:share-of-largest"
    public static let activationShare: Float = 0.1
    /// How many of the channels that contribute most have to go before another class is predicted.
    public static let flipFormula = "flip:largest-first"

    /// The contributions whose size is above `threshold`.
    public static func count(of contributions: [Float], above threshold: Float) -> Int {
        contributions.count { abs($0) > threshold }
    }

    /// The contributions whose size is at least `share` of the largest one's; 0 if all are zero.
    public static func count(of contributions: [Float], atLeast share: Float = sideShare) -> Int {
        let largest = contributions.reduce(0) { max($0, abs($1)) }
        guard largest > 0 else { return 0 }
        return contributions.count { abs($0) >= share * largest }
    }
}
