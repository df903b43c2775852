public import Tensors

/// What one channel adds to the logit of a class.
public struct ChannelContribution: Codable, Equatable, Sendable {
    public let channel: Int
    /// A_yk, the classifier's weight.
    public let weight: Float
    /// max(0, M_k) and the pixel of the maximum.
    public let positiveActivation: Float
    public let positivePosition: MapPosition
    /// min(0, m_k) and the pixel of the minimum.
    public let negativeActivation: Float
    public let negativePosition: MapPosition
    /// A_yk v_k.
    public let contribution: Float

    public init(
        channel: Int, weight: Float, positiveActivation: Float, positivePosition: MapPosition,
        negativeActivation: Float, negativePosition: MapPosition, contribution: Float
    ) {
        self.channel = channel
        self.weight = weight
        self.positiveActivation = positiveActivation
        self.positivePosition = positivePosition
        self.negativeActivation = negativeActivation
        self.negativePosition = negativePosition
        self.contribution = contribution
    }

    /// A_yk max(0, M_k).
    public var positiveContribution: Float { weight * positiveActivation }
    /// A_yk min(0, m_k).
    public var negativeContribution: Float { weight * negativeActivation }
    /// The side that contributes more.
    public var dominantSide: Side { positiveActivation >= -negativeActivation ? .positive : .negative }

    public func activation(of side: Side) -> Float { side == .positive ? positiveActivation : negativeActivation }
    public func position(of side: Side) -> MapPosition { side == .positive ? positivePosition : negativePosition }
}

/// A class with its score.
public struct ClassScore: Codable, Equatable, Sendable {
    public let label: Int
    public let className: String
    public let logit: Float
    /// Softmax of the logits.
    public let probability: Float

    public init(label: Int, className: String, logit: Float, probability: Float) {
        self.label = label
        self.className = className
        self.logit = logit
        self.probability = probability
    }
}
