/// What the head makes of one image, in full: from it and the classifier the logits of all classes can be added up again, also
/// with channels switched off or weighed otherwise.
public struct ImageReport: Codable, Equatable, Sendable {
    /// J_.k of a channel, rounded to 127 steps of its largest magnitude: for looking at, not for sums.
    public struct ActivationMap: Codable, Equatable, Sendable {
        public let channel: Int
        /// What 127 stands for.
        public let scale: Float
        /// [H, W].
        public let values: PackedBytes

        public init(channel: Int, scale: Float, values: PackedBytes) {
            self.channel = channel
            self.scale = scale
            self.values = values
        }
    }

    /// Its address on the pages.
    public let id: String
    /// The name of its picture.
    public let picture: String
    public let path: String
    /// Of its true class; nil if that is not known.
    public let label: Int?
    /// Of the class whose logit is shown first: the predicted one, or the one that was asked for.
    public let explained: Int
    /// The class whose logit is taken away from it at first; nil for none.
    public let versus: Int?
    /// The first classes, highest logit first.
    public let topScores: [ClassScore]
    /// [C], as the program computes them.
    public let logits: PackedFloats
    /// What both sides of each channel are to the classifier, [D] each: max(0, M_k) and min(0, m_k), or what a head has that reads
    /// channels by their means. Before a choice of channels (`channels_per_image`).
    public let positive: PackedFloats
    public let negative: PackedFloats
    /// The pixels where a channel is largest and smallest, [D].
    public let maximumPixels: PackedIntegers
    public let minimumPixels: PackedIntegers
    /// Of the channels that matter most to the first classes.
    public let maps: [ActivationMap]

    public init(
        id: String, picture: String, path: String, label: Int?, explained: Int, versus: Int? = nil,
        topScores: [ClassScore],
        logits: PackedFloats, positive: PackedFloats, negative: PackedFloats, maximumPixels: PackedIntegers,
        minimumPixels: PackedIntegers, maps: [ActivationMap]
    ) {
        self.id = id
        self.picture = picture
        self.path = path
        self.label = label
        self.explained = explained
        self.versus = versus
        self.topScores = topScores
        self.logits = logits
        self.positive = positive
        self.negative = negative
        self.maximumPixels = maximumPixels
        self.minimumPixels = minimumPixels
        self.maps = maps
    }
}
