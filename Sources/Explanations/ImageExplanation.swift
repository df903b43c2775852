public import ImageCoding
public import Results

/// Why the head gives one image the logit it gives: the numbers, and what is needed to show them.
public struct ImageExplanation: Sendable {
    public let result: ExplanationResult
    /// All classes, highest logit first.
    public let scores: [ClassScore]
    /// What the network saw: the resized, cropped image.
    public let pixels: PixelImage
    /// The same for all classes, as pages show it.
    public let record: ImageReport

    package init(result: ExplanationResult, scores: [ClassScore], pixels: PixelImage, record: ImageReport) {
        self.result = result
        self.scores = scores
        self.pixels = pixels
        self.record = record
    }
}
