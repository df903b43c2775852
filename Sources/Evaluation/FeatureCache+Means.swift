import Datasets
import FeatureCache
import Inference
import MessagePassing
import Tensors

/// What linear classifiers outside of the head look at: the mean of a feature map over its pixels.
extension FeatureCache {
    /// Samples whose features a thread has in memory at a time.
    private static let batchLength = 32

    /// Calls `body`, on the team's threads, with consecutive parts of `samples` and their means [n, D].
    /// - Returns: what `body` gives, in the order of the samples.
    func mapMeans<Result: Sendable>(
        of samples: [Int], team: WorkerTeam, activity: Activity,
        _ body: @Sendable (_ range: Range<Int>, _ means: [Float]) throws -> Result
    ) throws -> [Result] {
        let length = Self.batchLength
        return try team.map((samples.count + length - 1) / length) { _, index in
            let range = index * length..<min(samples.count, (index + 1) * length)
            defer { activity.progress() }
            return try body(range, means(of: Array(samples[range])))
        }
    }

    private func means(of samples: [Int]) throws -> [Float] {
        let (map, features) = (identity.featureMap, try features(of: samples))
        let (pixelCount, channelCount) = (map.height * map.width, map.channelCount)
        var means = [Float](repeating: 0, count: samples.count * channelCount)
        features.withUnsafeBufferPointer { features in
            means.withUnsafeMutableBufferPointer { means in
                for sample in samples.indices {
                    let mean = means.baseAddress! + sample * channelCount
                    for pixel in 0..<pixelCount {
                        let values = features.baseAddress! + (sample * pixelCount + pixel) * channelCount
                        for channel in 0..<channelCount { mean[channel] += values[channel] }
                    }
                    for channel in 0..<channelCount { mean[channel] /= Float(pixelCount) }
                }
            }
        }
        return means
    }

    /// Counts the correctly classified images of a split, given the logits [n, C] of means [n, D]. Collective; all ranks get the
    /// counts.
    func score(
        _ split: Split, team: WorkerTeam, communicator: any Communicator,
        logits: @Sendable (_ means: [Float], _ count: Int) throws -> [Float]
    ) throws -> ClassificationScore {
        let classCount = identity.classNames.count
        let counts = try communicator.sumTogether(count: ClassificationScore.countCount) {
            // In a cache of an older version the first samples of a file wait for its digest to be checked.
            try communicator.activity.allowing(.seconds(600)) {
                let share = share(of: split.rawValue, on: communicator)
                let scores = try mapMeans(of: share, team: team, activity: communicator.activity) { range, means in
                    let logits = try logits(means, range.count)
                    var score = ClassificationScore()
                    for (row, sample) in share[range].enumerated() {
                        score.count(
                            logits: logits[row * classCount..<(row + 1) * classCount], label: samples.label(of: sample))
                    }
                    return score
                }
                return scores.reduce(into: ClassificationScore()) { $0 += $1 }.counts
            }
        }
        return ClassificationScore(counts: counts)
    }
}
