public import ImageCoding
public import Results

/// Why the head gives one image the logit it gives: the numbers, and what is needed to show them.
public struct ImageExplanation: Sendable {
    public let result: ExplanationResult
    /// All classes, highest logit first.
    public let scores: [ClassScore]
    /// What the network saw: the resized, cropped image.
    public let pixels: PixelImage
    /// The maps ReLU(J_.k) and ReLU(-J_.k) of the channels that are shown, by channel and side.
    public let heatMaps: [ChannelSide: HeatMap]

    package init(
        result: ExplanationResult, scores: [ClassScore], pixels: PixelImage, heatMaps: [ChannelSide: HeatMap]
    ) {
        self.result = result
        self.scores = scores
        self.pixels = pixels
        self.heatMaps = heatMaps
    }
}

/// One side of one channel.
public struct ChannelSide: Hashable, Sendable {
    public let channel: Int
    public let side: Side

    public init(channel: Int, side: Side) {
        self.channel = channel
        self.side = side
    }
}
