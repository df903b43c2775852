import CounterRandom
import Tensors

/// Gradient of a batch, summed over its samples.
package struct GradientSum<Scalar: HeadScalar>: Sendable {
    /// dL/dU [D, D]; nil for the identity channel map, which is not trained.
    package var channelMap: SquareMatrix<Scalar>?
    /// dL/dA [C, D].
    package var classifier: [Scalar]
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
    package var channelMap: ChannelMapParameters<Scalar>
    /// A [C, D], every entry >= 0.
    package var classifier: [Scalar]
    package var classifierMoments: OptimizerState<Scalar>

    /// U = I and A as `classifier` says.
    package init(
        configuration: HeadConfiguration, channelCount: Int, classCount: Int, seed: UInt64,
        classifier initialisation: ClassifierInitialisation
    ) throws {
        try configuration.validate()
        precondition(channelCount > 0 && classCount > 0, "a head needs channels and classes")
        self.configuration = configuration
        self.channelCount = channelCount
        self.classCount = classCount
        self.seed = seed
        channelMap = ChannelMapParameters(
            kind: configuration.channelMap, size: channelCount, optimizer: configuration.optimizer)
        switch initialisation {
        case .uniform:
            var stream = RandomStream(seed: seed, purpose: .initialisation)
            let scale = 2 / Double(channelCount).squareRoot()
            classifier = (0..<classCount * channelCount).map { _ in Scalar(Float(scale * stream.uniform())) }
        case .positivePart(let weights):
            guard weights.count == classCount * channelCount else {
                throw HeadError.shapeMismatch(
                    tensor: "classifier_init", expected: [classCount, channelCount], found: [weights.count])
            }
            guard weights.allSatisfy(\.isFinite) else {
                throw HeadError.notFinite(tensor: "classifier_init", step: nil)
            }
            classifier = weights.map { Scalar($0 > 0 ? $0 : 0) }
        }
        classifierMoments = OptimizerState(count: classifier.count, optimizer: configuration.optimizer)
    }

    init(
        configuration: HeadConfiguration, channelCount: Int, classCount: Int, seed: UInt64, step: Int,
        channelMap: ChannelMapParameters<Scalar>, classifier: [Scalar], classifierMoments: OptimizerState<Scalar>
    ) {
        self.configuration = configuration
        self.channelCount = channelCount
        self.classCount = classCount
        self.seed = seed
        self.step = step
        self.channelMap = channelMap
        self.classifier = classifier
        self.classifierMoments = classifierMoments
    }

    /// Loss and gradients of a batch at the present parameters, summed over its samples.
    ///
    /// - Parameters:
    ///   - labels: [N], each a class.
    ///   - sampleIDs: [N], the samples' names in the pooling noise.
    /// - Throws: `HeadError.notFinite` if a feature or the loss is not finite.
    package func gradient(
        batch: FeatureBatch<Scalar>, labels: [Int], sampleIDs: [Int], team: WorkerTeam
    ) throws -> GradientSum<Scalar> {
        let (N, D, C) = (batch.imageCount, channelCount, classCount)
        let rule: any PoolingRule<Scalar> = configuration.poolingRule(step: step, seed: seed)
        guard var pool = rule.pool(batch, sampleIDs: sampleIDs, channelMap: channelMap.matrix.values, team: team) else {
            throw HeadError.notFinite(tensor: "features", step: step)
        }
        let pooled = pool.pooled
        let logits = ClassifierProducts.logits(
            pooled: pooled, classifier: classifier, imageCount: N, channelCount: D, classCount: C, team: team)
        let loss = SoftmaxCrossEntropy(logits: logits, labels: labels, classCount: C)
        guard loss.lossSum.isFinite else { throw HeadError.notFinite(tensor: "loss", step: step) }
        let ofClassifier = ClassifierProducts.gradient(
            ofLogits: loss.gradient, pooled: pooled, imageCount: N, channelCount: D, classCount: C, team: team)
        var ofChannelMap: SquareMatrix<Scalar>?
        if configuration.channelMap != .identity {
            ofChannelMap = pool.channelMapGradient(
                ofPooled: ClassifierProducts.gradientOfPooled(
                    ofLogits: loss.gradient, classifier: classifier, imageCount: N, channelCount: D, classCount: C,
                    team: team), batch: batch, team: team)
        }
        return GradientSum(
            channelMap: ofChannelMap, classifier: ofClassifier, lossSum: loss.lossSum,
            correctCount: loss.correctCount)
    }

    /// One optimizer step. The classifier then shrinks by learningRate * classifierL1 and is cut off at 0 (the proximal
    /// step of the L1 norm on A >= 0), so its zeros are exact.
    ///
    /// - Throws: `HeadError.notFinite` naming the gradient that is not finite; nothing has then changed.
    package mutating func apply(
        channelMapGradient: SquareMatrix<Scalar>?, classifierGradient: [Scalar],
        channelMapLearningRate: Double, classifierLearningRate: Double, team: WorkerTeam
    ) throws {
        guard areFinite(classifierGradient, team: team) else {
            throw HeadError.notFinite(tensor: "classifier.gradient", step: step)
        }
        if configuration.channelMap != .identity {
            precondition(channelMapGradient != nil, "this channel map is trained and needs a gradient")
            guard channelMapGradient!.isFinite(team: team) else {
                throw HeadError.notFinite(tensor: "channel_map.gradient", step: step)
            }
            try channelMap.apply(
                gradient: channelMapGradient!, learningRate: channelMapLearningRate,
                optimizer: configuration.optimizer, step: step, team: team)
        }
        var direction = classifierGradient
        classifierMoments.makeDirection(
            &direction, optimizer: configuration.optimizer, updateCount: step, team: team)
        let rate = Scalar(classifierLearningRate)
        let shrinkage = Scalar(classifierLearningRate * configuration.classifierL1)
        for index in classifier.indices {
            let moved = classifier[index] - rate * direction[index] - shrinkage
            classifier[index] = moved > 0 ? moved : 0
        }
        step += 1
    }
}
