import Tensors

/// What a head is to be like.
public enum DistillationTeacher: Sendable, Equatable {
    /// A linear classifier on the mean of the feature map over its pixels.
    case linear(LinearTeacher)
    /// A trained head with the deterministic pooling, t = A v(U x) + b.
    case head(Head)

    /// The linear teacher that is the same function as `classifier`.
    ///
    /// - Parameter epsilon: see `LinearTeacher.epsilon`.
    public init(_ classifier: Classifier, epsilon: Float? = nil) {
        self = .linear(LinearTeacher(classifier, epsilon: epsilon))
    }

    /// Checks that the teacher fits a head.
    /// - Throws: `HeadError.shapeMismatch`, `.notFinite`, `.invalidSetting`; `.unusableStart` for a head whose sides are not tied.
    func check(classCount: Int, channelCount: Int) throws {
        switch self {
        case .linear(let linear):
            try linear.check(classCount: classCount, channelCount: channelCount)
        case .head(let head):
            let (expected, found) = ([classCount, channelCount], [head.classCount, head.channelCount])
            guard found == expected else {
                throw HeadError.shapeMismatch(tensor: "teacher.weights", expected: expected, found: found)
            }
            guard head.sides == .tied else { throw HeadError.unusableStart(signs: head.sides) }
            precondition(head.classifier.standardisation == nil, "a head without a standardisation")
        }
    }
}

/// t = W x + b for the mean x of a feature map over its pixels.
public struct LinearTeacher: Sendable, Equatable {
    /// W [C, D].
    public let weights: [Float]
    /// b [C].
    public let bias: [Float]
    /// If there is one, x is standardised first, over its channels: (x - mean(x)) / sqrt(variance(x) + epsilon). So it is in
    /// networks that have a layer normalisation behind their pooling.
    public let epsilon: Float?

    /// The same function as `classifier`, whose standardisation goes into weights and bias.
    public init(_ classifier: Classifier, epsilon: Float? = nil) {
        let folded = classifier.foldingStandardisation()
        weights = folded.weights
        bias = folded.bias ?? Array(repeating: 0, count: folded.classCount)
        self.epsilon = epsilon
    }

    init(weights: [Float], bias: [Float], epsilon: Float?) {
        self.weights = weights
        self.bias = bias
        self.epsilon = epsilon
    }

    fileprivate func check(classCount: Int, channelCount: Int) throws {
        for (name, values, shape) in [
            ("teacher.weights", weights, [classCount, channelCount]), ("teacher.bias", bias, [classCount]),
        ] {
            guard values.count == shape.reduce(1, *) else {
                throw HeadError.shapeMismatch(tensor: name, expected: shape, found: [values.count])
            }
            guard values.allSatisfy(\.isFinite) else { throw HeadError.notFinite(tensor: name, step: nil) }
        }
        if let epsilon, !(epsilon > 0 && epsilon.isFinite) {
            throw HeadError.invalidSetting(key: "teacher.epsilon", value: "\(epsilon)", expected: "a positive number")
        }
    }
}

/// A teacher in the precision of the head's mathematics.
struct Teacher<Scalar: HeadScalar>: Sendable {
    /// What its logits are a linear function of.
    enum Inputs: Sendable {
        /// The mean of the feature map, standardised with `epsilon` if there is one.
        case mean(epsilon: Scalar?)
        /// v with U [D, D], of so many channels of an image; of all if nil.
        case pooled(channelMap: [Scalar], channelsPerImage: Int?)
    }

    let inputs: Inputs
    /// [C, D].
    let weights: [Scalar]
    /// [C]; a linear teacher always has one.
    let bias: [Scalar]?

    /// Of one that standardises the mean of the feature map.
    var epsilon: Scalar? { if case .mean(let epsilon) = inputs { epsilon } else { nil } }

    init(_ teacher: DistillationTeacher) {
        switch teacher {
        case .linear(let linear):
            inputs = .mean(epsilon: linear.epsilon.map { Scalar($0) })
            weights = linear.weights.map { Scalar($0) }
            bias = linear.bias.map { Scalar($0) }
        case .head(let head):
            inputs = .pooled(
                channelMap: head.channelMap.map { Scalar($0) }, channelsPerImage: head.channelsPerImage)
            weights = head.classifier.weights.map { Scalar($0) }
            bias = head.classifier.bias.map { $0.map { Scalar($0) } }
        }
    }

    /// t [N, C] of a batch of feature maps. An image's logits have the same bits alone and in any batch.
    /// - Returns: nil if an activation is not finite, because a feature is not.
    func logits(_ batch: FeatureBatch<Scalar>, classCount: Int, team: WorkerTeam) -> [Scalar]? {
        guard let values = values(batch, classCount: classCount, team: team) else { return nil }
        return ClassifierProducts.logits(
            pooled: values, classifier: weights, bias: bias, imageCount: batch.imageCount,
            channelCount: batch.channelCount, classCount: classCount, team: team)
    }

    private func values(_ batch: FeatureBatch<Scalar>, classCount: Int, team: WorkerTeam) -> [Scalar]? {
        switch inputs {
        case .pooled(let channelMap, let channelsPerImage):
            guard var values = batch.extrema(channelMap: channelMap, team: team)?.pooledValues() else { return nil }
            if let channelsPerImage {
                let selection = ChannelSelection(
                    count: channelsPerImage, classifier: weights, sides: .tied, channelCount: batch.channelCount,
                    classCount: classCount)
                selection.clear(&values, outside: selection.selected(values))
            }
            return values
        case .mean(let epsilon):
            var means = batch.pixelMeans(team: team)
            guard let epsilon else { return means }
            let (N, D) = (batch.imageCount, batch.channelCount)
            for image in 0..<N {
                let row = means[image * D..<(image + 1) * D]
                let (centre, scale) = FeatureBatch.standardisation(of: row, epsilon: epsilon)
                for index in row.indices { means[index] = Scalar((Double(means[index]) - centre) * scale) }
            }
            return means
        }
    }
}

extension Teacher<Float> {
    /// What a checkpoint holds of it.
    func tensors(classCount: Int, channelCount: Int) -> [NamedTensor] {
        var tensors: [NamedTensor] = []
        if case .pooled(let channelMap, let channelsPerImage) = inputs {
            tensors.append(
                NamedTensor(name: "teacher.channel_map", shape: [channelCount, channelCount], values: channelMap))
            if let channelsPerImage {
                tensors.append(
                    NamedTensor(name: "teacher.channels_per_image", shape: [1], values: [Float(channelsPerImage)]))
            }
        }
        tensors.append(NamedTensor(name: "teacher.weights", shape: [classCount, channelCount], values: weights))
        if let bias { tensors.append(NamedTensor(name: "teacher.bias", shape: [classCount], values: bias)) }
        if case .mean(let epsilon?) = inputs {
            tensors.append(NamedTensor(name: "teacher.epsilon", shape: [1], values: [epsilon]))
        }
        return tensors
    }

    /// The tensors of the teacher that a state with tensors of these names has.
    static func names(among found: [String]) -> [String] {
        if found.contains("teacher.channel_map") {
            return ["teacher.channel_map", "teacher.weights"]
                + ["teacher.bias", "teacher.channels_per_image"].filter(found.contains)
        }
        return ["teacher.weights", "teacher.bias"] + (found.contains("teacher.epsilon") ? ["teacher.epsilon"] : [])
    }
}

extension DistillationTeacher {
    /// The teacher of a state, of whose tensors `tensor(name, shape)` gives those that `names` lists.
    init(
        names: [String], classCount: Int, channelCount: Int, tensor: (String, [Int]) throws -> [Float]
    ) throws {
        let weights = try tensor("teacher.weights", [classCount, channelCount])
        let bias = try names.contains("teacher.bias") ? tensor("teacher.bias", [classCount]) : nil
        if names.contains("teacher.channel_map") {
            let perImage =
                try names.contains("teacher.channels_per_image") ? tensor("teacher.channels_per_image", [1])[0] : nil
            self = .head(
                try Head(
                    channelMap: tensor("teacher.channel_map", [channelCount, channelCount]),
                    classifier: Classifier(
                        weights: weights, bias: bias, signs: .any, classCount: classCount, channelCount: channelCount),
                    channelsPerImage: perImage.map { Int(exactly: $0) ?? 0 }))
        } else {
            let epsilon = try names.contains("teacher.epsilon") ? tensor("teacher.epsilon", [1])[0] : nil
            self = .linear(LinearTeacher(weights: weights, bias: bias ?? [], epsilon: epsilon))
        }
        try check(classCount: classCount, channelCount: channelCount)
    }
}
