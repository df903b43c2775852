public import Datasets
import DisentangledHead
public import FeatureCache
import Inference
import LinearProbing
public import MessagePassing
public import Tensors

/// The plain linear classifier on the average-pooled features of the same frozen backbone: what one would use without
/// explanations, and what the head's accuracy is held against.
public struct BlackBox: Sendable {
    private let probe: LinearProbe

    /// The L2 strength picked on a held-out fifth of the training images.
    public var regularisation: Double { probe.regularisation }

    /// Fits the classifier (multinomial logistic regression with bias) on the training images of a cache, and counts the
    /// correctly classified images of a split. Collective; rank 0 fits and gets the result, the others wait and get nil.
    public static func fitted(
        to cache: FeatureCache, scoring split: Split, seed: UInt64, team: WorkerTeam,
        communicator: any Communicator = SingleProcess()
    ) throws -> (blackBox: BlackBox, score: ClassificationScore)? {
        let training = try averagePooled(cache, split: .train, communicator)
        let tested = try averagePooled(cache, split: split, communicator)
        return try communicator.together {
            guard let training, let tested else { return nil }
            // Nobody knows how long a fit takes, and a frozen rank is found by its silence all the same.
            return try communicator.activity.allowing(.seconds(24 * 3600)) {
                let probe = try LinearProbe.fit(
                    features: training.features, labels: training.labels,
                    classCount: cache.identity.classNames.count, seed: seed, team: team)
                let logits = try probe.logits(tested.features, team: team)
                var score = ClassificationScore()
                let classCount = probe.classifier.classCount
                for (row, label) in tested.labels.enumerated() {
                    score.count(logits: logits[row * classCount..<(row + 1) * classCount], label: label)
                }
                return (BlackBox(probe: probe), score)
            }
        }
    }

    /// The mean over all pixels of each feature map of a split, [N, D], and the labels [N], in the dataset's order, at rank
    /// 0; nil elsewhere. Collective.
    private static func averagePooled(
        _ cache: FeatureCache, split: Split, _ communicator: any Communicator
    ) throws -> (features: Tensor, labels: [Int])? {
        let map = cache.identity.featureMap
        let pixelCount = map.height * map.width
        let share = cache.share(of: split.rawValue, on: communicator)
        var means: [Float] = []
        try communicator.together {
            try cache.forEachBatch(of: share) { samples, features in
                for row in 0..<samples.count {
                    var mean = [Float](repeating: 0, count: map.channelCount)
                    for pixel in 0..<pixelCount {
                        let start = (row * pixelCount + pixel) * map.channelCount
                        for channel in 0..<map.channelCount { mean[channel] += features.values[start + channel] }
                    }
                    means += mean.map { $0 / Float(pixelCount) }
                }
                communicator.activity.progress()
            }
        }
        let indices = cache.indices(of: split.rawValue)
        let labels = indices.map { cache.samples.label(of: $0) }
        // One process has them all in order, and need not copy them.
        if communicator.size == 1 {
            return (Tensor(shape: [indices.count, map.channelCount], values: means), labels)
        }
        let parts = try communicator.gather(means.withUnsafeBytes { Array($0) }, to: 0)
        let shares = try communicator.gather(share.map { Int32($0) }.withUnsafeBytes { Array($0) }, to: 0)
        guard communicator.rank == 0 else { return nil }

        // The rows of the ranks, one after the other, are put into the dataset's order.
        let samples = Array(shares.joined()).withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map {
                Int(bytes.loadUnaligned(fromByteOffset: $0, as: Int32.self))
            }
        }
        let rows = Array(parts.joined())
        let places = Dictionary(uniqueKeysWithValues: zip(indices, indices.indices))
        let rowByteCount = map.channelCount * MemoryLayout<Float>.size
        var values = [Float](repeating: 0, count: indices.count * map.channelCount)
        values.withUnsafeMutableBytes { values in
            rows.withUnsafeBytes { rows in
                for (row, sample) in samples.enumerated() {
                    let destination = places[sample]! * rowByteCount
                    UnsafeMutableRawBufferPointer(rebasing: values[destination..<destination + rowByteCount])
                        .copyBytes(from: rows[row * rowByteCount..<(row + 1) * rowByteCount])
                }
            }
        }
        return (Tensor(shape: [indices.count, map.channelCount], values: values), labels)
    }
}
