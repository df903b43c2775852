import Datasets
import DisentangledHead
import FeatureCache
import Foundation
import MessagePassing
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
///
/// Several ranks share out the images; the results are those of one.
public enum Evaluation {
    /// Images whose features are in memory at a time.
    private static let batchSize = 64

    /// Counts the correctly classified images of a split. Collective; all ranks get the counts.
    public static func score(
        _ head: Head, cache: FeatureCache, split: Split, team: WorkerTeam,
        communicator: any Communicator = SingleProcess()
    ) throws -> ClassificationScore {
        let counts = try communicator.sumTogether(count: ClassificationScore.countCount) {
            var score = ClassificationScore()
            try forEachBatch(cache.share(of: split.rawValue, on: communicator), of: cache) { samples, features in
                let logits = try head.forward(features, team: team).logits
                for (row, sample) in samples.enumerated() {
                    score.count(
                        logits: logits[row * head.classCount..<(row + 1) * head.classCount],
                        label: cache.samples.label(of: sample))
                }
                communicator.activity.progress()
            }
            return score.counts
        }
        return ClassificationScore(counts: counts)
    }

    /// The predictions for all images of a split, in the dataset's order. Collective; rank 0 gets them, the others get an
    /// empty array.
    public static func predictions(
        _ head: Head, cache: FeatureCache, split: Split, team: WorkerTeam,
        communicator: any Communicator = SingleProcess(), progress: @escaping ProgressHandler = { _ in }
    ) throws -> [Prediction] {
        let total = cache.indices(of: split.rawValue).count
        var records: [PredictionRecord] = []
        try communicator.together {
            let share = cache.share(of: split.rawValue, on: communicator)
            try forEachBatch(share, of: cache) { samples, features in
                let result = try head.forward(features, team: team)
                for (row, sample) in samples.enumerated() {
                    records.append(
                        record(
                            logits: result.logits[row * head.classCount..<(row + 1) * head.classCount],
                            pooled: result.pooled, row: row, head: head, sample: sample))
                }
                communicator.activity.progress()
                progress(
                    .init(
                        activity: "evaluate", completed: total * records.count / share.count, total: total,
                        unit: "images"))
            }
        }
        // Sample indices are in the dataset's order, whoever had the sample.
        return try communicator.gather(PredictionRecord.bytes(records), to: 0)
            .flatMap { PredictionRecord.records($0) }.sorted { $0.sample < $1.sample }
            .map { record in
                let sample = cache.samples[record.sample]
                return Prediction(
                    path: sample.path, label: sample.label, topClasses: record.topClasses,
                    probability: record.probability, explanationSize: record.explanationSize)
            }
    }

    /// Calls `body` with `samples` and their feature maps [n, H, W, D], a batch at a time.
    package static func forEachBatch(
        _ samples: [Int], of cache: FeatureCache,
        _ body: (_ samples: ArraySlice<Int>, _ features: Tensor) throws -> Void
    ) throws {
        let map = cache.identity.featureMap
        for start in stride(from: 0, to: samples.count, by: batchSize) {
            let batch = samples[start..<min(samples.count, start + batchSize)]
            let features = try cache.features(of: Array(batch))
            try body(batch, Tensor(shape: [batch.count, map.height, map.width, map.channelCount], values: features))
        }
    }

    private static func record(
        logits: ArraySlice<Float>, pooled: PooledActivations, row: Int, head: Head, sample: Int
    ) -> PredictionRecord {
        let logits = Array(logits)
        let order = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }
        let predicted = order[0]
        let values = pooled.values[row * head.channelCount..<(row + 1) * head.channelCount]
        let contributions = zip(
            head.classifier[predicted * head.channelCount..<(predicted + 1) * head.channelCount], values
        )
        .map { abs($0 * $1) }
        let largest = contributions.max() ?? 0
        return PredictionRecord(
            sample: sample, topClasses: Array(order.prefix(5)), probability: softmax(logits)[predicted],
            explanationSize: largest > 0 ? contributions.count { $0 >= 0.2 * largest } : 0)
    }
}

/// A prediction on its way to rank 0.
private struct PredictionRecord {
    /// Index in the cache.
    let sample: Int
    let topClasses: [Int]
    let probability: Float
    let explanationSize: Int

    /// Per record, in 32 bits each: sample, bits of the probability, explanation size, number of classes, classes.
    static func bytes(_ records: [PredictionRecord]) -> [UInt8] {
        let words = records.flatMap { record in
            [UInt32(record.sample), record.probability.bitPattern, UInt32(record.explanationSize)]
                + [UInt32(record.topClasses.count)] + record.topClasses.map { UInt32($0) }
        }
        return words.withUnsafeBytes { Array($0) }
    }

    static func records(_ bytes: [UInt8]) -> [PredictionRecord] {
        let words = bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map { bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self) }
        }
        var records: [PredictionRecord] = []
        var position = 0
        while position < words.count {
            let classes = position + 4..<position + 4 + Int(words[position + 3])
            records.append(
                PredictionRecord(
                    sample: Int(words[position]), topClasses: words[classes].map { Int($0) },
                    probability: Float(bitPattern: words[position + 1]), explanationSize: Int(words[position + 2])))
            position = classes.upperBound
        }
        return records
    }
}

/// The softmax of `logits`, computed so that it cannot overflow.
package func softmax(_ logits: [Float]) -> [Float] {
    let largest = logits.max() ?? 0
    let powers = logits.map { exp(Double($0 - largest)) }
    let sum = powers.reduce(0, +)
    return powers.map { Float($0 / sum) }
}
