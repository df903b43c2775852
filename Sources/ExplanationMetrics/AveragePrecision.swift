/// How well scores retrieve what is relevant.
public enum AveragePrecision {
    public static let formula = "average-precision:steps"

    /// sum_n (R_n - R_{n-1}) P_n over the distinct scores, largest first (scikit-learn's `average_precision_score`); nil if
    /// nothing is relevant.
    ///
    /// - Parameter relevantCount: of what is relevant at all, if more than what is scored.
    public static func value(scores: [Float], relevant: [Bool], relevantCount: Int? = nil) -> Double? {
        let total = relevantCount ?? relevant.count { $0 }
        guard total > 0 else { return nil }
        let order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
        var (found, result, place) = (0, 0.0, 0)
        while place < order.count {
            var (end, more) = (place, 0)
            while end < order.count, scores[order[end]] == scores[order[place]] {
                if relevant[order[end]] { more += 1 }
                end += 1
            }
            found += more
            result += Double(more) / Double(total) * (Double(found) / Double(end))
            place = end
        }
        return result
    }
}
