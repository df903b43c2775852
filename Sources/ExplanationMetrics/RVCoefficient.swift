/// The RV coefficient of two sets of variables: how much of one is in the other, whatever orthogonal map lies between them.
///
/// With the centred matrices X and Y [n, p] it is <XX^T, YY^T> / (|XX^T| |YY^T|). It is above 0 for independent noise where n is
/// small; RV2 leaves out the diagonals, which hold that (Smilde et al., "Matrix correlations for high-dimensional data", 2009).
public enum RVCoefficient {
    public static let formula = "rv"
    public static let modifiedFormula = "rv2"

    /// XX^T [n, n] of a matrix [n, p] whose columns are centred here, divided by its norm; zeros if that is 0.
    ///
    /// - Parameter diagonal: whether the diagonal stays (RV) or is left out (RV2).
    public static func product(_ matrix: [Float], rowCount: Int, diagonal: Bool) -> [Float] {
        let width = matrix.count / rowCount
        var centred = matrix.map(Double.init)
        for column in 0..<width {
            var mean = 0.0
            for row in 0..<rowCount { mean += centred[row * width + column] }
            mean /= Double(rowCount)
            for row in 0..<rowCount { centred[row * width + column] -= mean }
        }
        var result = [Double](repeating: 0, count: rowCount * rowCount)
        for row in 0..<rowCount {
            for other in 0...row where diagonal || other != row {
                var sum = 0.0
                for column in 0..<width { sum += centred[row * width + column] * centred[other * width + column] }
                result[row * rowCount + other] = sum
                result[other * rowCount + row] = sum
            }
        }
        let norm = result.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return result.map { norm > 0 ? Float($0 / norm) : 0 }
    }

    /// The coefficient, given both products.
    public static func value(_ first: [Float], _ second: [Float]) -> Double {
        var sums = (0.0, 0.0, 0.0, 0.0)
        first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in
                // In four sums, so that an addition does not wait for the one before it.
                var index = 0
                while index + 4 <= first.count {
                    sums.0 += Double(first[index]) * Double(second[index])
                    sums.1 += Double(first[index + 1]) * Double(second[index + 1])
                    sums.2 += Double(first[index + 2]) * Double(second[index + 2])
                    sums.3 += Double(first[index + 3]) * Double(second[index + 3])
                    index += 4
                }
                while index < first.count {
                    sums.0 += Double(first[index]) * Double(second[index])
                    index += 1
                }
            }
        }
        return (sums.0 + sums.1) + (sums.2 + sums.3)
    }

    /// The mean over all pairs of different sets; nil for fewer than two.
    public static func mean(_ products: [[Float]]) -> Double? {
        guard products.count > 1 else { return nil }
        var sum = 0.0
        for first in products.indices {
            for second in 0..<first { sum += value(products[first], products[second]) }
        }
        return sum / Double(products.count * (products.count - 1) / 2)
    }
}
