/// The candidates that take the fewest single-letter edits to become `name`, capitals counting as small letters; of
/// several equally near, the first `count`.
func nearest(to name: String, among candidates: [String], count: Int = 3) -> [String] {
    let distances = candidates.map { editDistance(name.lowercased(), $0.lowercased()) }
    let least = distances.min()
    return Array(zip(candidates, distances).filter { $0.1 == least }.map(\.0).prefix(count))
}

/// Levenshtein distance: insertions, deletions and replacements of single characters.
private func editDistance(_ first: String, _ second: String) -> Int {
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
