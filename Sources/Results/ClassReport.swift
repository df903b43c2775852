/// What is known of a class: which channels speak for it, and which images are easy and hard.
public struct ClassReport: Codable, Equatable, Sendable {
    /// What a channel adds to the class's logit, as a mean over the class's training images (method: "Class explanation").
    public struct Share: Codable, Equatable, Sendable {
        public let channel: Int
        public let meanContribution: Double

        public init(channel: Int, meanContribution: Double) {
            self.channel = channel
            self.meanContribution = meanContribution
        }
    }

    /// A test image of the class.
    public struct Example: Codable, Equatable, Sendable {
        /// The name of its picture.
        public let picture: String
        public let path: String
        /// The predicted class with its probability.
        public let predicted: Int
        public let probability: Float
        /// The address of its explanation; nil if it is none of the explained images.
        public let image: String?

        public init(picture: String, path: String, predicted: Int, probability: Float, image: String?) {
            self.picture = picture
            self.path = path
            self.predicted = predicted
            self.probability = probability
            self.image = image
        }
    }

    public let label: Int
    public let trainImageCount: Int
    public let testImageCount: Int
    /// Test images of the class that are taken for it.
    public let correctCount: Int
    public let bias: Float?
    /// By size of the mean contribution, largest first; those beyond the first ones are in `rest`.
    public let channels: [Share]
    /// Mean over the training images of what all other channels add.
    public let rest: Double
    /// Recognised with the highest probability; in the middle; and least, first those that are taken for another class with a high
    /// one.
    public let strongest: [Example]
    public let typical: [Example]
    public let weakest: [Example]

    public init(
        label: Int, trainImageCount: Int, testImageCount: Int, correctCount: Int, bias: Float?, channels: [Share],
        rest: Double, strongest: [Example], typical: [Example], weakest: [Example]
    ) {
        self.label = label
        self.trainImageCount = trainImageCount
        self.testImageCount = testImageCount
        self.correctCount = correctCount
        self.bias = bias
        self.channels = channels
        self.rest = rest
        self.strongest = strongest
        self.typical = typical
        self.weakest = weakest
    }
}
