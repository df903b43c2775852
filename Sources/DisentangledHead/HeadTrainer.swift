import Tensors

/// The gradient of one logical shard's mini-batch, summed (not averaged) over its samples.
///
/// Gradients of the shards of a step are added exactly elsewhere, then `scaled(by: 1 / sampleCount)`, then applied.
public struct HeadGradient: Sendable, Equatable {
    /// dL/dU [D, D], or [R, R] where U turns R channels only; of a `riemannian` map the D (D - 1) / 2 numbers above the diagonal of
    /// (dL/dU U^T - U dL/dU^T) / 2, row by row; empty for the identity channel map, which is not trained.
    public var channelMap: [Float]
    /// dL/dA [C, D], or [C, 2 D] with a weight for each side of a channel.
    public var classifier: [Float]
    /// dL/db [C]; empty without a bias.
    public var bias: [Float]
    /// v added up over the images of each class, of the shape of A, and their numbers [C]; empty where no budget asks for them.
    public var classSums: [Float]
    public var classCounts: [Float]
    /// Sum of the samples' losses.
    public var lossSum: Double
    /// Samples whose largest logit was their label's.
    public var correctCount: Int
    public var sampleCount: Int

    public init(
        channelMap: [Float], classifier: [Float], bias: [Float] = [], classSums: [Float] = [],
        classCounts: [Float] = [], lossSum: Double, correctCount: Int, sampleCount: Int
    ) {
        self.channelMap = channelMap
        self.classifier = classifier
        self.bias = bias
        self.classSums = classSums
        self.classCounts = classCounts
        self.lossSum = lossSum
        self.correctCount = correctCount
        self.sampleCount = sampleCount
    }

    /// The gradient whose `tensors` are given, with the lengths that the trainer's `gradientLengths` say.
    public init(tensors: [[Float]], lossSum: Double, correctCount: Int, sampleCount: Int) {
        precondition(tensors.count == Self.tensorCount, "\(tensors.count) tensors of a gradient")
        self.init(
            channelMap: tensors[0], classifier: tensors[1], bias: tensors[2], classSums: tensors[3],
            classCounts: tensors[4], lossSum: lossSum, correctCount: correctCount, sampleCount: sampleCount)
    }

    private static let tensorCount = 5

    /// All that has to be added over the logical shards, in a fixed order.
    public var tensors: [[Float]] { [channelMap, classifier, bias, classSums, classCounts] }

    /// Multiplies all gradients; loss, counts and sums stay.
    public mutating func scale(by factor: Float) {
        for index in channelMap.indices { channelMap[index] *= factor }
        for index in classifier.indices { classifier[index] *= factor }
        for index in bias.indices { bias[index] *= factor }
    }

    /// The same for some of its `tensors`.
    package static func scale(_ tensors: inout [[Float]], _ range: Range<Int>, by factor: Float) {
        // Those of channel map, classifier and bias; the class sums stay.
        for tensor in range.clamped(to: 0..<3) {
            for index in tensors[tensor].indices { tensors[tensor][index] *= factor }
        }
    }
}

/// Trains a head: holds its parameters and the optimizer's memory, computes gradients, takes steps.
///
///     var trainer = try HeadTrainer(configuration: configuration, channelCount: 2048, classCount: 200, seed: 1)
///     var gradient = try trainer.gradient(features: features, labels: labels, sampleIDs: ids, team: team)
///     gradient.scale(by: 1 / Float(gradient.sampleCount))
///     try trainer.apply(gradient, learningRate: 1e-3, team: team)
///
/// Every result is a function of configuration, seed and data: not of the number of workers.
public struct HeadTrainer: Sendable {
    var parameters: HeadParameters<Float>

    public var configuration: HeadConfiguration { parameters.configuration }
    public var channelCount: Int { parameters.channelCount }
    public var classCount: Int { parameters.classCount }
    /// Weights of a class: D, or 2 D with one for each side of a channel.
    var valueCount: Int { parameters.valueCount }
    /// Weights that are trained, C times as many; none where a classifier is kept.
    private var weightCount: Int { parameters.classifier.count }
    public var seed: UInt64 { parameters.seed }
    /// Number of steps taken; the number of the next one, counted from 0.
    public var step: Int { parameters.step }
    /// The channels that U turns, rising, if these are not all; on the others it is I, as it was at the start.
    public var turnedChannels: [Int]? { parameters.turned }

    /// Whether the next step's gradient has class sums.
    private var observes: Bool { configuration.budget?.observes(step: step) ?? false }

    /// The number of elements of each of the next gradient's `tensors`; 0 for what is not trained.
    public var gradientLengths: [Int] {
        [
            parameters.channelMap.summandCount, weightCount,
            configuration.hasBias ? classCount : 0, observes ? classCount * valueCount : 0, observes ? classCount : 0,
        ]
    }

    /// A head with U = I, or all of a trained one.
    ///
    /// - Parameters:
    ///   - classifier: where A starts, without `start`.
    ///   - turnedChannels: the channels that U turns, rising; all if nil. On the others it stays I, so that its gradient, its
    ///     moments and its steps are [R, R].
    ///   - start: the trained head.
    ///   - teacher: what the head is to be like, if the configuration asks for distillation.
    /// - Throws: `HeadError.invalidSetting`, or `.shapeMismatch` or `.notFinite` for the initial classifier or the teacher;
    ///   `.unusableStart`.
    public init(
        configuration: HeadConfiguration, channelCount: Int, classCount: Int, seed: UInt64,
        classifier: ClassifierInitialisation = .uniform, turning turnedChannels: [Int]? = nil,
        start: HeadStart? = nil, teacher: DistillationTeacher? = nil
    ) throws {
        parameters = try HeadParameters(
            configuration: configuration, channelCount: channelCount, classCount: classCount, seed: seed,
            classifier: classifier, turning: turnedChannels, start: start, teacher: teacher)
    }

    init(parameters: HeadParameters<Float>) {
        self.parameters = parameters
    }

    /// The prototypes that the next steps make pure (`HeadConfiguration.prototypePurity`), whose samples are named as `gradient` is
    /// given them.
    public var prototypes: PrototypePairs? {
        get { parameters.prototypes }
        set {
            precondition(newValue == nil || newValue!.channelCount == channelCount, "prototypes of other channels")
            parameters.prototypes = newValue
        }
    }

    /// The head as it is now. Where a classifier is kept, its weights W become W U^T, which with the means of the channels says
    /// what W says with the mean of the feature map.
    public var head: Head {
        let map = parameters.channelMap.matrix
        if configuration.prototypePurity != nil, let teacher = parameters.teacher {
            let weights = ClassifierProducts.logits(
                pooled: teacher.weights, classifier: map.values, imageCount: classCount, channelCount: channelCount,
                classCount: channelCount, team: WorkerTeam(workerCount: 1))
            return Head(
                checkedChannelMap: map.values,
                classifier: Classifier(
                    checkedWeights: weights, bias: teacher.bias, signs: .any, classCount: classCount,
                    channelCount: channelCount),
                sides: .tied, channelsPerImage: nil, reading: .mean(epsilon: teacher.epsilon), loss: .crossEntropy)
        }
        return Head(
            checkedChannelMap: parameters.turned.map { map.embedded(in: $0, of: channelCount).values } ?? map.values,
            classifier: Classifier(
                checkedWeights: parameters.classifier, bias: parameters.bias, mask: parameters.mask,
                classCount: classCount, channelCount: valueCount), sides: configuration.sides,
            channelsPerImage: configuration.imageBudget?.channelsPerImage, reading: .extrema,
            loss: configuration.loss)
    }

    /// Loss and gradients of a mini-batch at the present parameters, summed over its samples.
    ///
    /// - Parameters:
    ///   - features: [N, P, D] or [N, H, W, D].
    ///   - labels: [N].
    ///   - sampleIDs: [N], numbers that name the samples for good; the pooling noise depends on them and on `step`.
    ///   - teacherLogits: [N, C], those of `teacherLogits(features:team:)` if they are known; else they are computed.
    /// - Throws: `HeadError.notFinite` naming tensor and step, `.shapeMismatch`, or `.labelOutOfRange`.
    public func gradient(
        features: Tensor, labels: [Int], sampleIDs: [Int], teacherLogits: [Float]? = nil, team: WorkerTeam
    ) throws -> HeadGradient {
        try FeatureBatch.withFeatures(features, channelCount: channelCount) {
            try gradient(
                batch: $0, labels: labels, sampleIDs: sampleIDs, teacherLogits: teacherLogits, team: team)
        }
    }

    /// Whether the loss is about a teacher's logits (`Distillation`).
    public var isDistilled: Bool { configuration.distillation != nil && parameters.teacher != nil }

    /// The teacher's logits [N, C] of feature maps [N, ..., D], a function of each image alone and the same at every step; nil
    /// without a teacher.
    /// - Throws: `HeadError.notFinite`, `.shapeMismatch`.
    public func teacherLogits(features: Tensor, team: WorkerTeam) throws -> [Float]? {
        try FeatureBatch.withFeatures(features, channelCount: channelCount) {
            try parameters.teacherLogits($0, team: team)
        }
    }

    /// `gradient(features:labels:sampleIDs:team:)` of features on loan.
    package func gradient(
        batch: FeatureBatch<Float>, labels: [Int], sampleIDs: [Int], teacherLogits: [Float]? = nil, team: WorkerTeam
    ) throws -> HeadGradient {
        if let teacherLogits, teacherLogits.count != batch.imageCount * classCount {
            throw HeadError.shapeMismatch(
                tensor: "teacher's logits", expected: [batch.imageCount, classCount], found: [teacherLogits.count])
        }
        for (name, count) in [("labels", labels.count), ("sample_ids", sampleIDs.count)]
        where count != batch.imageCount {
            throw HeadError.shapeMismatch(tensor: name, expected: [batch.imageCount], found: [count])
        }
        if let label = labels.first(where: { !(0..<classCount).contains($0) }) {
            throw HeadError.labelOutOfRange(label: label, classCount: classCount)
        }
        let sum = try parameters.gradient(
            batch: batch, labels: labels, sampleIDs: sampleIDs, teacherLogits: teacherLogits, team: team)
        return HeadGradient(
            channelMap: sum.channelMap.map { parameters.channelMap.summand($0, team: team) } ?? [],
            classifier: sum.classifier, bias: sum.bias ?? [],
            classSums: sum.classSums?.sums ?? [], classCounts: sum.classSums?.counts ?? [],
            lossSum: sum.lossSum, correctCount: sum.correctCount, sampleCount: labels.count)
    }

    /// One optimizer step against an averaged gradient; then max|U^T U - I| <= 1e-5 and A >= 0 hold.
    ///
    /// - Parameters:
    ///   - learningRate: of this step (see `LearningRateSchedule`).
    ///   - channelMapLearningRate: for U, if it is to differ from the classifier's.
    ///   - sharing: the processes that take the same step and share its products.
    /// - Throws: `HeadError.notFinite` naming tensor and step, in which case nothing has changed; `.shapeMismatch`; what `sharing`
    ///   throws.
    public mutating func apply(
        _ gradient: HeadGradient, learningRate: Double, channelMapLearningRate: Double? = nil, team: WorkerTeam,
        sharing: (any ProductSharing)? = nil
    ) throws {
        try requireShapeOfMap(gradient.channelMap)
        try requireShapesBesideMap(gradient)
        let bias = configuration.hasBias ? gradient.bias : nil
        try parameters.requireFinite(classifierGradient: gradient.classifier, biasGradient: bias, team: team)
        try parameters.moveChannelMap(
            gradient.channelMap, learningRate: channelMapLearningRate ?? learningRate, team: team, sharing: sharing)
        moveClassifier(gradient, learningRate: learningRate, team: team)
    }

    /// The same step where only the channel map's gradient is known yet: it is applied first, while another thread may be adding the
    /// others.
    ///
    /// - Parameters:
    ///   - channelMap: the gradient's `channelMap`.
    ///   - whole: waits for the whole gradient, whose `channelMap` is not looked at.
    /// - Throws: as above, and what `whole` throws. If that throws, or what it gives is refused, the channel map has moved already
    ///   and the trainer is of no use any more.
    public mutating func apply(
        channelMap: [Float], learningRate: Double, channelMapLearningRate: Double? = nil, team: WorkerTeam,
        sharing: (any ProductSharing)? = nil, whole: () throws -> HeadGradient
    ) throws {
        try requireShapeOfMap(channelMap)
        try parameters.moveChannelMap(
            channelMap, learningRate: channelMapLearningRate ?? learningRate, team: team, sharing: sharing)
        let gradient = try whole()
        try requireShapesBesideMap(gradient)
        let bias = configuration.hasBias ? gradient.bias : nil
        try parameters.requireFinite(classifierGradient: gradient.classifier, biasGradient: bias, team: team)
        moveClassifier(gradient, learningRate: learningRate, team: team)
    }

    private mutating func moveClassifier(_ gradient: HeadGradient, learningRate: Double, team: WorkerTeam) {
        parameters.moveClassifier(
            gradient.classifier, biasGradient: configuration.hasBias ? gradient.bias : nil,
            classSums: observes ? (gradient.classSums, gradient.classCounts) : nil, learningRate: learningRate,
            team: team)
    }

    private func requireShapeOfMap(_ gradient: [Float]) throws {
        let count = parameters.channelMap.summandCount
        guard gradient.count == count else {
            throw HeadError.shapeMismatch(tensor: "channel_map.gradient", expected: [count], found: [gradient.count])
        }
    }

    private func requireShapesBesideMap(_ gradient: HeadGradient) throws {
        guard gradient.classifier.count == weightCount else {
            throw HeadError.shapeMismatch(
                tensor: "classifier.gradient", expected: weightCount > 0 ? [classCount, valueCount] : [0],
                found: [gradient.classifier.count])
        }
        guard gradient.bias.count == (configuration.hasBias ? classCount : 0) else {
            throw HeadError.shapeMismatch(
                tensor: "classifier_bias.gradient", expected: [configuration.hasBias ? classCount : 0],
                found: [gradient.bias.count])
        }
        let sumLengths = Array(gradientLengths.suffix(2))
        guard [gradient.classSums.count, gradient.classCounts.count] == sumLengths else {
            throw HeadError.shapeMismatch(
                tensor: "class sums", expected: sumLengths,
                found: [gradient.classSums.count, gradient.classCounts.count])
        }
        guard gradient.lossSum.isFinite else { throw HeadError.notFinite(tensor: "loss", step: step) }
    }

    /// Whether every number of the head is finite.
    public func isFinite(team: WorkerTeam) -> Bool {
        parameters.channelMap.matrix.isFinite(team: team) && areFinite(parameters.classifier, team: team)
            && areFinite(parameters.bias ?? [], team: team)
    }

    /// Channels that U turns: D, or R of them.
    public var channelMapSize: Int { parameters.channelMap.matrix.size }

    /// max|U^T U - I| as it is now. D^3 multiplications, or R^3.
    public func orthogonalityError(team: WorkerTeam) -> Float {
        parameters.channelMap.matrix.orthogonalityError(team: team)
    }
}
