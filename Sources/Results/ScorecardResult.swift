/// A figure of a scorecard: what was measured, by which formula, on what, and what came out.
public struct ScorecardFigure: Codable, Equatable, Sendable {
    /// What a figure is, without its value.
    public struct Key: Codable, Hashable, Sendable {
        public enum Direction: String, Codable, Sendable {
            case higher, lower
        }

        /// A name of `MetricGroup`.
        public let group: String
        public let metric: String
        /// Which of the definitions there are.
        public let formula: String
        /// The way to attribute, or where no map is needed `head` or `backbone`: the channels after U and before it.
        public let way: String
        /// Whose scores were looked at; nil where none were.
        public let model: String?
        /// What takes the place of cells that are taken away.
        public let fill: String?
        /// Channels, cells or images that the figure is about.
        public let k: Int?
        public let threshold: Double?
        /// Which values are better; nil where that is a matter of taste.
        public let better: Direction?

        public init(
            _ group: String, _ metric: String, _ formula: String, way: String, model: String? = nil,
            fill: String? = nil,
            k: Int? = nil, threshold: Double? = nil, better: Direction? = nil
        ) {
            self.group = group
            self.metric = metric
            self.formula = formula
            self.way = way
            self.model = model
            self.fill = fill
            self.k = k
            self.threshold = threshold
            self.better = better
        }
    }

    public let key: Key
    public let value: Double
    /// Of the mean over images; nil where the value is none.
    public let standardError: Double?
    /// Images that the value is from; 0 where it is one of the classifier alone.
    public let imageCount: Int
    /// Channels that it is about; nil where it is not about a choice of them.
    public let channelCount: Int?
    /// The same of the random maps; nil where there is none.
    public internal(set) var baseline: Double?

    public init(
        key: Key, value: Double, standardError: Double? = nil, imageCount: Int, channelCount: Int? = nil,
        baseline: Double? = nil
    ) {
        self.key = key
        self.value = value
        self.standardError = standardError
        self.imageCount = imageCount
        self.channelCount = channelCount
        self.baseline = baseline
    }
}

extension ScorecardFigure {
    /// The same beside what the random maps have.
    public func beside(baseline: Double?) -> ScorecardFigure {
        var result = self
        result.baseline = baseline
        return result
    }
}

/// What was asked for and not measured.
public struct UnmeasuredMetric: Codable, Equatable, Sendable {
    public let metric: String
    public let reason: String

    public init(metric: String, reason: String) {
        self.metric = metric
        self.reason = reason
    }
}

/// Numbers about the explanations of a checkpoint beside those of other ways to attribute, on the same images.
public struct ScorecardResult: Codable, Equatable, Sendable {
    public static let currentSchemaVersion = 1

    public let schemaVersion: Int
    public let checkpoint: String
    public let backbone: String
    public let dataset: String
    public let split: String
    /// What part of each image is used (`dataset.crop`), or `full`.
    public let crop: String
    /// How an image becomes the network's input.
    public let input: String
    /// Rows and columns of the feature map.
    public let mapHeight: Int
    public let mapWidth: Int
    /// Of random maps, orders among equal cells, and of what else is drawn.
    public let seed: Int
    /// What the black box is.
    public let blackBox: String
    public let imageCount: Int
    /// Images of the figures that need passes through the backbone.
    public let passImageCount: Int
    public let ways: [String]
    public let figures: [ScorecardFigure]
    public let notMeasured: [UnmeasuredMetric]

    public init(
        checkpoint: String, backbone: String, dataset: String, split: String, crop: String, input: String,
        mapHeight: Int,
        mapWidth: Int, seed: Int, blackBox: String, imageCount: Int, passImageCount: Int, ways: [String],
        figures: [ScorecardFigure], notMeasured: [UnmeasuredMetric]
    ) {
        schemaVersion = Self.currentSchemaVersion
        self.checkpoint = checkpoint
        self.backbone = backbone
        self.dataset = dataset
        self.split = split
        self.crop = crop
        self.input = input
        self.mapHeight = mapHeight
        self.mapWidth = mapWidth
        self.seed = seed
        self.blackBox = blackBox
        self.imageCount = imageCount
        self.passImageCount = passImageCount
        self.ways = ways
        self.figures = figures
        self.notMeasured = notMeasured
    }
}
