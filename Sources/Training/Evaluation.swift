import Datasets
import DisentangledHead
import FeatureCache
import Foundation
import Tensors

/// What a head says about one image of a dataset.
public struct Prediction: Equatable, Sendable {
    /// Relative to the dataset's root.
    public let path: String
    public let label: Int
    /// The five classes with the largest logits (fewer if there are fewer), largest first.
    public let topClasses: [Int]
    /// Softmax of the largest logit.
    public let probability: Float
    /// Channels whose contribution to the predicted class is at least 0.2 of the largest (SIDE's explanation size, on
    /// contributions).
    public let explanationSize: Int
}

/// Evaluates heads on cached features: deterministic pooling, the plain view of each image, every image once.
public enum Evaluation {
    /// Images whose features are in memory at a time.
    private static let batchSize = 64

    /// Counts the correctly classified images of a split.
    public static func score(
        _ head: Head, cache: FeatureCache, split: Split, team: WorkerTeam
    ) throws -> ClassificationScore {
        var score = ClassificationScore()
        try forEachBatch(of: cache, split: split) { samples, features in
            let logits = try head.forward(features, team: team).logits
            for (row, sample) in samples.enumerated() {
                score.count(
                    logits: logits[row * head.classCount..<(row + 1) * head.classCount],
                    label: cache.samples.label(of: sample))
            }
        }
        return score
    }

    /// The predictions for all images of a split, in the dataset's order.
    public static func predictions(
        _ head: Head, cache: FeatureCache, split: Split, team: WorkerTeam,
        progress: @escaping ProgressHandler = { _ in }
    ) throws -> [Prediction] {
        var predictions: [Prediction] = []
        let total = cache.indices(of: split.rawValue).count
        try forEachBatch(of: cache, split: split) { samples, features in
            let result = try head.forward(features, team: team)
            for (row, sample) in samples.enumerated() {
                predictions.append(
                    prediction(
                        logits: result.logits[row * head.classCount..<(row + 1) * head.classCount],
                        pooled: result.pooled, row: row, head: head, sample: cache.samples[sample]))
            }
            progress(.init(activity: "evaluate", completed: predictions.count, total: total, unit: "images"))
        }
        return predictions
    }

    /// Calls `body` with the sample indices and feature maps [n, H, W, D] of a split, a batch at a time.
    package static func forEachBatch(
        of cache: FeatureCache, split: Split, _ body: (_ samples: ArraySlice<Int>, _ features: Tensor) throws -> Void
    ) throws {
        let indices = cache.indices(of: split.rawValue)
        let map = cache.identity.featureMap
        for start in stride(from: 0, to: indices.count, by: batchSize) {
            let samples = indices[start..<min(indices.count, start + batchSize)]
            let features = try cache.features(of: Array(samples))
            try body(
                samples, Tensor(shape: [samples.count, map.height, map.width, map.channelCount], values: features))
        }
    }

    private static func prediction(
        logits: ArraySlice<Float>, pooled: PooledActivations, row: Int, head: Head, sample: CacheSample
    ) -> Prediction {
        let logits = Array(logits)
        let order = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }
        let predicted = order[0]
        let values = pooled.values[row * head.channelCount..<(row + 1) * head.channelCount]
        let contributions = zip(
            head.classifier[predicted * head.channelCount..<(predicted + 1) * head.channelCount], values
        )
        .map { abs($0 * $1) }
        let largest = contributions.max() ?? 0
        return Prediction(
            path: sample.path, label: sample.label, topClasses: Array(order.prefix(5)),
            probability: softmax(logits)[predicted],
            explanationSize: largest > 0 ? contributions.count { $0 >= 0.2 * largest } : 0)
    }
}

/// The softmax of `logits`, computed so that it cannot overflow.
package func softmax(_ logits: [Float]) -> [Float] {
    let largest = logits.max() ?? 0
    let powers = logits.map { exp(Double($0 - largest)) }
    let sum = powers.reduce(0, +)
    return powers.map { Float($0 / sum) }
}
