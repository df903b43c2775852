import Tensors

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
    /// Beside the head (with R for D in `channel_map` where U turns R channels only):
    /// `channel_map.channels` [R], these;
    /// `channel_map.parameter` W [D, D] (`exponential`, `cayley`);
    /// `channel_map.first_moment` and `.second_moment` [D, D] (Adam) or `channel_map.velocity` (SGD), not for `identity`; those of
    /// a `riemannian` map are skew, the second moment symmetric;
    /// `classifier.first_moment` and `.second_moment` [C, D], or `classifier.velocity`;
    /// `classifier_bias.first_moment` and `.second_moment` [C], or `classifier_bias.velocity`, with a bias;
    /// `budget.class_sums` [C, D], `budget.class_counts` [C] and `budget.regrown` [C, D] of zeros and ones, with a budget, and
    /// `budget.first_count` [1] if it began with fewer channels for a class than there are;
    /// `teacher.weights` [C, D], `teacher.bias` [C] and, if it standardises, `teacher.epsilon` [1], with distillation from a
    /// linear classifier, or `teacher.channel_map` [D, D], `teacher.weights` and, if it has them, `teacher.bias` and
    /// `teacher.channels_per_image` [1] of a head.
    /// `prototypes.samples` [D, n], -1 for none, and `prototypes.image_count` [1], where a classifier is kept, which is then the
    /// teacher, and has no moments.
    /// With a weight for each side (`ChannelSides.untied`), [C, D] of the classifier and the budget is [C, 2 D].
    public let optimizer: [NamedTensor]

    static let prototypeName = "prototypes.samples"
    static let prototypeImagesName = "prototypes.image_count"

    public init(step: Int, head: Head, optimizer: [NamedTensor]) {
        self.step = step
        self.head = head
        self.optimizer = optimizer
    }

    /// How many channels U turns, if these are not all.
    public var turnedChannelCount: Int? {
        optimizer.first { $0.name == "channel_map.channels" }?.shape.first
    }

    /// The channels that U turns, rising, if these are not all.
    /// - Throws: `HeadError.invalidSetting` for what is no list of channels.
    public func turnedChannels() throws -> [Int]? {
        guard let tensor = optimizer.first(where: { $0.name == "channel_map.channels" }) else { return nil }
        let channels = tensor.values.map { Int(exactly: $0) ?? -1 }
        try HeadParameters<Float>.check(channels, among: head.channelCount, HeadConfiguration())
        return channels
    }
}

extension HeadTrainer {
    /// What `init(configuration:seed:restoring:)` needs to go on bit for bit.
    public var state: HeadTrainerState {
        let map = parameters.channelMap
        let mapShape = [map.matrix.size, map.matrix.size]
        var tensors: [NamedTensor] = []
        if let turned = parameters.turned {
            // Exact: there are fewer than 2^24.
            tensors.append(
                NamedTensor(name: "channel_map.channels", shape: [turned.count], values: turned.map { Float($0) }))
        }
        if let weight = map.weight {
            tensors.append(NamedTensor(name: "channel_map.parameter", shape: mapShape, values: weight.values))
        }
        if let moments = map.squareMoments(team: WorkerTeam(workerCount: 1)) {
            tensors += named("channel_map", shape: mapShape, moments)
        }
        if configuration.prototypePurity == nil {
            tensors += named("classifier", shape: [classCount, valueCount], parameters.classifierMoments)
        }
        if let moments = parameters.biasMoments { tensors += named("classifier_bias", shape: [classCount], moments) }
        if let pruning = parameters.pruning {
            let shape = [classCount, valueCount]
            tensors.append(NamedTensor(name: "budget.class_sums", shape: shape, values: pruning.sums))
            tensors.append(NamedTensor(name: "budget.class_counts", shape: [classCount], values: pruning.counts))
            tensors.append(
                NamedTensor(name: "budget.regrown", shape: shape, values: pruning.regrown.map { $0 ? 1 : 0 }))
            if pruning.firstCount != pruning.channelCount {
                tensors.append(
                    NamedTensor(name: "budget.first_count", shape: [1], values: [Float(pruning.firstCount)]))
            }
        }
        if let teacher = parameters.teacher {
            tensors += teacher.tensors(classCount: classCount, channelCount: channelCount)
        }
        if let prototypes = parameters.prototypes {
            // Exact: there are fewer than 2^24 images, or the configuration is refused.
            tensors.append(
                NamedTensor(
                    name: HeadTrainerState.prototypeName, shape: [channelCount, prototypes.countPerChannel],
                    values: prototypes.samples.map { Float($0) }))
            tensors.append(
                NamedTensor(
                    name: HeadTrainerState.prototypeImagesName, shape: [1], values: [Float(prototypes.imageCount)]))
        }
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
    /// - Throws: `HeadError.missingTensor`, `.unexpectedTensor`, `.shapeMismatch` or `.notFinite` naming the tensor, or
    ///   `.invalidSetting`.
    public init(configuration: HeadConfiguration, seed: UInt64, restoring state: HeadTrainerState) throws {
        try configuration.validate()
        guard state.step >= 0 else {
            throw HeadError.invalidSetting(key: "step", value: "\(state.step)", expected: "0 or more")
        }
        let head = state.head
        let (kind, optimizer) = (configuration.channelMap, configuration.optimizer)
        let turnedCount = state.turnedChannelCount
        let mapSize = turnedCount ?? head.channelCount
        let mapShape = [mapSize, mapSize]
        let hasWeight = kind == .exponential || kind == .cayley
        let mapNames = kind == .identity ? [] : Self.momentNames("channel_map", optimizer)
        let keepsClassifier = configuration.prototypePurity != nil
        let classifierNames = keepsClassifier ? [] : Self.momentNames("classifier", optimizer)
        let biasNames = configuration.hasBias ? Self.momentNames("classifier_bias", optimizer) : []
        let (budget, classShape) = (configuration.budget, [head.classCount, head.classifier.channelCount])
        let found = state.optimizer.map(\.name)
        let hasFirstCount = budget != nil && found.contains("budget.first_count")
        let teacherNames =
            configuration.distillation == nil && !keepsClassifier ? [] : Teacher.names(among: found)
        // Before the first stage there are none.
        let prototypeNames =
            keepsClassifier && found.contains(HeadTrainerState.prototypeName)
            ? [HeadTrainerState.prototypeName, HeadTrainerState.prototypeImagesName] : []
        let expected =
            (turnedCount == nil || kind == .identity ? [] : ["channel_map.channels"])
            + (hasWeight ? ["channel_map.parameter"] : []) + mapNames + classifierNames + biasNames
            + (budget == nil ? [] : ["budget.class_sums", "budget.class_counts", "budget.regrown"])
            + (hasFirstCount ? ["budget.first_count"] : []) + teacherNames + prototypeNames
        try configuration.requireForm(of: head.classifier)
        guard head.sides == configuration.sides else {
            throw HeadError.invalidSetting(
                key: "signs", value: configuration.sides.rawValue,
                expected: head.sides.rawValue + ", as the head has it")
        }
        if let tensor = state.optimizer.first(where: { !expected.contains($0.name) }) {
            throw HeadError.unexpectedTensor(tensor.name, expected: expected)
        }

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

        var matrix = SquareMatrix(size: head.channelCount, values: head.channelMap)
        var turned: [Int]?
        if let turnedCount {
            let channels = try tensor("channel_map.channels", [turnedCount]).map { Int(exactly: $0) ?? -1 }
            try HeadParameters<Float>.check(channels, among: head.channelCount, configuration)
            let part = matrix.part(of: channels)
            guard part.embedded(in: channels, of: head.channelCount) == matrix else {
                throw HeadError.invalidSetting(
                    key: "channel_map", value: "that turns others than channel_map.channels",
                    expected: "that of the identity in all other channels")
            }
            (turned, matrix) = (channels, part)
        }
        let map = ChannelMapParameters(
            kind: kind, matrix: matrix,
            weight: hasWeight
                ? SquareMatrix(size: mapSize, values: try tensor("channel_map.parameter", mapShape)) : nil,
            moments: kind == .identity
                ? nil : try Self.mapMoments(moments(mapNames, mapShape), names: mapNames, kind: kind, size: mapSize))
        var pruning: ClassifierPruning<Float>?
        if let budget {
            pruning = ClassifierPruning(
                budget: budget, channelCount: head.classifier.channelCount, classCount: head.classCount)
            pruning?.sums = try tensor("budget.class_sums", classShape)
            pruning?.counts = try tensor("budget.class_counts", [head.classCount])
            pruning?.regrown = try tensor("budget.regrown", classShape).map { $0 != 0 }
            // There is one: its form was checked.
            pruning?.mask = head.classifier.mask ?? []
            if hasFirstCount {
                let count = try tensor("budget.first_count", [1])[0]
                let most = head.classifier.channelCount
                guard let count = Int(exactly: count), (budget.channelsPerClass..<most).contains(count) else {
                    throw HeadError.invalidSetting(
                        key: "budget.first_count", value: "\(count)",
                        expected: "an integer, \(budget.channelsPerClass) or more and less than \(most)")
                }
                pruning?.firstCount = count
            }
        }
        var teacher: DistillationTeacher?
        if !teacherNames.isEmpty {
            teacher = try DistillationTeacher(
                names: teacherNames, classCount: head.classCount, channelCount: head.channelCount, tensor: tensor)
        }
        let prototypes = try prototypeNames.isEmpty ? nil : Self.prototypes(of: state, tensor: tensor)
        parameters = HeadParameters(
            configuration: configuration, channelCount: head.channelCount, classCount: head.classCount, seed: seed,
            step: state.step, channelMap: map, turned: turned,
            classifier: keepsClassifier ? [] : head.classifier.weights,
            classifierMoments: try keepsClassifier
                ? OptimizerState(count: 0, optimizer: optimizer) : moments(classifierNames, classShape),
            bias: keepsClassifier ? nil : head.classifier.bias,
            biasMoments: try biasNames.isEmpty ? nil : moments(biasNames, [head.classCount]),
            pruning: pruning, fixedMask: budget == nil ? head.classifier.mask : nil,
            teacher: teacher.map { Teacher($0) }, prototypes: prototypes)
    }

    /// The moments of a channel map as the optimizer has them, of those of a state, [D, D].
    private static func mapMoments(
        _ square: OptimizerState<Float>, names: [String], kind: ChannelMapKind, size: Int
    ) throws -> OptimizerState<Float> {
        guard kind == .riemannian else { return square }
        func triangle(_ values: [Float], _ symmetry: SquareMatrix<Float>.Symmetry, name: String) throws -> [Float] {
            guard let triangle = SquareMatrix(size: size, values: values).triangle(symmetry) else {
                throw HeadError.invalidSetting(
                    key: name, value: "a matrix that is not \(symmetry)",
                    expected: "a \(symmetry) one, as riemannian channel maps have it")
            }
            return triangle
        }
        var moments = square
        moments.first = try triangle(square.first, .skew, name: names[0])
        if names.count > 1 { moments.second = try triangle(square.second, .symmetric, name: names[1]) }
        return moments
    }

    /// The prototypes of a state, of whose tensors `tensor(name, shape)` gives those that are sound.
    private static func prototypes(
        of state: HeadTrainerState, tensor: (String, [Int]) throws -> [Float]
    ) throws -> PrototypePairs {
        let name = HeadTrainerState.prototypeName
        let count = state.optimizer.first { $0.name == name }?.shape.last ?? 0
        let imageCount = Int(exactly: try tensor(HeadTrainerState.prototypeImagesName, [1])[0]) ?? 0
        let samples = try tensor(name, [state.head.channelCount, max(count, 1)]).map { value in
            guard let sample = Int(exactly: value), sample >= -1 else {
                throw HeadError.invalidSetting(
                    key: name, value: "\(value)", expected: "numbers of training images, or -1")
            }
            return sample
        }
        guard imageCount > 0 else {
            throw HeadError.invalidSetting(
                key: HeadTrainerState.prototypeImagesName, value: "\(imageCount)", expected: "1 or more")
        }
        return PrototypePairs(samples: samples, channelCount: state.head.channelCount, imageCount: imageCount)
    }
}

extension HeadConfiguration {
    /// Checks that a stored classifier has what this configuration trains, and no more.
    /// - Throws: `HeadError.missingTensor` or `.unexpectedTensor`.
    package func requireForm(of classifier: Classifier) throws {
        // A head without a budget keeps the mask of the one that it started from, if that had one.
        let hasMask = budget != nil || (startsFromHead && classifier.mask != nil)
        // A classifier that is kept always has one.
        let hasBias = hasBias || prototypePurity != nil
        let expected =
            ["channel_map", "classifier"] + (hasBias ? ["classifier_bias"] : [])
            + (hasMask ? ["classifier_mask"] : [])
        for (name, isThere) in [
            ("classifier_bias", classifier.bias != nil), ("classifier_mask", classifier.mask != nil),
        ]
        where isThere != expected.contains(name) {
            if isThere { throw HeadError.unexpectedTensor(name, expected: expected) }
            throw HeadError.missingTensor(name, expected: expected)
        }
    }
}
