import CounterRandom
import Tensors

/// Gradient of a batch, summed over its samples.
package struct GradientSum<Scalar: HeadScalar>: Sendable {
    /// dL/dU [D, D], or [R, R] of the turned channels; nil for the identity channel map, which is not trained. Of a `riemannian` map
    /// dL/dU U^T, the derivative along turns of the activations.
    package var channelMap: SquareMatrix<Scalar>?
    /// dL/dA [C, D], or [C, 2 D] with a weight for each side.
    package var classifier: [Scalar]
    /// dL/db [C]; nil without a bias.
    package var bias: [Scalar]?
    /// v added up over the images of each class [C, D], and their numbers [C]; nil where no budget asks for them.
    package var classSums: (sums: [Scalar], counts: [Scalar])?
    package var lossSum: Double
    package var correctCount: Int
}

/// Everything that training changes, with one step of it: the head's mathematics in either precision.
package struct HeadParameters<Scalar: HeadScalar>: Sendable {
    package let configuration: HeadConfiguration
    package let channelCount: Int
    package let classCount: Int
    package let seed: UInt64
    /// Number of steps taken.
    package internal(set) var step = 0
    /// U, or its part [R, R] of the turned channels.
    package var channelMap: ChannelMapParameters<Scalar>
    /// The channels that U turns, rising, if these are not all; on the others it is I.
    package let turned: [Int]?
    /// A [C, D], or [C, 2 D] with a weight for each side (`ChannelSides`), every entry >= 0; empty where the teacher's is kept.
    package var classifier: [Scalar]
    package var classifierMoments: OptimizerState<Scalar>
    /// b [C]; nil without a bias.
    package var bias: [Scalar]?
    package var biasMoments: OptimizerState<Scalar>?
    /// With a budget.
    package var pruning: ClassifierPruning<Scalar>?
    /// [C, D]: the weights that are kept, of a head that starts from one with a mask and has no budget.
    package var fixedMask: [Bool]?
    /// [C, D]: the weights that are kept; nil for all.
    var mask: [Bool]? { pruning?.mask ?? fixedMask }
    /// With distillation; and where only the channel map is trained, the classifier that is kept.
    let teacher: Teacher<Scalar>?
    /// The prototypes of the present stage, where only the channel map is trained.
    package var prototypes: PrototypePairs?

    /// Numbers that the pooling gives the classifier, D or 2 D.
    package var valueCount: Int { channelCount * configuration.sides.valuesPerChannel }

    /// U = I, b = 0 and A as `classifier` says; or all of `start`.
    package init(
        configuration: HeadConfiguration, channelCount: Int, classCount: Int, seed: UInt64,
        classifier initialisation: ClassifierInitialisation, turning turned: [Int]? = nil, start: HeadStart? = nil,
        teacher: DistillationTeacher? = nil
    ) throws {
        try configuration.validate()
        let keepsClassifier = configuration.prototypePurity != nil
        guard (teacher != nil) == (keepsClassifier || configuration.distillation != nil) else {
            throw HeadError.invalidSetting(
                key: keepsClassifier ? "prototype_purity" : "distillation",
                value: teacher == nil ? "asked for without a teacher" : "not asked for",
                expected: "there exactly where a teacher is")
        }
        try teacher?.check(classCount: classCount, channelCount: channelCount)
        if keepsClassifier {
            precondition(turned == nil && start == nil, "all channels are turned, from the beginning")
            guard case .linear = teacher else {
                throw HeadError.invalidSetting(
                    key: "prototype_purity", value: "with the classifier of a head",
                    expected: "with a linear classifier on the mean of the feature map")
            }
        }
        precondition(channelCount > 0 && classCount > 0, "a head needs channels and classes")
        self.configuration = configuration
        self.channelCount = channelCount
        self.classCount = classCount
        self.seed = seed
        if let turned { try Self.check(turned, among: channelCount, configuration) }
        self.turned = turned
        channelMap = ChannelMapParameters(
            kind: configuration.channelMap, size: turned?.count ?? channelCount, optimizer: configuration.optimizer)
        switch initialisation {
        case _ where keepsClassifier: classifier = []
        case .uniform:
            var stream = RandomStream(seed: seed, purpose: .initialisation)
            let scale = 2 / Double(channelCount).squareRoot()
            let weightCount = classCount * channelCount * configuration.sides.valuesPerChannel
            classifier = (0..<weightCount).map { _ in Scalar(Float(scale * stream.uniform())) }
        case .positivePart(let weights, let offsets), .signed(let weights, let offsets):
            guard weights.count == classCount * channelCount else {
                throw HeadError.shapeMismatch(
                    tensor: "classifier_init", expected: [classCount, channelCount], found: [weights.count])
            }
            guard weights.allSatisfy(\.isFinite) else {
                throw HeadError.notFinite(tensor: "classifier_init", step: nil)
            }
            guard offsets?.count ?? classCount == classCount else {
                throw HeadError.shapeMismatch(
                    tensor: "classifier_init bias", expected: [classCount], found: [offsets?.count ?? 0])
            }
            guard offsets?.allSatisfy(\.isFinite) ?? true else {
                throw HeadError.notFinite(tensor: "classifier_init bias", step: nil)
            }
            if case .signed = initialisation {
                classifier = weights.map { Scalar($0) }
                ClassifierGauge.bringToColumnMinimum(&classifier, channelCount: channelCount)
                guard classifier.allSatisfy(\.isFinite) else {
                    throw HeadError.notFinite(tensor: "classifier_init", step: nil)
                }
            } else {
                classifier = weights.map { Scalar($0 > 0 ? $0 : 0) }
            }
            if configuration.sides == .untied {
                let tied = classifier
                classifier = (0..<classCount).flatMap { label in
                    let row = tied[label * channelCount..<(label + 1) * channelCount]
                    return row + row
                }
            }
            if let offsets { bias = offsets.map { Scalar($0) } }
        }
        classifierMoments = OptimizerState(count: classifier.count, optimizer: configuration.optimizer)
        if configuration.hasBias {
            bias = bias ?? Array(repeating: 0, count: classCount)
            biasMoments = OptimizerState(count: classCount, optimizer: configuration.optimizer)
        } else {
            bias = nil
        }
        pruning = configuration.budget.map {
            ClassifierPruning(
                budget: $0, channelCount: channelCount * configuration.sides.valuesPerChannel, classCount: classCount)
        }
        self.teacher = teacher.map { Teacher($0) }
        if let start { try begin(at: start) }
    }

    init(
        configuration: HeadConfiguration, channelCount: Int, classCount: Int, seed: UInt64, step: Int,
        channelMap: ChannelMapParameters<Scalar>, turned: [Int]?, classifier: [Scalar],
        classifierMoments: OptimizerState<Scalar>, bias: [Scalar]?, biasMoments: OptimizerState<Scalar>?,
        pruning: ClassifierPruning<Scalar>?, fixedMask: [Bool]?, teacher: Teacher<Scalar>?, prototypes: PrototypePairs?
    ) {
        self.configuration = configuration
        self.channelCount = channelCount
        self.classCount = classCount
        self.seed = seed
        self.step = step
        self.channelMap = channelMap
        self.turned = turned
        self.classifier = classifier
        self.classifierMoments = classifierMoments
        self.bias = bias
        self.biasMoments = biasMoments
        self.pruning = pruning
        self.fixedMask = fixedMask
        self.teacher = teacher
        self.prototypes = prototypes
    }

    /// Checks which channels are to be turned.
    /// - Throws: `HeadError.invalidSetting`.
    static func check(_ turned: [Int], among channelCount: Int, _ configuration: HeadConfiguration) throws {
        guard configuration.channelMap != .identity else {
            throw HeadError.invalidSetting(
                key: "channel_map.channels", value: "\(turned.count)", expected: "none, as channel_map is identity")
        }
        guard let first = turned.first, first >= 0, turned.last! < channelCount,
            zip(turned, turned.dropFirst()).allSatisfy({ $0 < $1 })
        else {
            throw HeadError.invalidSetting(
                key: "channel_map.channels", value: turned.count > 4 ? "\(turned.prefix(4))..." : "\(turned)",
                expected: "one or more numbers from 0 to \(channelCount - 1), rising")
        }
    }

    /// Loss and gradients of a batch at the present parameters, summed over its samples.
    ///
    /// - Parameters:
    ///   - labels: [N], each a class.
    ///   - sampleIDs: [N], the samples' names in the pooling noise.
    ///   - teacherLogits: those of `teacherLogits(_:team:)`; computed if nil.
    /// - Throws: `HeadError.notFinite` if a feature or the loss is not finite.
    package func gradient(
        batch: FeatureBatch<Scalar>, labels: [Int], sampleIDs: [Int], teacherLogits: [Scalar]? = nil, team: WorkerTeam
    ) throws -> GradientSum<Scalar> {
        if configuration.prototypePurity != nil {
            return try purityGradient(batch: batch, labels: labels, sampleIDs: sampleIDs, team: team)
        }
        let (N, E, C) = (batch.imageCount, valueCount, classCount)
        let rule: any PoolingRule<Scalar> = configuration.poolingRule(step: step, seed: seed)
        // dL/dU U^T = dJ^T X U^T = dJ^T J: with J in place of X it costs no product of its own.
        let kept =
            configuration.channelMap == .riemannian
            ? UnsafeMutablePointer<Scalar>.allocate(capacity: N * batch.pixelCount * channelCount) : nil
        defer { kept?.deallocate() }
        let pooledBatch = rule.pool(
            batch, sampleIDs: sampleIDs, channelMap: channelMap.matrix.values, turned: turned, keepingIn: kept,
            team: team)
        guard var pool = pooledBatch else {
            throw HeadError.notFinite(tensor: "features", step: step)
        }
        var pooled = pool.pooled
        let selection = selection
        let selected = selection?.selected(pooled) ?? []
        selection?.clear(&pooled, outside: selected)
        let logits = ClassifierProducts.logits(
            pooled: pooled, classifier: classifier, bias: bias, imageCount: N, channelCount: E, classCount: C,
            team: team)
        var loss = BatchLoss(configuration.loss, logits: logits, labels: labels, classCount: C)
        if let distillation = configuration.distillation,
            let teacherLogits = try teacherLogits ?? self.teacherLogits(batch, team: team)
        {
            loss.distil(logits: logits, teacherLogits: teacherLogits, classCount: C, distillation)
        }
        let purity = try configuration.purity.map {
            try PurityTerms(
                $0, batch: batch, pooled: pooled, channelMap: channelMap.matrix.values, turned: turned,
                sides: configuration.sides, step: step, team: team)
        }
        loss.lossSum += purity?.lossSum ?? 0
        guard loss.lossSum.isFinite else { throw HeadError.notFinite(tensor: "loss", step: step) }
        let ofClassifier = ClassifierProducts.gradient(
            ofLogits: loss.gradient, pooled: pooled, imageCount: N, channelCount: E, classCount: C, team: team)
        var ofChannelMap: SquareMatrix<Scalar>?
        if configuration.channelMap != .identity {
            var ofPooled = ClassifierProducts.gradientOfPooled(
                ofLogits: loss.gradient, classifier: classifier, imageCount: N, channelCount: E, classCount: C,
                team: team)
            purity?.add(toGradientOfPooled: &ofPooled)
            selection?.clear(&ofPooled, outside: selected)
            let rows =
                kept.map {
                    FeatureBatch(
                        features: $0, imageCount: N, pixelCount: batch.pixelCount, channelCount: channelCount)
                } ?? batch
            var gradient = pool.channelMapGradient(ofPooled: ofPooled, rows: rows, turned: turned, team: team)
            purity?.add(toGradientOfChannelMap: &gradient, rows: rows, turned: turned, team: team)
            ofChannelMap = gradient
        }
        return GradientSum(
            channelMap: ofChannelMap, classifier: ofClassifier,
            bias: bias.map { _ in ClassifierProducts.gradientOfBias(ofLogits: loss.gradient, classCount: C) },
            classSums: configuration.budget?.observes(step: step) ?? false
                ? ClassifierPruning.classSums(pooled: pooled, labels: labels, channelCount: E, classCount: C) : nil,
            lossSum: loss.lossSum, correctCount: loss.correctCount)
    }

    /// Minus the purity of the prototypes among the images of a batch, with dL/dU; the classifier that is kept only counts the images
    /// that it has right.
    /// - Throws: `HeadError.notFinite` if a feature is not finite; `.missingTensor` without prototypes.
    private func purityGradient(
        batch: FeatureBatch<Scalar>, labels: [Int], sampleIDs: [Int], team: WorkerTeam
    ) throws -> GradientSum<Scalar> {
        guard let prototypes else {
            throw HeadError.missingTensor(
                HeadTrainerState.prototypeName, expected: [HeadTrainerState.prototypeName])
        }
        guard let logits = try teacherLogits(batch, team: team) else {
            preconditionFailure("the classifier that is kept is the teacher")
        }
        let correctCount = labels.indices.count { image in
            let row = logits[image * classCount..<(image + 1) * classCount]
            return row.firstIndex(of: row.max()!)! - row.startIndex == labels[image]
        }
        let purity = try batch.withStandardisedPixels(epsilon: teacher?.epsilon, team: team) {
            try $0.purityGradient(
                channelMap: channelMap.matrix.values, channels: sampleIDs.map { prototypes.channels(ofSample: $0) },
                scale: prototypes.scale, team: team)
        }
        guard let purity else { throw HeadError.notFinite(tensor: "features", step: step) }
        let ofChannelMap: SquareMatrix<Scalar>? =
            switch configuration.channelMap {
            case .identity: nil
            case .riemannian: .product(purity.gradient, channelMap.matrix, transposing: .right, team: team)
            case .exponential, .cayley: purity.gradient
            }
        return GradientSum(
            channelMap: ofChannelMap, classifier: [],
            lossSum: purity.lossSum, correctCount: correctCount)
    }

    /// The channels of an image that count in the next step; nil for all.
    private var selection: ChannelSelection<Scalar>? {
        configuration.imageBudget?.count(atStep: step, channelCount: channelCount).map {
            ChannelSelection(
                count: $0, classifier: classifier, sides: configuration.sides, channelCount: channelCount,
                classCount: classCount)
        }
    }

    /// The teacher's logits [N, C] of a batch; nil without a teacher. They do not change in training, and an image's have the same
    /// bits in any batch.
    /// - Throws: `HeadError.notFinite` if a feature is not finite.
    package func teacherLogits(_ batch: FeatureBatch<Scalar>, team: WorkerTeam) throws -> [Scalar]? {
        guard let teacher else { return nil }
        guard let logits = teacher.logits(batch, classCount: classCount, team: team) else {
            throw HeadError.notFinite(tensor: "features", step: step)
        }
        return logits
    }

    /// One optimizer step. The classifier then shrinks by learningRate * classifierL1 and is cut off at 0 (the proximal
    /// step of the L1 norm on A >= 0), so its zeros are exact. The bias is neither shrunk nor cut off. With a
    /// budget only the weights in the mask are moved, and the mask changes where the budget says so. Before that the classifier
    /// is brought to its column minimum, if the configuration asks for it.
    ///
    /// - Parameters:
    ///   - channelMapGradient: the mean of the samples' `ChannelMapParameters.summand`; empty for the identity channel map.
    ///   - classSums: what the gradient of a step has that the budget observes.
    /// - Throws: `HeadError.notFinite` naming the gradient that is not finite; nothing has then changed.
    package mutating func apply(
        channelMapGradient: [Scalar], classifierGradient: [Scalar], biasGradient: [Scalar]? = nil,
        classSums: (sums: [Scalar], counts: [Scalar])? = nil, channelMapLearningRate: Double,
        classifierLearningRate: Double, team: WorkerTeam, sharing: (any ProductSharing)? = nil
    ) throws {
        try requireFinite(classifierGradient: classifierGradient, biasGradient: biasGradient, team: team)
        try moveChannelMap(channelMapGradient, learningRate: channelMapLearningRate, team: team, sharing: sharing)
        moveClassifier(
            classifierGradient, biasGradient: biasGradient, classSums: classSums, learningRate: classifierLearningRate,
            team: team)
    }

    /// - Throws: `HeadError.notFinite` naming the gradient that is not finite.
    func requireFinite(classifierGradient: [Scalar], biasGradient: [Scalar]?, team: WorkerTeam) throws {
        guard areFinite(classifierGradient, team: team) else {
            throw HeadError.notFinite(tensor: "classifier.gradient", step: step)
        }
        guard biasGradient?.allSatisfy(\.isFinite) ?? true else {
            throw HeadError.notFinite(tensor: "classifier_bias.gradient", step: step)
        }
    }

    /// The first half of a step (`apply`), which takes longest where there are many channels. `moveClassifier` is the other.
    /// - Throws: `HeadError.notFinite`, in which case nothing has changed; what `sharing` throws.
    mutating func moveChannelMap(
        _ gradient: [Scalar], learningRate: Double, team: WorkerTeam, sharing: (any ProductSharing)?
    ) throws {
        precondition(gradient.count == channelMap.summandCount, "the channel map needs a gradient of its own size")
        guard areFinite(gradient, team: team) else {
            throw HeadError.notFinite(tensor: "channel_map.gradient", step: step)
        }
        try channelMap.apply(
            gradient: gradient, learningRate: learningRate, optimizer: configuration.optimizer, step: step,
            team: SharedWorkers(team, sharing: sharing))
    }

    /// The second half of a step (`apply`), given gradients that are finite.
    mutating func moveClassifier(
        _ classifierGradient: [Scalar], biasGradient: [Scalar]?, classSums: (sums: [Scalar], counts: [Scalar])?,
        learningRate: Double, team: WorkerTeam
    ) {
        precondition(biasGradient?.count == bias?.count, "the bias is trained and needs a gradient, or there is none")
        var direction = classifierGradient
        // Without a gradient the moments of what is left out stay 0.
        if let mask { for index in mask.indices where !mask[index] { direction[index] = 0 } }
        classifierMoments.makeDirection(
            &direction, optimizer: configuration.optimizer, updateCount: step, team: team)
        let rate = Scalar(learningRate)
        let shrinkage = Scalar(learningRate * configuration.classifierL1)
        for index in classifier.indices {
            let moved = classifier[index] - rate * direction[index] - shrinkage
            classifier[index] = moved > 0 ? moved : 0
        }
        if let biasGradient { moveBias(biasGradient, learningRate: rate, team: team) }
        if let classSums { pruning?.observe(sums: classSums.sums, counts: classSums.counts) }
        step += 1
        if configuration.changesGauge(afterStep: step) {
            ClassifierGauge.bringToColumnMinimum(&classifier, channelCount: valueCount)
        }
        prune(gradient: classifierGradient, team: team)
    }

    private mutating func moveBias(_ gradient: [Scalar], learningRate: Scalar, team: WorkerTeam) {
        guard var moments = biasMoments, var moved = bias else { return }
        var direction = gradient
        moments.makeDirection(&direction, optimizer: configuration.optimizer, updateCount: step, team: team)
        for index in moved.indices { moved[index] -= learningRate * direction[index] }
        (bias, biasMoments) = (moved, moments)
    }

    /// Changes the mask if the budget says so after the steps taken; `gradient` is dL/dA of the last one.
    private mutating func prune(gradient: [Scalar], team: WorkerTeam) {
        guard var pruning, pruning.budget.hasEvent(afterStep: step) else { return }
        pruning.prune(
            afterStep: step, classifier: &classifier, moments: &classifierMoments, gradient: gradient, team: team)
        self.pruning = pruning
    }
}
