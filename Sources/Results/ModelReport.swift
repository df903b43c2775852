public import DurableFiles
public import Tensors

/// A whole model: all that the report's pages show, and what `report --json` prints.
public struct ModelReport: Codable, Equatable, Sendable {
    /// A fact about where the model comes from.
    public struct Origin: Codable, Equatable, Sendable {
        public let name: String
        public let value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Test images of a class that are taken for another.
    public struct Confusion: Codable, Equatable, Sendable {
        public let label: Int
        public let predicted: Int
        public let count: Int

        public init(label: Int, predicted: Int, count: Int) {
            self.label = label
            self.predicted = predicted
            self.count = count
        }
    }

    /// The head's last layer: what is needed to add up logits again.
    public struct ClassifierRecord: Codable, Equatable, Sendable {
        /// `tied`, `untied` or `positive` (`head.signs`).
        public let sides: String
        /// How a channel's pixels become its number: `extrema`, its largest and smallest response, or `mean` (`head.mode: posthoc`).
        public let reading: String
        /// How logits become probabilities: `cross_entropy`, by a softmax, or `binary_cross_entropy`, each by itself.
        public let loss: String
        /// Channels of an image that count; all if nil.
        public let channelsPerImage: Int?
        /// [C]; nil for none.
        public let bias: PackedFloats?
        /// A [C, D], or [C, 2 D] for untied sides.
        public let weights: PackedFloats

        public init(
            sides: String, reading: String, loss: String, channelsPerImage: Int?, bias: PackedFloats?,
            weights: PackedFloats
        ) {
            self.sides = sides
            self.reading = reading
            self.loss = loss
            self.channelsPerImage = channelsPerImage
            self.bias = bias
            self.weights = weights
        }
    }

    public static let currentSchema = "infodisent-report-1"

    public let schema: String
    public let checkpoint: String
    /// SHA-256 of the checkpoint's `head.safetensors`; edits are for one head (`HeadEdits`).
    public let headDigest: ContentDigest
    public let backbone: String
    public let classNames: [String]
    public let channelCount: Int
    /// H and W.
    public let featureMap: SpatialSize
    /// Names that a user gives to channels.
    public let channelNames: [Int: String]
    public let classifier: ClassifierRecord
    public let images: [ImageReport]
    /// By channel; in a report of a few images, those that have to do with them.
    public let channels: [ChannelReport]
    /// By label; none in a report of a few images.
    public let classes: [ClassReport]
    public let evaluation: EvaluationResult?
    public let confusions: [Confusion]
    /// The epochs of training.
    public let epochs: [MetricsRecord]
    public let scorecard: ScorecardResult?
    public let origins: [Origin]

    public init(
        checkpoint: String, headDigest: ContentDigest, backbone: String, classNames: [String], channelCount: Int,
        featureMap: SpatialSize, channelNames: [Int: String], classifier: ClassifierRecord, images: [ImageReport],
        channels: [ChannelReport], classes: [ClassReport] = [], evaluation: EvaluationResult? = nil,
        confusions: [Confusion] = [], epochs: [MetricsRecord] = [], scorecard: ScorecardResult? = nil,
        origins: [Origin]
    ) {
        schema = Self.currentSchema
        self.checkpoint = checkpoint
        self.headDigest = headDigest
        self.backbone = backbone
        self.classNames = classNames
        self.channelCount = channelCount
        self.featureMap = featureMap
        self.channelNames = channelNames
        self.classifier = classifier
        self.images = images
        self.channels = channels
        self.classes = classes
        self.evaluation = evaluation
        self.confusions = confusions
        self.epochs = epochs
        self.scorecard = scorecard
        self.origins = origins
    }
}
