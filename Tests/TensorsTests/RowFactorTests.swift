import Tensors
import Testing

@Suite struct RowFactorTests {
    @Test(arguments: [(1, 1, 1), (7, 5, 16), (50, 129, 40), (130, 300, 115)])
    func multipliesWithTheTranspose(rows: Int, depth: Int, columns: Int) {
        let (a, b) = (noise(rows * depth, seed: 1), noise(columns * depth, seed: 2))
        let factor = RowFactor(transposing: b, columnCount: columns, depth: depth, team: WorkerTeam(workerCount: 3))
        var result = [Float](repeating: .nan, count: rows * columns)
        factor.multiply(rows: rows, a, columns: 0..<columns, into: &result, stride: columns)
        let expected = (0..<rows).flatMap { row in
            (0..<columns).map { column in
                (0..<depth).reduce(0.0) { $0 + Double(a[row * depth + $1]) * Double(b[column * depth + $1]) }
            }
        }
        #expect(relativeError(result, expected) < 1e-5)

        // Every row and every range of columns alone.
        for first in stride(from: 0, to: columns, by: RowFactor.columnStep) {
            let part = first..<min(columns, first + 2 * RowFactor.columnStep)
            for row in 0..<rows {
                var alone = [Float](repeating: .nan, count: part.count)
                factor.multiply(
                    rows: 1, Array(a[row * depth..<(row + 1) * depth]), columns: part, into: &alone, stride: part.count)
                #expect(
                    alone.elementsEqual(result[row * columns + part.lowerBound..<row * columns + part.upperBound]))
            }
        }
    }
}
