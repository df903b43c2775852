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

    /// An axis that is scaled from `inputCount` to some number of samples.
    struct Axis {
        private let inputCount: Int
        private let interpolation: Interpolation
        private let scale: Double
        private let support: Double
        private let inverse: Double

        init(inputCount: Int, outputCount: Int, interpolation: Interpolation) {
            self.inputCount = inputCount
            self.interpolation = interpolation
            scale = Double(inputCount) / Double(outputCount)
            let filterScale = max(scale, 1)
            support = interpolation.support * filterScale
            inverse = 1 / filterScale
        }

        private func centre(of output: Int) -> Double { (Double(output) + 0.5) * scale }

        /// The input samples of an output sample; both ends rise with the output.
        func inputs(of output: Int) -> Range<Int> {
            let centre = centre(of: output)
            return max(0, Int(centre - support + 0.5))..<min(inputCount, Int(centre + support + 0.5))
        }

        /// The weight of an input sample before all are made to sum to 1.
        func weight(of input: Int, in output: Int) -> Double {
            interpolation.weight(at: (Double(input) - centre(of: output) + 0.5) * inverse)
        }
    }

    /// Weights for the samples `outputs` of an axis that is scaled from `inputCount` to `outputCount` samples.
    init(inputCount: Int, outputCount: Int, outputs: Range<Int>, interpolation: Interpolation) {
        let axis = Axis(inputCount: inputCount, outputCount: outputCount, interpolation: interpolation)
        self.outputs = outputs
        var exact: [[Double]] = []
        exact.reserveCapacity(outputs.count)
        starts = []
        counts = []
        for output in outputs {
            let inputs = axis.inputs(of: output)
            var row = inputs.map { axis.weight(of: $0, in: output) }
            let sum = row.reduce(0, +)
            if sum != 0 { for index in row.indices { row[index] /= sum } }
            exact.append(row)
            starts.append(inputs.lowerBound)
            counts.append(inputs.count)
        }
        stride = ((counts.max() ?? 0) + 1) & ~1
        weights = [Int32](repeating: 0, count: stride * outputs.count)
        for (output, row) in exact.enumerated() {
            for (tap, weight) in row.enumerated() {
                let scaled = weight * Double(1 << Self.precisionBitCount)
                weights[output * stride + tap] = Int32(weight < 0 ? scaled - 0.5 : scaled + 0.5)
            }
        }
        inputRange = (starts.first ?? 0)..<((starts.last ?? 0) + (counts.last ?? 0))
    }
}
