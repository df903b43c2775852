/// Which input samples make up each output sample along one axis, and with what weights.
///
/// Follows Pillow's `precompute_coeffs` and `normalize_coeffs_8bpc` (src/libImaging/Resample.c) operation by operation, so
/// that the integers are the same: weights in Double, normalised to sum 1, then rounded to 22 fractional bits.
struct ResamplingWeights {
    /// Bits after the binary point: 32 less 8 for the pixel and 2 for sign and overshoot.
    static let precisionBitCount: Int32 = 32 - 8 - 2
    /// One half, so that cutting the fractional bits off rounds.
    static let half: Int32 = 1 << (precisionBitCount - 1)

    /// First input sample of each output sample.
    private(set) var starts: [Int]
    /// Number of input samples of each output sample.
    private(set) var counts: [Int]
    /// [outputs, stride]: the weights of each output sample, then zeros.
    private(set) var weights: [Int32]
    /// Weights reserved for each output sample: the largest count, made even.
    let stride: Int
    /// The output samples that have weights.
    let outputs: Range<Int>
    /// The input samples that any output sample needs.
    let inputRange: Range<Int>

    /// Weights for the samples `outputs` of an axis that is scaled from `inputCount` to `outputCount` samples.
    init(inputCount: Int, outputCount: Int, outputs: Range<Int>, interpolation: Interpolation) {
        let scale = Double(inputCount) / Double(outputCount)
        let filterScale = max(scale, 1)
        let support = interpolation.support * filterScale
        let inverse = 1 / filterScale
        self.outputs = outputs
        var exact: [[Double]] = []
        exact.reserveCapacity(outputs.count)
        starts = []
        counts = []
        for output in outputs {
            let centre = (Double(output) + 0.5) * scale
            let start = max(0, Int(centre - support + 0.5))
            let end = min(inputCount, Int(centre + support + 0.5))
            var row = (start..<end).map { input in
                interpolation.weight(at: (Double(input) - centre + 0.5) * inverse)
            }
            let sum = row.reduce(0, +)
            if sum != 0 { for index in row.indices { row[index] /= sum } }
            exact.append(row)
            starts.append(start)
            counts.append(end - start)
        }
        stride = ((counts.max() ?? 0) + 1) & ~1
        weights = [Int32](repeating: 0, count: stride * outputs.count)
        for (output, row) in exact.enumerated() {
            for (tap, weight) in row.enumerated() {
                let scaled = weight * Double(1 << Self.precisionBitCount)
                weights[output * stride + tap] = Int32(weight < 0 ? scaled - 0.5 : scaled + 0.5)
            }
        }
        // Starts and ends rise with the output.
        inputRange = (starts.first ?? 0)..<((starts.last ?? 0) + (counts.last ?? 0))
    }
}
