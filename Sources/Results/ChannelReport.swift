/// What is known of a channel.
public struct ChannelReport: Codable, Equatable, Sendable {
    /// A prototype with where it is.
    public struct Example: Codable, Equatable, Sendable {
        /// The name of its picture.
        public let picture: String
        public let path: String
        public let label: Int
        public let activation: Float
        public let row: Int
        public let column: Int
        /// J_pk / |j_p| at its pixel (EPIC); nil where it was not measured.
        public let purity: Double?

        public init(
            picture: String, path: String, label: Int, activation: Float, row: Int, column: Int, purity: Double?
        ) {
            self.picture = picture
            self.path = path
            self.label = label
            self.activation = activation
            self.row = row
            self.column = column
            self.purity = purity
        }
    }

    /// How much a class has to do with the channel.
    public struct ClassUse: Codable, Equatable, Sendable {
        public let label: Int
        /// A_ck, of both sides where each has a weight of its own.
        public let weight: Float
        /// Mean of what the channel adds to the class's logit over the class's training images.
        public let meanContribution: Double?

        public init(label: Int, weight: Float, meanContribution: Double?) {
            self.label = label
            self.weight = weight
            self.meanContribution = meanContribution
        }
    }

    /// How strong the channel is over the training images: M_k where it is positive, m_k where it is negative.
    public struct Histogram: Codable, Equatable, Sendable {
        /// The first bin begins, and the last one ends here. Bins of a side are equally wide and end at 0.
        public let lowest: Float
        public let highest: Float
        /// From the lowest to 0, and from 0 to the highest.
        public let negative: [Int]
        public let positive: [Int]
        /// Images without a negative or a positive activation.
        public let withoutNegative: Int
        public let withoutPositive: Int

        public init(
            lowest: Float, highest: Float, negative: [Int], positive: [Int], withoutNegative: Int, withoutPositive: Int
        ) {
            self.lowest = lowest
            self.highest = highest
            self.negative = negative
            self.positive = positive
            self.withoutNegative = withoutNegative
            self.withoutPositive = withoutPositive
        }
    }

    /// A channel that explains the same images.
    public struct Companion: Codable, Equatable, Sendable {
        public let channel: Int
        public let imageCount: Int

        public init(channel: Int, imageCount: Int) {
            self.channel = channel
            self.imageCount = imageCount
        }
    }

    /// The part that the prototypes' patches hold most often.
    public struct PartShare: Codable, Equatable, Sendable {
        public let part: String
        /// Prototypes whose patch holds it, of those where it is visible.
        public let hitCount: Int
        public let visibleCount: Int

        public init(part: String, hitCount: Int, visibleCount: Int) {
            self.part = part
            self.hitCount = hitCount
            self.visibleCount = visibleCount
        }
    }

    public let channel: Int
    /// Sum of its weights over all classes.
    public let use: Float
    /// Those with the largest mean contributions, or where these are not known, weights.
    public let classes: [ClassUse]
    public let positive: [Example]
    public let negative: [Example]
    public let histogram: Histogram?
    /// Training images in which it is one of the ten channels that add most to the predicted class.
    public let topImageCount: Int?
    /// The channels that are among these ten most often together with it.
    public let companions: [Companion]
    public let positivePart: PartShare?
    public let negativePart: PartShare?

    public init(
        channel: Int, use: Float, classes: [ClassUse], positive: [Example], negative: [Example],
        histogram: Histogram? = nil, topImageCount: Int? = nil, companions: [Companion] = [],
        positivePart: PartShare? = nil, negativePart: PartShare? = nil
    ) {
        self.channel = channel
        self.use = use
        self.classes = classes
        self.positive = positive
        self.negative = negative
        self.histogram = histogram
        self.topImageCount = topImageCount
        self.companions = companions
        self.positivePart = positivePart
        self.negativePart = negativePart
    }
}
