/// What few channels a class cost: a dense head and those with fewer channels that start from it, on the same test images.
public struct BudgetSweepResult: Codable, Equatable, Sendable {
    /// A head of the sweep.
    public struct Point: Codable, Equatable, Sendable {
        /// Channels that a class may use; nil for all.
        public let channelsPerClass: Int?
        /// The folder of its run in that of the sweep.
        public let run: String
        /// The folder name of its last checkpoint.
        public let checkpoint: String
        public let head: Accuracy
        /// Top-1 of the dense head less that of this one, in percentage points.
        public let pointsLost: Double
        /// Mean number of channels whose contribution is at least 0.2 of the largest.
        public let meanExplanationSize: Double
        /// Mean share of the positive contributions that the ten largest make.
        public let meanTopTenShare: Double

        public init(
            channelsPerClass: Int?, run: String, checkpoint: String, head: Accuracy, pointsLost: Double,
            meanExplanationSize: Double, meanTopTenShare: Double
        ) {
            self.channelsPerClass = channelsPerClass
            self.run = run
            self.checkpoint = checkpoint
            self.head = head
            self.pointsLost = pointsLost
            self.meanExplanationSize = meanExplanationSize
            self.meanTopTenShare = meanTopTenShare
        }

        /// What the head is called: its number of channels, or "all".
        public var label: String { channelsPerClass.map(String.init) ?? "all" }
    }

    public let backbone: String
    public let classCount: Int
    public let channelCount: Int
    public let testImageCount: Int
    /// Those with few channels first, in order; the dense head last.
    public let points: [Point]

    public init(backbone: String, classCount: Int, channelCount: Int, testImageCount: Int, points: [Point]) {
        self.backbone = backbone
        self.classCount = classCount
        self.channelCount = channelCount
        self.testImageCount = testImageCount
        self.points = points
    }
}
