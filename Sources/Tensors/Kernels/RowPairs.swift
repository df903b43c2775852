/// Rows of some images in pairs: the two of a pair follow each other, and of an odd number of rows an image's first is a pair of its own.
/// (It is a transformer's class token, which is unlike the others.)
///
/// Pairs are numbered over all images; those that follow each other have rows that do.
struct RowPairs {
    let rowsPerImage: Int
    let pairs: Range<Int>

    /// All rows of some images.
    init(imageCount: Int, rowsPerImage: Int) {
        self.init(rowsPerImage: rowsPerImage, pairs: 0..<imageCount * Self.pairsPerImage(rowCount: rowsPerImage))
    }

    private init(rowsPerImage: Int, pairs: Range<Int>) {
        self.rowsPerImage = rowsPerImage
        self.pairs = pairs
    }

    static func pairsPerImage(rowCount: Int) -> Int { (rowCount + 1) / 2 }

    private var pairsPerImage: Int { Self.pairsPerImage(rowCount: rowsPerImage) }

    /// The rows of these pairs, as numbered over all images.
    var rows: Range<Int> { firstRow(ofPair: pairs.lowerBound)..<firstRow(ofPair: pairs.upperBound) }

    /// Pairs that follow each other and have two rows each, or one that has not.
    struct Run {
        let pairs: Range<Int>
        let rows: Range<Int>

        var isSingle: Bool { rows.count < 2 * pairs.count }
    }

    /// Some of the pairs, cut where an image's first row is alone. A run counts pairs from the first of `some`, rows from the first of `rows`.
    func runs(of some: Range<Int>) -> [Run] {
        let firstRow = rows.lowerBound
        var runs: [Run] = []
        var next = some.lowerBound
        while next < some.upperBound {
            var end = some.upperBound
            if rowsPerImage % 2 == 1 {
                end = min(end, next % pairsPerImage == 0 ? next + 1 : (next / pairsPerImage + 1) * pairsPerImage)
            }
            runs.append(
                Run(
                    pairs: next - some.lowerBound..<end - some.lowerBound,
                    rows: self.firstRow(ofPair: next) - firstRow..<self.firstRow(ofPair: end) - firstRow))
            next = end
        }
        return runs
    }

    private func firstRow(ofPair pair: Int) -> Int {
        guard rowsPerImage > 0 else { return 0 }
        let (image, index) = pair.quotientAndRemainder(dividingBy: pairsPerImage)
        return image * rowsPerImage + max(0, 2 * index - rowsPerImage % 2)
    }

    /// Pieces of about equal length, with at most `length` pairs.
    func pieces(length: Int) -> [RowPairs] {
        let pieceCount = max(1, (pairs.count + length - 1) / length)
        let pieceLength = max(1, (pairs.count + pieceCount - 1) / pieceCount)
        return stride(from: pairs.lowerBound, to: pairs.upperBound, by: pieceLength).map {
            RowPairs(rowsPerImage: rowsPerImage, pairs: $0..<min($0 + pieceLength, pairs.upperBound))
        }
    }
}
