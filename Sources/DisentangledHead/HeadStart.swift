import Tensors

/// A trained head that the training of another one begins with.
public struct HeadStart: Sendable {
    public let head: Head
    /// How its channel map was trained.
    public let channelMap: ChannelMapKind
    /// W [D, D], or its part [R, R] of the turned channels, of `exponential` and `cayley`, whose U is the head's; nil if there is none
    /// or it is not known.
    public let parameter: [Float]?
    /// The channels that its channel map turned, if these were not all.
    public let turnedChannels: [Int]?

    public init(head: Head, channelMap: ChannelMapKind, parameter: [Float]? = nil, turnedChannels: [Int]? = nil) {
        self.head = head
        self.channelMap = channelMap
        self.parameter = parameter
        self.turnedChannels = turnedChannels
    }
}

extension HeadError {
    /// Of a head whose sides are not tied, or for one.
    static func unusableStart(signs sides: ChannelSides) -> HeadError {
        .unusableStart(
            problem: "is to be begun with, and one of the two heads has head.signs \(sides.rawValue)",
            remedy: "Start from a head with head.signs tied, and set head.signs: tied")
    }
}

extension HeadParameters {
    /// Takes U, A, b and the mask of a trained head; moments and step are those of a beginning.
    ///
    /// Without a budget the mask stays as it is. With one, classes lose channels from those that they have.
    /// - Throws: `HeadError.unusableStart` for a head that this configuration cannot begin with.
    mutating func begin(at start: HeadStart) throws {
        let (head, classifier) = (start.head, start.head.classifier)
        guard [head.classCount, head.channelCount] == [classCount, channelCount] else {
            throw HeadError.unusableStart(
                problem: "has \(head.classCount) classes and \(head.channelCount) channels, and this run "
                    + "\(classCount) and \(channelCount)",
                remedy: "Start from a head of the same backbone and classes")
        }
        for sides in [head.sides, configuration.sides] where sides != .tied {
            throw HeadError.unusableStart(signs: sides)
        }
        guard classifier.standardisation == nil, !classifier.weights.contains(where: { $0 < 0 }) else {
            throw HeadError.unusableStart(
                problem: "has a classifier with negative weights or a standardisation, which this head cannot have",
                remedy: "Start from another head")
        }
        guard configuration.hasBias || classifier.bias == nil else {
            throw HeadError.unusableStart(
                problem: "has a bias, and this head has none (head.bias is false)",
                remedy: "Set head.bias: true, or start from a head without a bias")
        }
        channelMap = try map(at: start)
        self.classifier = classifier.weights.map { Scalar($0) }
        if configuration.hasBias {
            bias = classifier.bias.map { $0.map { Scalar($0) } } ?? Array(repeating: 0, count: classCount)
        }
        // Until channels are left out, a mask has all.
        guard let mask = classifier.mask, mask.contains(false) else { return }
        let kept = (0..<classCount).map { label in
            mask[label * channelCount..<(label + 1) * channelCount].count { $0 }
        }
        if let budget = configuration.budget {
            let (least, most) = (kept.min() ?? 0, kept.max() ?? 0)
            guard budget.channelsPerClass <= least else {
                throw HeadError.unusableStart(
                    problem: "has \(least) channels left for a class, and head.channels_per_class is "
                        + "\(budget.channelsPerClass)",
                    remedy: "Set head.channels_per_class to \(least) or fewer, or start from a head with more")
            }
            pruning?.begin(at: mask, firstCount: most)
        } else {
            fixedMask = mask
        }
    }

    private func map(at start: HeadStart) throws -> ChannelMapParameters<Scalar> {
        let kind = configuration.channelMap
        var matrix = SquareMatrix(size: channelCount, values: start.head.channelMap.map { Scalar($0) })
        if let turned {
            let part = matrix.part(of: turned)
            guard part.embedded(in: turned, of: channelCount) == matrix else {
                throw HeadError.unusableStart(
                    problem: "has a channel map that turns others than the \(turned.count) channels of this run's",
                    remedy: "Set head.map_rank: auto, which turns those of the head, or all")
            }
            matrix = part
        }
        var parameter: SquareMatrix<Scalar>?
        switch kind {
        case .riemannian:
            break
        case .identity:
            guard matrix == SquareMatrix(identity: channelCount) else {
                throw HeadError.unusableStart(
                    problem: "has a channel map other than the identity, and head.channel_map is identity",
                    remedy: "Set head.channel_map: riemannian, which takes any head")
            }
        case .exponential, .cayley:
            guard start.channelMap == kind, let values = start.parameter else {
                throw HeadError.unusableStart(
                    problem: "was trained with head.channel_map \(start.channelMap.rawValue)"
                        + (start.channelMap == kind ? " and has not kept the matrix behind it" : "")
                        + ", and head.channel_map \(kind.rawValue) needs the matrix that its channel map is computed from",
                    remedy: "Set head.channel_map: riemannian, which takes any head"
                        + (start.channelMap == kind ? "" : ", or start from a run with \(kind.rawValue)"))
            }
            let size = start.turnedChannels?.count ?? channelCount
            guard values.count == size * size, values.allSatisfy(\.isFinite) else {
                throw HeadError.shapeMismatch(
                    tensor: "channel_map.parameter", expected: [size, size], found: [values.count])
            }
            let stored = SquareMatrix(size: size, values: values.map { Scalar($0) })
            parameter = turned == start.turnedChannels ? stored : nil
            if parameter == nil, turned == nil, let channels = start.turnedChannels {
                parameter = stored.embedded(in: channels, of: channelCount, diagonal: 0)
            }
            guard parameter != nil else {
                throw HeadError.unusableStart(
                    problem: "turns other channels than this run is to turn", remedy: "Set head.map_rank: auto or all")
            }
        }
        return ChannelMapParameters(
            kind: kind, matrix: matrix, weight: parameter, moments: channelMap.moments)
    }
}
