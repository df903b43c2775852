/// The changed copies of an image that are needed, by the cells that are left as they are: each set of cells once.
///
/// Ways to attribute often agree on what goes first or last, and a copy is the same whichever way asked for it.
package struct ChangedCopies {
    /// In the order in which they were first asked for; the cells of each ascending.
    package private(set) var sets: [[Int]] = []
    private var numbers: [[UInt64]: Int] = [:]
    private let wordCount: Int

    package init(cellCount: Int) { wordCount = (cellCount + 63) / 64 }

    /// The number of the copy that keeps some cells.
    package mutating func number(of cells: ArraySlice<Int>) -> Int {
        var words = [UInt64](repeating: 0, count: wordCount)
        for cell in cells { words[cell / 64] |= 1 << UInt64(cell % 64) }
        if let number = numbers[words] { return number }
        numbers[words] = sets.count
        sets.append(cells.sorted())
        return sets.count - 1
    }
}
