import Synchronization

/// The weights of a 3x3 convolution for F(2x2, 3x3) with brain floats: G g G^T, 16 matrices [inputs, outputs]; made when they are first
/// asked for.
///
/// Which convolutions have them is a matter of the layer alone, and not of a batch, so that an image's result is always the same.
final class BrainFloatWinogradWeights: Sendable {
    /// [9 inputs, outputs], k running over (kernel row, kernel column, input).
    private let weights: PackedMatrix
    private let made = Mutex<[BrainFloatMatrix]?>(nil)

    /// Whether a convolution can be done so: as with F(4x4, 3x3), in whole vectors of sixteen.
    static func fit(_ window: SlidingWindow, inputs: Int, outputs: Int, groupCount: Int) -> Bool {
        WinogradWeights.fit(window, inputs: inputs, outputs: outputs, groupCount: groupCount)
            && inputs.isMultiple(of: 16) && outputs.isMultiple(of: 16)
    }

    init(_ weights: PackedMatrix) { self.weights = weights }

    var matrices: [BrainFloatMatrix] {
        made.withLock { made in
            if let made { return made }
            let transform = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]
            let inputs = weights.depth / 9
            let matrices = (0..<16).map { position in
                let (row, column) = (transform[position / 4], transform[position % 4])
                return BrainFloatMatrix(depth: inputs, columnCount: weights.columnCount) { input, output in
                    var sum = 0.0
                    for tap in 0..<9 {
                        sum += row[tap / 3] * column[tap % 3] * Double(weights.element(tap * inputs + input, output))
                    }
                    return Float(sum)
                }
            }
            made = matrices
            return matrices
        }
    }
}
