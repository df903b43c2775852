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

    /// Levenshtein's distance: insertions, deletions and replacements of single characters.
    public static func editDistance(_ first: String, _ second: String) -> Int {
        let second = Array(second)
        var distances = Array(0...second.count)
        for (row, character) in first.enumerated() {
            var diagonal = distances[0]
            distances[0] = row + 1
            for column in second.indices {
                let replaced = diagonal + (character == second[column] ? 0 : 1)
                diagonal = distances[column + 1]
                distances[column + 1] = min(replaced, distances[column] + 1, distances[column + 1] + 1)
            }
        }
        return distances[second.count]
    }
}
