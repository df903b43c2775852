import Backbones
public import DisentangledHead
public import ImageCoding
public import SystemPackage
public import Tensors

/// What a model makes of one image: features -> pooled activations -> logits.
public struct ImageInference: Sendable {
    /// [1, H, W, D], with the precision of the cache.
    public let features: Tensor
    public let pooled: PooledActivations
    /// [C].
    public let logits: [Float]
    /// Softmax of the logits, [C]; or the sigmoid of each, if the head was trained so (`ClassificationLoss`).
    public let probabilities: [Float]
    /// The classes, highest logit first.
    public let ranking: [Int]
}

extension TrainedModel {
    /// The inference of an image file (`Experiment.pixels(ofImageAt:)`), and what the network saw of it.
    /// - Throws: the errors of a file that cannot be read or decoded; `HeadError`.
    public func inference(
        ofImageAt path: FilePath, team: WorkerTeam
    ) throws -> (pixels: PixelImage, inference: ImageInference) {
        let pixels = try experiment.pixels(ofImageAt: path)
        return (pixels, try inference(of: pixels, team: team))
    }

    /// The inference of what the network sees of an image.
    /// - Throws: `HeadError`.
    public func inference(of pixels: PixelImage, team: WorkerTeam) throws -> ImageInference {
        try inference(of: experiment.features(of: pixels, workspace: experiment.backbone.makeWorkspace()), team: team)
    }

    /// The inference of features [1, H, W, D], such as a cache holds.
    /// - Throws: `HeadError`.
    public func inference(of features: Tensor, team: WorkerTeam) throws -> ImageInference {
        let result = try head.forward(features, team: team)
        let logits = result.logits(ofImage: 0)
        return ImageInference(
            features: features, pooled: result.pooled, logits: Array(logits),
            probabilities: head.loss.probabilities(logits),
            ranking: Ranking.order(of: logits))
    }
}
