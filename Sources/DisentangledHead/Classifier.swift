import Tensors

/// The head's last layer: logits = A z + b, with z the pooled activations v or, where it has a standardisation, those
/// standardised.
///
/// InfoDisent's own has A >= 0, no bias and no standardisation (method, "Forward pass", 3). A signed, biased or pruned one, the
/// last layer of a network or a fitted linear classifier differ from it in what they hold, not in what is done with them:
/// a logit is always the exact sum of `contribution(of:to:pooled:)` over the channels and `offset(of:)`.
///
/// Only differences between the classes' logits make probabilities, so a contribution means something beside those of the same
/// channel to other classes. `broughtToColumnMinimum()` fixes what is arbitrary about it: contributions are then relative to the
/// class that uses a channel least.
public struct Classifier: Sendable, Equatable {
    /// Which weights a classifier may have.
    public enum Signs: String, Codable, CaseIterable, Sendable {
        /// A >= 0: what a channel says for or against a class has the sign of its activation.
        case nonNegative = "non_negative"
        case any
    }

    /// z_k = (v_k - mean_k) / deviation_k.
    public struct Standardisation: Sendable, Equatable {
        /// [D].
        public let mean: [Float]
        /// [D], positive.
        public let deviation: [Float]

        public init(mean: [Float], deviation: [Float]) {
            precondition(mean.count == deviation.count, "\(mean.count) means for \(deviation.count) deviations")
            self.mean = mean
            self.deviation = deviation
        }
    }

    /// A [C, D], row-major.
    public let weights: [Float]
    /// b [C]; nil for none.
    public let bias: [Float]?
    public let standardisation: Standardisation?
    /// Which weights are kept [C, D]; the others are exactly 0 and stay so. Nil if all may be used.
    public let mask: [Bool]?
    public let signs: Signs
    /// C.
    public let classCount: Int
    /// D.
    public let channelCount: Int

    /// - Throws: `HeadError.shapeMismatch`, `.notFinite`, `.negativeClassifier` where `signs` forbids it, or `.invalidSetting`
    ///   for a deviation that is not positive or a weight other than 0 that the mask leaves out.
    public init(
        weights: [Float], bias: [Float]? = nil, standardisation: Standardisation? = nil, mask: [Bool]? = nil,
        signs: Signs = .nonNegative, classCount: Int, channelCount: Int
    ) throws {
        func require(_ tensor: String, _ values: [Float]?, _ shape: [Int]) throws {
            guard let values else { return }
            guard values.count == shape.reduce(1, *) else {
                throw HeadError.shapeMismatch(tensor: tensor, expected: shape, found: [values.count])
            }
            guard values.allSatisfy(\.isFinite) else { throw HeadError.notFinite(tensor: tensor, step: nil) }
        }
        try require("classifier", weights, [classCount, channelCount])
        try require("classifier_bias", bias, [classCount])
        try require("classifier_mean", standardisation?.mean, [channelCount])
        try require("classifier_deviation", standardisation?.deviation, [channelCount])
        if let deviation = standardisation?.deviation.first(where: { $0 <= 0 }) {
            throw HeadError.invalidSetting(
                key: "classifier_deviation", value: "\(deviation)", expected: "a positive number")
        }
        if signs == .nonNegative, let index = weights.firstIndex(where: { $0 < 0 }) {
            throw HeadError.negativeClassifier(
                row: index / channelCount, column: index % channelCount, value: weights[index])
        }
        if let mask {
            guard mask.count == weights.count else {
                throw HeadError.shapeMismatch(
                    tensor: "classifier_mask", expected: [classCount, channelCount], found: [mask.count])
            }
            if let index = weights.indices.first(where: { weights[$0] != 0 && !mask[$0] }) {
                throw HeadError.invalidSetting(
                    key: "classifier_mask",
                    value: "without class \(index / channelCount), channel \(index % channelCount)",
                    expected: "with every weight other than 0")
            }
        }
        self.init(
            checkedWeights: weights, bias: bias, standardisation: standardisation, mask: mask, signs: signs,
            classCount: classCount, channelCount: channelCount)
    }

    /// Takes what is known to be sound.
    init(
        checkedWeights weights: [Float], bias: [Float]? = nil, standardisation: Standardisation? = nil,
        mask: [Bool]? = nil, signs: Signs = .nonNegative, classCount: Int, channelCount: Int
    ) {
        self.weights = weights
        self.bias = bias
        self.standardisation = standardisation
        self.mask = mask
        self.signs = signs
        self.classCount = classCount
        self.channelCount = channelCount
    }

    /// The weights of a class, by channel.
    public func weights(of label: Int) -> ArraySlice<Float> {
        weights[label * channelCount..<(label + 1) * channelCount]
    }

    /// A_yk.
    public func weight(of channel: Int, for label: Int) -> Float {
        precondition((0..<channelCount).contains(channel), "channel \(channel) is not one of \(channelCount)")
        return weights[label * channelCount + channel]
    }

    /// What `channel` adds to the logit of `label`, given its pooled activation v_k.
    public func contribution(of channel: Int, to label: Int, pooled: Float) -> Float {
        weight(of: channel, for: label) * standardised(pooled, channel)
    }

    /// What the logit of `label` holds beside the contributions of its channels: b_y.
    public func offset(of label: Int) -> Float { bias?[label] ?? 0 }

    private func standardised(_ value: Float, _ channel: Int) -> Float {
        standardisation.map { (value - $0.mean[channel]) / $0.deviation[channel] } ?? value
    }

    /// Logits [N, C] of pooled activations [N, D]. An image's logits have the same bits alone and in any batch.
    /// - Throws: `HeadError.shapeMismatch`.
    public func logits(ofPooled pooled: [Float], imageCount: Int, team: WorkerTeam) throws -> [Float] {
        guard pooled.count == imageCount * channelCount else {
            throw HeadError.shapeMismatch(
                tensor: "pooled activations", expected: [imageCount, channelCount], found: [pooled.count])
        }
        var inputs = pooled
        if let standardisation {
            for image in 0..<imageCount {
                for channel in 0..<channelCount {
                    let index = image * channelCount + channel
                    inputs[index] =
                        (inputs[index] - standardisation.mean[channel]) / standardisation.deviation[channel]
                }
            }
        }
        return ClassifierProducts<Float>.logits(
            pooled: inputs, classifier: weights, bias: bias, imageCount: imageCount, channelCount: channelCount,
            classCount: classCount, team: team)
    }

    /// The same function of v without a standardisation, which goes into the weights and the bias; in double precision,
    /// rounded once.
    public func foldingStandardisation() -> Classifier {
        guard let standardisation else { return self }
        var folded = weights
        var offsets = [Float](repeating: 0, count: classCount)
        for label in 0..<classCount {
            var offset = Double(bias?[label] ?? 0)
            for channel in 0..<channelCount {
                let index = label * channelCount + channel
                let weight = Double(weights[index]) / Double(standardisation.deviation[channel])
                folded[index] = Float(weight)
                offset -= weight * Double(standardisation.mean[channel])
            }
            offsets[label] = Float(offset)
        }
        return Classifier(
            checkedWeights: folded, bias: offsets, mask: mask, signs: signs, classCount: classCount,
            channelCount: channelCount)
    }
}
