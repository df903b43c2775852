/// What a head says about one image of a dataset.
public struct Prediction: Codable, Equatable, Sendable {
    /// Relative to the dataset's root.
    public let path: String
    public let label: Int
    /// The five classes with the largest logits (fewer if there are fewer), largest first.
    public let topClasses: [Int]
    /// Softmax of the largest logit.
    public let probability: Float
    /// Channels whose contribution to the predicted class is at least 0.2 of the largest.
    public let explanationSize: Int
    /// Share of the positive contributions to the predicted class that the ten largest make.
    public let topTenShare: Float

    public init(
        path: String, label: Int, topClasses: [Int], probability: Float, explanationSize: Int, topTenShare: Float
    ) {
        self.path = path
        self.label = label
        self.topClasses = topClasses
        self.probability = probability
        self.explanationSize = explanationSize
        self.topTenShare = topTenShare
    }
}

/// Shares of images whose class is the first, or among the first five; in 0...1.
public struct Accuracy: Codable, Equatable, Sendable {
    public let top1: Double
    /// Nil for five classes or fewer, of which every image's class is one.
    public let top5: Double?

    public init(top1: Double, top5: Double, classCount: Int) {
        self.top1 = top1
        self.top5 = classCount > 5 ? top5 : nil
    }
}

/// The figures of an evaluation of a checkpoint.
public struct EvaluationResult: Codable, Equatable, Sendable {
    public let checkpoint: String
    public let backbone: String
    public let classCount: Int
    public let testImageCount: Int
    public let head: Accuracy
    /// Of the network's own last layer; nil if its weight file has none of the dataset's classes.
    public let ownLastLayer: Accuracy?
    /// Of the plain linear classifier on the same features; nil if it was not asked for.
    public let blackBox: Accuracy?
    /// Top-1 of the head minus that of the black box, in percentage points.
    public let gapInPoints: Double?
    /// Mean number of channels whose contribution is at least 0.2 of the largest.
    public let meanExplanationSize: Double
    /// max|U^T U - I|.
    public let orthogonalityError: Float
    /// Where the images are, if they are not the test images of the dataset that the head was trained on.
    public let dataset: String?
    /// Classes of the head that these images have, if they are another dataset's.
    public let evaluatedClassCount: Int?

    public init(
        checkpoint: String, backbone: String, classCount: Int, testImageCount: Int, head: Accuracy,
        ownLastLayer: Accuracy? = nil, blackBox: Accuracy?, meanExplanationSize: Double, orthogonalityError: Float,
        dataset: String? = nil, evaluatedClassCount: Int? = nil
    ) {
        self.dataset = dataset
        self.evaluatedClassCount = evaluatedClassCount
        self.checkpoint = checkpoint
        self.backbone = backbone
        self.classCount = classCount
        self.testImageCount = testImageCount
        self.head = head
        self.ownLastLayer = ownLastLayer
        self.blackBox = blackBox
        gapInPoints = blackBox.map { (head.top1 - $0.top1) * 100 }
        self.meanExplanationSize = meanExplanationSize
        self.orthogonalityError = orthogonalityError
    }
}
