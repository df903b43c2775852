/// Whether the parts of an explanation add up to what is explained.
public enum Completeness {
    public static let formula = "relative-residual"

    /// The largest `residual` of a sound explanation.
    public static let limit = 1e-4

    /// |sum - logit| relative to the logit; where contributions cancel almost completely, relative to a tenth of what they are
    /// without their signs, because rounding is relative to that.
    public static func residual(sum: Double, contributions: [Float], logit: Float) -> Double {
        let magnitude = contributions.reduce(0) { $0 + Double(abs($1)) }
        return abs(sum - Double(logit)) / max(abs(Double(logit)), magnitude / 10, .leastNormalMagnitude)
    }
}
