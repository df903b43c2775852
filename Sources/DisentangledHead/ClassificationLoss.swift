import ElementaryFunctions

/// What a head's training minimises, and so how its logits become probabilities.
public enum ClassificationLoss: String, Codable, CaseIterable, Sendable {
    /// Softmax cross-entropy: the classes share one probability (method, "Forward pass", 4).
    case crossEntropy = "cross_entropy"
    /// Binary cross-entropy on the sigmoid of each logit, summed over the classes: each class has a probability of its own, and
    /// these need not add up to 1. Sparse heads are trained with it: Dubovik et al., "SIDE", arXiv 2507.19321.
    case binaryCrossEntropy = "binary_cross_entropy"

    /// The probabilities of an image's classes, computed in double precision so that they cannot overflow.
    public func probabilities(_ logits: ArraySlice<Float>) -> [Float] {
        switch self {
        case .crossEntropy: softmax(logits)
        case .binaryCrossEntropy: logits.map { Float(sigmoid(Double($0))) }
        }
    }
}

/// 1 / (1 + exp(-logit)).
func sigmoid(_ logit: Double) -> Double {
    let power = exponential(-abs(logit))
    return (logit >= 0 ? 1 : power) / (1 + power)
}

/// The softmax of `logits`, computed in double precision so that it cannot overflow.
public func softmax(_ logits: ArraySlice<Float>) -> [Float] {
    let largest = logits.max() ?? 0
    let powers = logits.map { exponential(Double($0 - largest)) }
    let sum = powers.reduce(0, +)
    return powers.map { Float($0 / sum) }
}
