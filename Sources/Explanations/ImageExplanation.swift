import ImageCoding

/// What one channel adds to the logit of the explained class.
public struct ChannelContribution: Equatable, Sendable {
    public let channel: Int
    /// A_yk, the classifier's weight.
    public let weight: Float
    /// max(0, M_k) and the pixel of the maximum.
    public let positiveActivation: Float
    public let positivePosition: MapPosition
    /// min(0, m_k) and the pixel of the minimum.
    public let negativeActivation: Float
    public let negativePosition: MapPosition

    package init(
        channel: Int, weight: Float, positiveActivation: Float, positivePosition: MapPosition,
        negativeActivation: Float, negativePosition: MapPosition
    ) {
        self.channel = channel
        self.weight = weight
        self.positiveActivation = positiveActivation
        self.positivePosition = positivePosition
        self.negativeActivation = negativeActivation
        self.negativePosition = negativePosition
    }

    /// A_yk max(0, M_k), never negative.
    public var positiveContribution: Float { weight * positiveActivation }
    /// A_yk min(0, m_k), never positive.
    public var negativeContribution: Float { weight * negativeActivation }
    /// A_yk v_k.
    public var contribution: Float { weight * (positiveActivation + negativeActivation) }
    /// The side that contributes more.
    public var dominantSide: Side { positiveActivation >= -negativeActivation ? .positive : .negative }
}

/// A class with its score.
public struct ClassScore: Equatable, Sendable {
    public let label: Int
    public let className: String
    public let logit: Float
    /// Softmax of the logits.
    public let probability: Float

    package init(label: Int, className: String, logit: Float, probability: Float) {
        self.label = label
        self.className = className
        self.logit = logit
        self.probability = probability
    }
}

/// Why the head gives one image the logit it gives: the logit as an exact sum over channels.
public struct ImageExplanation: Sendable {
    /// The image's path as it was given.
    public let path: String
    /// What the network saw: the resized, cropped image.
    public let pixels: PixelImage
    /// All classes, highest logit first.
    public let scores: [ClassScore]
    /// The class whose logit is explained.
    public let explained: ClassScore
    /// Every channel with a contribution other than zero, by the size of its contribution, largest first.
    public let contributions: [ChannelContribution]
    /// Sum of all contributions, added up in double precision: equal to the logit but for rounding.
    public let contributionSum: Double
    /// The maps ReLU(J_.k) and ReLU(-J_.k) of the channels that are shown, by channel and side.
    public let heatMaps: [ChannelSide: HeatMap]
    /// Channels whose contribution is at least 0.2 of the largest (SIDE's explanation size, on contributions).
    public let explanationSize: Int

    package init(
        path: String, pixels: PixelImage, scores: [ClassScore], explained: ClassScore,
        contributions: [ChannelContribution], contributionSum: Double, heatMaps: [ChannelSide: HeatMap],
        explanationSize: Int
    ) {
        self.path = path
        self.pixels = pixels
        self.scores = scores
        self.explained = explained
        self.contributions = contributions
        self.contributionSum = contributionSum
        self.heatMaps = heatMaps
        self.explanationSize = explanationSize
    }

    /// The largest `additivityError` of a sound explanation.
    public static let additivityLimit = 1e-4

    /// |sum of the contributions - logit| relative to the logit; where contributions cancel almost completely, relative to a
    /// tenth of what they are without their signs, because rounding is relative to that.
    public var additivityError: Double {
        let magnitude = contributions.reduce(0) { $0 + Double(abs($1.contribution)) }
        let difference = abs(contributionSum - Double(explained.logit))
        return difference / max(abs(Double(explained.logit)), magnitude / 10, .leastNormalMagnitude)
    }
}

/// One side of one channel.
public struct ChannelSide: Hashable, Sendable {
    public let channel: Int
    public let side: Side

    public init(channel: Int, side: Side) {
        self.channel = channel
        self.side = side
    }
}
