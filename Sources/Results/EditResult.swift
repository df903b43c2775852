/// What an edit of a head has done.
public struct EditResult: Codable, Equatable, Sendable {
    /// The folder name of the checkpoint whose head was edited.
    public let checkpoint: String
    /// The new checkpoint.
    public let output: String
    /// SHA-256 of the new `head.safetensors`.
    public let headDigest: String
    public let backbone: String
    public let classCount: Int
    /// What the test images say; nil where channels got names alone.
    public let testImageCount: Int?
    public let before: Accuracy?
    public let after: Accuracy?
    /// Test images that another class is predicted for than before.
    public let changedCount: Int?
    /// Weights that are another number than before.
    public let changedWeightCount: Int
    /// Channels of the new checkpoint that have a name.
    public let namedCount: Int

    public init(
        checkpoint: String, output: String, headDigest: String, backbone: String, classCount: Int,
        testImageCount: Int? = nil, before: Accuracy? = nil, after: Accuracy? = nil, changedCount: Int? = nil,
        changedWeightCount: Int = 0, namedCount: Int
    ) {
        self.checkpoint = checkpoint
        self.output = output
        self.headDigest = headDigest
        self.backbone = backbone
        self.classCount = classCount
        self.testImageCount = testImageCount
        self.before = before
        self.after = after
        self.changedCount = changedCount
        self.changedWeightCount = changedWeightCount
        self.namedCount = namedCount
    }
}
