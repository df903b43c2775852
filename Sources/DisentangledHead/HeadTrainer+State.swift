/// A tensor with its name in a checkpoint.
public struct NamedTensor: Sendable, Equatable {
    public let name: String
    public let shape: [Int]
    public let values: [Float]

    public init(name: String, shape: [Int], values: [Float]) {
        self.name = name
        self.shape = shape
        self.values = values
    }
}

/// All that training needs to go on exactly: the head and what the optimizer remembers.
public struct HeadTrainerState: Sendable, Equatable {
    /// Number of steps taken.
    public let step: Int
    public let head: Head
    /// Beside the head:
    /// `channel_map.parameter` W [D, D] (`exponential`, `cayley`);
    /// `channel_map.first_moment` and `.second_moment` [D, D] (Adam) or `channel_map.velocity` (SGD), not for `identity`;
    /// `classifier.first_moment` and `.second_moment` [C, D], or `classifier.velocity`.
    public let optimizer: [NamedTensor]

    public init(step: Int, head: Head, optimizer: [NamedTensor]) {
        self.step = step
        self.head = head
        self.optimizer = optimizer
    }
}

extension HeadTrainer {
    /// What `init(configuration:seed:restoring:)` needs to go on bit for bit.
    public var state: HeadTrainerState {
        let map = parameters.channelMap
        let mapShape = [channelCount, channelCount]
        var tensors: [NamedTensor] = []
        if let weight = map.weight {
            tensors.append(NamedTensor(name: "channel_map.parameter", shape: mapShape, values: weight.values))
        }
        if let moments = map.moments { tensors += named("channel_map", shape: mapShape, moments) }
        tensors += named("classifier", shape: [classCount, channelCount], parameters.classifierMoments)
        return HeadTrainerState(step: step, head: head, optimizer: tensors)
    }

    private func named(_ parameter: String, shape: [Int], _ moments: OptimizerState<Float>) -> [NamedTensor] {
        let names = Self.momentNames(parameter, configuration.optimizer)
        return zip(names, [moments.first, moments.second]).map {
            NamedTensor(name: $0, shape: shape, values: $1)
        }
    }

    private static func momentNames(_ parameter: String, _ optimizer: OptimizerConfiguration) -> [String] {
        switch optimizer.kind {
        case .adam: ["\(parameter).first_moment", "\(parameter).second_moment"]
        case .sgd: ["\(parameter).velocity"]
        }
    }

    /// Goes on from a state.
    ///
    /// U is taken as stored, not computed again from W: a step after a restore has the bits it would have had without.
    /// - Throws: `HeadError.missingTensor`, `.shapeMismatch` or `.notFinite` naming the tensor, or `.invalidSetting`.
    public init(configuration: HeadConfiguration, seed: UInt64, restoring state: HeadTrainerState) throws {
        try configuration.validate()
        guard state.step >= 0 else {
            throw HeadError.invalidSetting(key: "step", value: "\(state.step)", expected: "0 or more")
        }
        let head = state.head
        let mapShape = [head.channelCount, head.channelCount]
        let (kind, optimizer) = (configuration.channelMap, configuration.optimizer)
        let hasWeight = kind == .exponential || kind == .cayley
        let mapNames = kind == .identity ? [] : Self.momentNames("channel_map", optimizer)
        let classifierNames = Self.momentNames("classifier", optimizer)
        let expected = (hasWeight ? ["channel_map.parameter"] : []) + mapNames + classifierNames

        func tensor(_ name: String, _ shape: [Int]) throws -> [Float] {
            guard let tensor = state.optimizer.first(where: { $0.name == name }) else {
                throw HeadError.missingTensor(name, expected: expected)
            }
            guard tensor.shape == shape, tensor.values.count == shape.reduce(1, *) else {
                throw HeadError.shapeMismatch(tensor: name, expected: shape, found: tensor.shape)
            }
            guard tensor.values.allSatisfy(\.isFinite) else {
                throw HeadError.notFinite(tensor: name, step: state.step)
            }
            return tensor.values
        }
        func moments(_ names: [String], _ shape: [Int]) throws -> OptimizerState<Float> {
            var moments = OptimizerState<Float>(count: 0, optimizer: optimizer)
            moments.first = try tensor(names[0], shape)
            if names.count > 1 { moments.second = try tensor(names[1], shape) }
            return moments
        }

        let map = ChannelMapParameters(
            kind: kind, matrix: SquareMatrix(size: head.channelCount, values: head.channelMap),
            weight: hasWeight
                ? SquareMatrix(size: head.channelCount, values: try tensor("channel_map.parameter", mapShape)) : nil,
            moments: kind == .identity ? nil : try moments(mapNames, mapShape))
        parameters = HeadParameters(
            configuration: configuration, channelCount: head.channelCount, classCount: head.classCount, seed: seed,
            step: state.step, channelMap: map, classifier: head.classifier.weights,
            classifierMoments: try moments(classifierNames, [head.classCount, head.channelCount]))
    }
}
