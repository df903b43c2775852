/// How much the classifier uses a channel, and for which classes.
public struct ChannelUse: Codable, Equatable, Sendable {
    /// A class with its weight A_ck.
    public struct Share: Codable, Equatable, Sendable {
        public let label: Int
        public let weight: Float

        public init(label: Int, weight: Float) {
            self.label = label
            self.weight = weight
        }
    }

    public let channel: Int
    /// Sum of the channel's weights over all classes.
    public let total: Float
    /// The classes with the largest positive weights, largest first.
    public let classes: [Share]

    public init(channel: Int, total: Float, classes: [Share]) {
        self.channel = channel
        self.total = total
        self.classes = classes
    }
}
