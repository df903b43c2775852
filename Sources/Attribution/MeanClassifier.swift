public import DisentangledHead
import Tensors

/// A classifier of the mean x of a feature map over its pixels: logits = A z + b, with z = x or, behind a layer normalisation,
/// z = (x - mean(x)) / sqrt(variance(x) + epsilon) over the channels of x.
public struct MeanClassifier: Sendable {
    /// A and b; a standardisation by channel is part of them.
    public let classifier: Classifier
    /// Of the layer normalisation; nil where there is none, and the logits are linear in x.
    public let normalisationEpsilon: Double?

    public init(_ classifier: Classifier, normalisationEpsilon: Double? = nil) {
        self.classifier = classifier.foldingStandardisation()
        self.normalisationEpsilon = normalisationEpsilon
    }

    /// The mean [D] of a feature map [1, H, W, D].
    static func mean(of features: Tensor, pixelCount: Int, channelCount: Int) -> [Double] {
        var sums = [Double](repeating: 0, count: channelCount)
        for pixel in 0..<pixelCount {
            for channel in 0..<channelCount { sums[channel] += Double(features.values[pixel * channelCount + channel]) }
        }
        return sums.map { $0 / Double(pixelCount) }
    }

    /// The logits [C] of a mean [D].
    public func logits(ofMean mean: [Double]) -> [Double] {
        let inputs = normalised(mean).values
        return (0..<classifier.classCount).map { label in
            zip(classifier.weights(of: label), inputs).reduce(Double(classifier.offset(of: label))) {
                $0 + Double($1.0) * $1.1
            }
        }
    }

    /// The gradient [D] of a class's logit with respect to x, at x.
    ///
    /// Behind a layer normalisation with deviation s it is (a - mean(a) - z mean(a z)) / s, a being the class's weights.
    func gradient(of label: Int, atMean mean: [Double]) -> [Double] {
        let weights = classifier.weights(of: label).map(Double.init)
        guard normalisationEpsilon != nil else { return weights }
        let (inputs, deviation) = normalised(mean)
        let count = Double(weights.count)
        let centre = weights.reduce(0, +) / count
        let along = zip(weights, inputs).reduce(0) { $0 + $1.0 * $1.1 } / count
        return zip(weights, inputs).map { ($0 - centre - $1 * along) / deviation }
    }

    private func normalised(_ mean: [Double]) -> (values: [Double], deviation: Double) {
        guard let normalisationEpsilon else { return (mean, 1) }
        let count = Double(mean.count)
        let centre = mean.reduce(0, +) / count
        let variance = mean.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / count
        let deviation = (variance + normalisationEpsilon).squareRoot()
        return (mean.map { ($0 - centre) / deviation }, deviation)
    }
}
