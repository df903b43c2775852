import VectorKernels

/// The weights of a 3x3 convolution for F(4x4, 3x3): G g G^T, 36 matrices [inputs, outputs].
///
/// Which convolutions have them is a matter of the layer alone, and not of a batch, so that an image's result is always the same.
struct WinogradWeights: Sendable {
    private let matrices: [PackedMatrix]

    /// Whether a convolution can be done so: 3x3 of neighbouring pixels, every pixel, all channels together in whole vectors.
    static func fit(_ window: SlidingWindow, inputs: Int, outputs: Int, groupCount: Int) -> Bool {
        window.kernel == SpatialSize(3) && window.stride == SpatialSize(1) && window.dilation == SpatialSize(1)
            && groupCount == 1 && min(inputs, outputs) >= 16 && inputs.isMultiple(of: 8) && outputs.isMultiple(of: 8)
    }

    /// - Parameter weights: [outputs, inputs, 3, 3].
    init(_ weights: [Float], inputs: Int, outputs: Int) {
        let transform = Winograd.weightTransform
        matrices = (0..<36).map { position in
            let (row, column) = (transform[position / 6], transform[position % 6])
            return PackedMatrix(depth: inputs, columnCount: outputs) { input, output in
                let start = (output * inputs + input) * 9
                var sum = 0.0
                for tap in 0..<9 { sum += row[tap / 3] * column[tap % 3] * Double(weights[start + tap]) }
                return Float(sum)
            }
        }
    }

    /// `body` receives the panels of each of the 36 matrices.
    func withPanels(_ body: (UnsafeBufferPointer<UnsafePointer<Float>>) -> Void) {
        withExtendedLifetime(matrices) {
            matrices.map { $0.withPanels { $0 } }.withUnsafeBufferPointer(body)
        }
    }
}
