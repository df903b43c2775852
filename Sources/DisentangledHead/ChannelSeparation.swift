import Tensors

/// How far apart the classes are in each channel: what decides which channels a map turns that cannot turn all.
///
/// The score of channel k is the variance between the classes of v_k at U = I, less what chance alone would make of it:
///     B_k = (sum over classes of n_c (m_ck - m_k)^2) - (C' - 1) s_k^2
/// with m_ck the mean over the n_c images of a class, m_k over all, s_k^2 the variance within classes and C' the number of classes
/// that have images. It is not divided by the channel's own variance: a rotation adds channels up as they are, and a channel that
/// hardly moves adds nothing.
package struct ChannelSeparation: Sendable {
    /// Of some images, in this order: v added up by class [C, D], the numbers of images [C], and v^2 added up [D]. What is to be
    /// added over parts of the images.
    package let tensors: [[Float]]

    /// The lengths of `tensors`.
    package static func lengths(classCount: Int, channelCount: Int) -> [Int] {
        [classCount * channelCount, classCount, channelCount]
    }

    /// No images.
    package init(classCount: Int, channelCount: Int) {
        tensors = Self.lengths(classCount: classCount, channelCount: channelCount).map {
            Array(repeating: 0, count: $0)
        }
    }

    package init(tensors: [[Float]]) {
        precondition(tensors.count == 3 && tensors[0].count == tensors[1].count * tensors[2].count)
        self.tensors = tensors
    }

    /// With the images of a batch.
    /// - Throws: `HeadError.notFinite` if a feature is not finite.
    package func adding(_ batch: FeatureBatch<Float>, labels: [Int], team: WorkerTeam) throws -> ChannelSeparation {
        guard let extrema = batch.extrema(channelMap: [], turned: [], team: team) else {
            throw HeadError.notFinite(tensor: "features", step: nil)
        }
        let pooled = extrema.pooledValues()
        let channelCount = batch.channelCount
        var (sums, counts, squares) = (tensors[0], tensors[1], tensors[2])
        for (image, label) in labels.enumerated() {
            counts[label] += 1
            for channel in 0..<channelCount {
                let value = pooled[image &* channelCount &+ channel]
                sums[label &* channelCount &+ channel] += value
                squares[channel] += value * value
            }
        }
        return ChannelSeparation(tensors: [sums, counts, squares])
    }

    /// The `count` channels of the highest scores, rising; of equal ones the lowest.
    package func channels(_ count: Int) -> [Int] {
        let scores = self.scores()
        let ranked = scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
        return ranked.prefix(count).sorted()
    }

    /// B_k, by channel.
    package func scores() -> [Double] {
        let (sums, counts, squares) = (tensors[0], tensors[1].map(Double.init), tensors[2])
        let total = counts.reduce(0, +)
        let classCount = Double(counts.filter { $0 > 0 }.count)
        return squares.indices.map { channel in
            let ofClasses = counts.indices.map { Double(sums[$0 * squares.count + channel]) }
            let grandMean = ofClasses.reduce(0, +) / max(total, 1)
            var (between, explained) = (0.0, 0.0)
            for (sum, count) in zip(ofClasses, counts) where count > 0 {
                between += count * (sum / count - grandMean) * (sum / count - grandMean)
                explained += sum * sum / count
            }
            let within = max(0, Double(squares[channel]) - explained) / max(total - classCount, 1)
            return between - (classCount - 1) * within
        }
    }
}
