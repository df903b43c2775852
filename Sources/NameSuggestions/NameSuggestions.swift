/// Names that a user may have meant.
public enum NameSuggestions {
    /// The candidates that take the fewest single-letter edits to become `name`, capitals counting as small letters; of
    /// several equally near, the first `count`.
    public static func nearest(to name: String, among candidates: some Sequence<String>, count: Int = 1) -> [String] {
        let lowercased = name.lowercased()
        let measured = candidates.map { (name: $0, distance: editDistance(lowercased, $0.lowercased())) }
        let least = measured.map(\.distance).min()
        return measured.filter { $0.distance == least }.prefix(count).map(\.name)
    }

    /// The nearest candidates, if they are near: a third of the letters at most is to be edited; none otherwise.
    public static func near(_ name: String, among candidates: some Sequence<String>, count: Int = 3) -> [String] {
        let nearest = nearest(to: name, among: candidates, count: count)
        guard let first = nearest.first, isNear(name.lowercased(), first.lowercased()) else { return [] }
        return nearest
    }

    /// What to say after an unknown name: the nearest candidates if they are near, else those that begin with it if they are
    /// few, and else, if there are few, all of them.
    ///
    /// - Returns: a sentence, such as "Did you mean a, b or c?", "There are a, b and c."; nil if there are none or too many.
    public static func sentence(for name: String, among candidates: [String], listedLimit: Int = 20) -> String? {
        let nearest = near(name, among: candidates)
        if !nearest.isEmpty {
            return "Did you mean \(listed(nearest, "or"))?"
        }
        let beginning = candidates.filter { $0.lowercased().hasPrefix(name.lowercased()) }
        if !name.isEmpty, (1...5).contains(beginning.count) { return "Did you mean \(listed(beginning, "or"))?" }
        guard !candidates.isEmpty, candidates.count <= listedLimit else { return nil }
        return "There \(candidates.count == 1 ? "is" : "are") \(listed(candidates, "and"))."
    }

    private static func isNear(_ name: String, _ candidate: String) -> Bool {
        3 * editDistance(name, candidate) <= max(name.count, 3)
    }

    /// "a", "a or b", "a, b or c".
    private static func listed(_ names: [String], _ conjunction: String) -> String {
        guard names.count > 1, let last = names.last else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " \(conjunction) " + last
    }

    /// The least number of insertions, deletions and replacements of single characters and exchanges of two neighbours, each
    /// place edited once at most (the optimal string alignment distance).
    public static func editDistance(_ first: String, _ second: String) -> Int {
        let (first, second) = (Array(first), Array(second))
        // Distances of all beginnings of `second` to the first `row - 1`, `row` and `row + 1` characters of `first`.
        var beforeLast: [Int] = []
        var last = Array(0...second.count)
        for row in first.indices {
            var current = [row + 1]
            for column in second.indices {
                var least = min(
                    last[column] + (first[row] == second[column] ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
                    least = min(least, beforeLast[column - 1] + 1)
                }
                current.append(least)
            }
            (beforeLast, last) = (last, current)
        }
        return last[second.count]
    }
}
