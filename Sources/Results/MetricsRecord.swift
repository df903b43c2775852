/// One line of `metrics.jsonl`.
public struct MetricsRecord: Codable, Equatable, Sendable {
    public enum Kind: String, Codable, Sendable {
        /// A step in the middle of an epoch.
        case step
        /// The end of an epoch, with test figures where it was evaluated.
        case epoch
    }

    public var kind: Kind
    /// Steps completed since the start of the run.
    public var step: Int
    /// Epochs begun, from 1.
    public var epoch: Int
    /// Mean over the samples of the epoch so far of the loss that is trained on, in nats: the cross-entropy, or what distillation
    /// makes of it, and the terms of `training.purity`.
    public var loss: Double
    /// Share of the epoch's training samples so far that were classified correctly before their step.
    public var accuracy: Double
    public var learningRate: Double
    /// max|U^T U - I|.
    public var orthogonalityError: Double?
    /// Shares of test images whose class is the first, or among the first five; absent where not evaluated.
    public var testTop1: Double?
    public var testTop5: Double?
    /// Wall-clock seconds of training, going on after a resume from those of the line before it.
    public var seconds: Double?

    public init(
        kind: Kind, step: Int, epoch: Int, loss: Double, accuracy: Double, learningRate: Double,
        orthogonalityError: Double? = nil, testTop1: Double? = nil, testTop5: Double? = nil, seconds: Double? = nil
    ) {
        self.kind = kind
        self.step = step
        self.epoch = epoch
        self.loss = loss
        self.accuracy = accuracy
        self.learningRate = learningRate
        self.orthogonalityError = orthogonalityError
        self.testTop1 = testTop1
        self.testTop5 = testTop5
        self.seconds = seconds
    }

    enum CodingKeys: String, CodingKey {
        case kind, step, epoch, loss, accuracy, seconds
        case learningRate = "learning_rate"
        case orthogonalityError = "orthogonality_error"
        case testTop1 = "test_top1"
        case testTop5 = "test_top5"
    }
}
