public import Tensors

/// What a head says about an image that need not be of any dataset.
public struct ImagePrediction: Codable, Equatable, Sendable {
    /// A rectangle of whole pixels of the image file (as it is shown, where the input is turned as EXIF says).
    public struct Box: Codable, Equatable, Sendable {
        public let x: Int
        public let y: Int
        public let width: Int
        public let height: Int

        public init(x: Int, y: Int, width: Int, height: Int) {
            (self.x, self.y, self.width, self.height) = (x, y, width, height)
        }
    }

    /// A channel that speaks for or against the predicted class, and where.
    public struct Channel: Codable, Equatable, Sendable {
        public let channel: Int
        /// What a user calls it.
        public let name: String?
        /// What it adds to the logit of the predicted class.
        public let contribution: Float
        /// The side that adds more.
        public let side: Side
        /// The activation of that side.
        public let activation: Float
        /// The cell of the feature map where it is.
        public let cell: MapPosition
        /// What that cell covers of the image; nil for one in the padding around it.
        public let box: Box?

        public init(
            channel: Int, name: String? = nil, contribution: Float, side: Side, activation: Float, cell: MapPosition,
            box: Box?
        ) {
            self.channel = channel
            self.name = name
            self.contribution = contribution
            self.side = side
            self.activation = activation
            self.cell = cell
            self.box = box
        }
    }

    /// As it was given.
    public let path: String
    /// Why the image could not be read; nil for one that could.
    public let error: String?
    /// The classes with the largest logits, largest first.
    public let classes: [ClassScore]
    /// The channels with the largest contributions to the first class, largest first.
    public let channels: [Channel]

    public init(path: String, classes: [ClassScore], channels: [Channel]) {
        self.path = path
        error = nil
        self.classes = classes
        self.channels = channels
    }

    /// The record of an image that could not be read.
    public init(path: String, error: String) {
        self.path = path
        self.error = error
        classes = []
        channels = []
    }
}
