/// The backbone's own last layer: logits = `weights` * x + `biases`, x being the mean of the feature map over its pixels.
public struct LinearClassifierWeights: Equatable, Sendable {
    /// C.
    public let classCount: Int
    /// D.
    public let channelCount: Int
    /// [C, D], row-major.
    public let weights: [Float]
    /// [C].
    public let biases: [Float]
    /// If there is one, x is standardised first: (x - mean(x)) / sqrt(variance(x) + epsilon) over its channels. This is
    /// what is left of a layer normalisation once its own scale and shift are part of `weights` and `biases`.
    public private(set) var standardisationEpsilon: Double?

    init(classCount: Int, channelCount: Int, weights: [Float], biases: [Float]) {
        self.classCount = classCount
        self.channelCount = channelCount
        self.weights = weights
        self.biases = biases
    }

    /// The classifier behind a layer normalisation with this scale and shift per channel.
    func standardising(scale: [Float], shift: [Float], epsilon: Double) -> LinearClassifierWeights {
        var result = LinearClassifierWeights(
            classCount: classCount, channelCount: channelCount,
            weights: weights.indices.map { weights[$0] * scale[$0 % channelCount] },
            biases: biases.indices.map { row in
                Float(
                    (0..<channelCount).reduce(Double(biases[row])) {
                        $0 + Double(weights[row * channelCount + $1]) * Double(shift[$1])
                    })
            })
        result.standardisationEpsilon = epsilon
        return result
    }

    /// The logits [C] of an image whose feature map has the mean `mean` [D].
    public func logits(ofMean mean: [Float]) -> [Float] {
        precondition(mean.count == channelCount, "a mean of \(channelCount) channels, not \(mean.count)")
        var x = mean.map(Double.init)
        if let standardisationEpsilon {
            let centre = x.reduce(0, +) / Double(channelCount)
            let variance = x.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / Double(channelCount)
            x = x.map { ($0 - centre) / (variance + standardisationEpsilon).squareRoot() }
        }
        return (0..<classCount).map { row in
            Float(
                (0..<channelCount).reduce(Double(biases[row])) { $0 + Double(weights[row * channelCount + $1]) * x[$1] }
            )
        }
    }
}
