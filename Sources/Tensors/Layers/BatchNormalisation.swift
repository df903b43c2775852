/// The constants of a batch normalisation in evaluation mode, one of each per channel:
/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias.
public struct BatchNormalisation: Sendable {
    public var weight: [Float]
    public var bias: [Float]
    public var mean: [Float]
    public var variance: [Float]
    public var epsilon: Double

    /// - Parameter epsilon: PyTorch's default unless given.
    public init(weight: [Float], bias: [Float], mean: [Float], variance: [Float], epsilon: Double = 1e-5) {
        precondition(
            bias.count == weight.count && mean.count == weight.count && variance.count == weight.count,
            "weight, bias, mean and variance belong to the same channels")
        self.weight = weight
        self.bias = bias
        self.mean = mean
        self.variance = variance
        self.epsilon = epsilon
    }

    /// The same normalisation as y = scale * x + shift, computed in double precision.
    public var affine: (scale: [Double], shift: [Double]) {
        let scale = weight.indices.map { Double(weight[$0]) / (Double(variance[$0]) + epsilon).squareRoot() }
        let shift = weight.indices.map { Double(bias[$0]) - Double(mean[$0]) * scale[$0] }
        return (scale, shift)
    }

    /// Folds the normalisation into the convolution or linear layer before it.
    ///
    /// Products are rounded to single precision once, at the end.
    /// - Parameters:
    ///   - weights: [outputs, ...], outputs being this normalisation's channels.
    ///   - biases: one per output; zero if nil.
    public func folded(into weights: [Float], biases: [Float]? = nil) -> (weights: [Float], biases: [Float]) {
        let channelCount = weight.count
        precondition(weights.count.isMultiple(of: channelCount), "the weights have \(channelCount) outputs")
        let (scale, shift) = affine
        let length = weights.count / channelCount
        let foldedWeights = weights.indices.map { Float(Double(weights[$0]) * scale[$0 / length]) }
        let foldedBiases = (0..<channelCount).map { Float(Double(biases?[$0] ?? 0) * scale[$0] + shift[$0]) }
        return (foldedWeights, foldedBiases)
    }
}
