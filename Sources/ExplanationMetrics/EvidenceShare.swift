/// How much of what speaks for a class the first channels of an explanation show.
public enum EvidenceShare {
    public static let formula = "evidence-share:positive"

    /// Channels that a reader may be expected to look at.
    public static let shownCount = 10

    /// The sum of the `count` largest positive contributions over that of all; 1 if none is positive.
    public static func share(of contributions: [Float], first count: Int = shownCount) -> Double {
        let positive = contributions.filter { $0 > 0 }.sorted(by: >).map(Double.init)
        let total = positive.reduce(0, +)
        return total > 0 ? positive.prefix(count).reduce(0, +) / total : 1
    }
}
