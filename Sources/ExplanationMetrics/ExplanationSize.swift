/// How many channels an explanation takes.
public enum ExplanationSize {
    /// SIDE counts the channels with at least this share of the largest (Dubovik et al., arXiv 2507.19321; theirs are
    /// activations, these are contributions).
    public static let sideShare: Float = 0.2

    /// The contributions whose size is at least `share` of the largest one's; 0 if all are zero.
    public static func count(of contributions: [Float], atLeast share: Float = sideShare) -> Int {
        let largest = contributions.reduce(0) { max($0, abs($1)) }
        guard largest > 0 else { return 0 }
        return contributions.count { abs($0) >= share * largest }
    }
}
