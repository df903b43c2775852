import Datasets
import DisentangledHead
import FeatureCache
import Tensors

/// The plain linear classifier on the average-pooled features of the same frozen backbone: what one would use without
/// explanations, and what the head's accuracy is held against.
public struct BlackBox: Sendable {
    private let probe: LinearProbe

    /// The L2 strength picked on a held-out fifth of the training images.
    public var regularisation: Double { probe.regularisation }

    /// Fits the classifier (multinomial logistic regression with bias) on the training images of a cache.
    public init(fitting cache: FeatureCache, seed: UInt64, team: WorkerTeam) throws {
        let (features, labels) = try Self.averagePooled(cache, split: .train)
        probe = try LinearProbe.fit(
            features: features, labels: labels, classCount: cache.identity.classNames.count, seed: seed, team: team)
    }

    /// Counts the correctly classified images of a split.
    public func score(_ cache: FeatureCache, split: Split, team: WorkerTeam) throws -> ClassificationScore {
        let (features, labels) = try Self.averagePooled(cache, split: split)
        let logits = try probe.logits(features, team: team)
        var score = ClassificationScore()
        for (row, label) in labels.enumerated() {
            score.count(logits: logits[row * probe.classCount..<(row + 1) * probe.classCount], label: label)
        }
        return score
    }

    /// The mean over all pixels of each feature map of a split, [N, D], and the labels [N].
    private static func averagePooled(_ cache: FeatureCache, split: Split) throws -> (features: Tensor, labels: [Int]) {
        let map = cache.identity.featureMap
        let pixelCount = map.height * map.width
        var values: [Float] = []
        var labels: [Int] = []
        try Evaluation.forEachBatch(of: cache, split: split) { samples, features in
            for (row, sample) in samples.enumerated() {
                var mean = [Float](repeating: 0, count: map.channelCount)
                for pixel in 0..<pixelCount {
                    let start = (row * pixelCount + pixel) * map.channelCount
                    for channel in 0..<map.channelCount { mean[channel] += features.values[start + channel] }
                }
                values += mean.map { $0 / Float(pixelCount) }
                labels.append(cache.samples.label(of: sample))
            }
        }
        return (Tensor(shape: [labels.count, map.channelCount], values: values), labels)
    }
}
