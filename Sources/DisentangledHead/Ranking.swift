/// The one order of scores: the largest first, among equal ones the lowest index, and last what is not a number.
///
/// Indices are counted from the start of what is given.
public enum Ranking {
    private struct Entry: TotallyOrdered {
        let score: Float
        let index: Int

        func precedes(_ other: Entry) -> Bool {
            if score > other.score { return true }
            if score < other.score { return false }
            // Equal, or one of them not a number.
            if score.isNaN != other.score.isNaN { return other.score.isNaN }
            return index < other.index
        }
    }

    /// The indices of all scores, in order.
    public static func order(of scores: ArraySlice<Float>) -> [Int] {
        entries(of: scores).sorted { $0.precedes($1) }.map(\.index)
    }

    public static func order(of scores: [Float]) -> [Int] { order(of: scores[...]) }

    /// The indices of the first `count` scores, or of all if there are fewer, in order.
    public static func top(_ count: Int, of scores: ArraySlice<Float>) -> [Int] {
        var list = TopList<Entry>(capacity: min(count, scores.count))
        for entry in entries(of: scores) { list.offer(entry) }
        return list.entries.map(\.index)
    }

    /// The index of the first score; nil if there is none.
    public static func first(of scores: ArraySlice<Float>) -> Int? {
        entries(of: scores).min { $0.precedes($1) }?.index
    }

    /// Scores before the one at `index`; nil if that is not a number, and so has no rank.
    public static func rank(of index: Int, in scores: ArraySlice<Float>) -> Int? {
        let own = Entry(score: scores[scores.startIndex + index], index: index)
        guard !own.score.isNaN else { return nil }
        return entries(of: scores).reduce(0) { $0 + ($1.precedes(own) ? 1 : 0) }
    }

    private static func entries(of scores: ArraySlice<Float>) -> some Sequence<Entry> {
        scores.enumerated().lazy.map { Entry(score: $0.element, index: $0.offset) }
    }
}
