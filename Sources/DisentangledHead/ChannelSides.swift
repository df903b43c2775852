/// What a class makes of the two sides of a channel, its positive activation v+_k = max(0, M_k) and its negative one
/// v-_k = min(0, m_k). All but `tied` are for ablations.
public enum ChannelSides: String, Codable, CaseIterable, Sendable {
    /// One weight for both, as in the paper: A_yk (v+_k + v-_k).
    case tied
    /// A weight for each: A+_yk v+_k + A-_yk v-_k, both at least 0. The pooling gives 2 D numbers, those of the positive sides
    /// and then those of the negative ones, and the classifier is [C, 2 D]. A budget of channels counts each side as one.
    case untied
    /// The positive side alone: A_yk v+_k. The negative one plays no part in logits and gradients.
    case positive

    /// Numbers that the pooling makes of a channel, and weights that a class has for it.
    public var valuesPerChannel: Int { self == .untied ? 2 : 1 }

    /// Where the pooling's numbers of some channels are, in the same order, among those of all D.
    func values(of channels: [Int], among channelCount: Int) -> [Int] {
        (0..<valuesPerChannel).flatMap { side in channels.map { side * channelCount + $0 } }
    }

    /// The branches of the pooling that give these numbers, one after the other.
    var branches: [PoolingBranch] {
        switch self {
        case .tied: [.both]
        case .untied: [.positive, .negative]
        case .positive: [.positive]
        }
    }
}

/// Which part of v_k a pooling gives: sum_p w+_p ReLU(J_pk), - sum_p w-_p ReLU(-J_pk), or both added up.
enum PoolingBranch {
    case both, positive, negative

    var hasPositive: Bool { self != .negative }
    var hasNegative: Bool { self != .positive }
    /// Signs s of the branches r = ReLU(s J) that are part of it.
    func includes<Scalar: HeadScalar>(sign: Scalar) -> Bool { sign > 0 ? hasPositive : hasNegative }
}
