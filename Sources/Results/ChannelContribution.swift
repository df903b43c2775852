public import Tensors

/// What one channel adds to the logit of a class.
public struct ChannelContribution: Codable, Equatable, Sendable {
    public let channel: Int
    /// What a user calls it.
    public var name: String?
    /// A_yk, the classifier's weight.
    public let weight: Float
    /// The weight of the negative activation, where it is not that of the positive one: A-_yk, or 0 if it plays no part.
    public let negativeWeight: Float?
    /// max(0, M_k), or what else the positive side of the channel is to the classifier (`ChannelReading`), and the pixel of the
    /// maximum.
    public let positiveActivation: Float
    public let positivePosition: MapPosition
    /// min(0, m_k), or what else the negative side is, and the pixel of the minimum.
    public let negativeActivation: Float
    public let negativePosition: MapPosition
    /// A_yk v_k, or what both sides add with their weights.
    public let contribution: Float

    public init(
        channel: Int, weight: Float, negativeWeight: Float? = nil, positiveActivation: Float,
        positivePosition: MapPosition,
        negativeActivation: Float, negativePosition: MapPosition, contribution: Float
    ) {
        self.channel = channel
        self.weight = weight
        self.negativeWeight = negativeWeight
        self.positiveActivation = positiveActivation
        self.positivePosition = positivePosition
        self.negativeActivation = negativeActivation
        self.negativePosition = negativePosition
        self.contribution = contribution
    }

    /// A_yk max(0, M_k).
    public var positiveContribution: Float { weight * positiveActivation }
    /// A_yk min(0, m_k).
    public var negativeContribution: Float { (negativeWeight ?? weight) * negativeActivation }
    /// `contribution` in double precision.
    public var exactContribution: Double {
        guard let negativeWeight else {
            return Double(weight) * (Double(positiveActivation) + Double(negativeActivation))
        }
        return Double(weight) * Double(positiveActivation) + Double(negativeWeight) * Double(negativeActivation)
    }
    /// The side that contributes more.
    public var dominantSide: Side {
        guard negativeWeight != nil else { return positiveActivation >= -negativeActivation ? .positive : .negative }
        return positiveContribution >= -negativeContribution ? .positive : .negative
    }

    public func activation(of side: Side) -> Float { side == .positive ? positiveActivation : negativeActivation }
    public func position(of side: Side) -> MapPosition { side == .positive ? positivePosition : negativePosition }
}

/// A class with its score.
public struct ClassScore: Codable, Equatable, Sendable {
    public let label: Int
    public let className: String
    public let logit: Float
    /// Softmax of the logits, or the sigmoid of this one.
    public let probability: Float

    public init(label: Int, className: String, logit: Float, probability: Float) {
        self.label = label
        self.className = className
        self.logit = logit
        self.probability = probability
    }
}
