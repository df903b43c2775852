/// The changed copies of an image that are needed, by the cells that are left as they are: each set of cells once.
///
/// Ways to attribute often agree on what goes first or last, and a copy is the same whichever way asked for it.
package struct ChangedCopies {
    /// In the order in which they were first asked for; the cells of each ascending.
    package private(set) var sets: [[Int]] = []
    /// The same as bits.
    private var words: [[UInt64]] = []
    private var numbers: [[UInt64]: Int] = [:]
    private let wordCount: Int

    package init(cellCount: Int) { wordCount = (cellCount + 63) / 64 }

    /// The number of the copy that keeps some cells.
    package mutating func number(of cells: ArraySlice<Int>) -> Int {
        var own = [UInt64](repeating: 0, count: wordCount)
        for cell in cells { own[cell / 64] |= 1 << UInt64(cell % 64) }
        if let number = numbers[own] { return number }
        numbers[own] = sets.count
        words.append(own)
        sets.append(cells.sorted())
        return sets.count - 1
    }

    /// The copies' numbers, each followed by that of the copy, of those left, from which it differs in the fewest cells: what two
    /// copies have in common need not pass through the backbone twice.
    package var tour: [Int] {
        guard !words.isEmpty else { return [] }
        var tour = [0]
        var left = Array(words.indices.dropFirst())
        while !left.isEmpty {
            let last = words[tour.last!]
            func distance(_ number: Int) -> Int {
                zip(last, words[number]).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
            }
            var (best, least) = (0, Int.max)
            for (place, number) in left.enumerated() {
                let distance = distance(number)
                if distance < least { (best, least) = (place, distance) }
            }
            tour.append(left.remove(at: best))
        }
        return tour
    }
}
