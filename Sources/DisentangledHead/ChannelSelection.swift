/// The channels of an image that count: those that can move its logits most. The others have no activation in it.
///
/// A channel is ranked by |v_k| (max_c A_ck - min_c A_ck), added up over its sides: the most by which it can change the
/// difference of two logits. That does not change with what is added to a channel's weights of all classes. Of equal ones the
/// lower channel comes first. As the choice is the image's alone, and not a class's, the logits of all classes are sums over the
/// same n channels.
package struct ChannelSelection<Scalar: HeadScalar>: Sendable {
    /// n.
    let count: Int
    /// D.
    let channelCount: Int
    /// max_c A_ce - min_c A_ce, [D] or [2 D].
    package let spreads: [Scalar]

    package init(count: Int, classifier: [Scalar], sides: ChannelSides, channelCount: Int, classCount: Int) {
        self.count = count
        self.channelCount = channelCount
        let valueCount = channelCount * sides.valuesPerChannel
        spreads = Self.spreads(classifier, valueCount: valueCount, classCount: classCount)
    }

    @_specialize(where Scalar == Float)
    private static func spreads(_ classifier: [Scalar], valueCount: Int, classCount: Int) -> [Scalar] {
        var (highest, lowest) = (Array(classifier[..<valueCount]), Array(classifier[..<valueCount]))
        for label in 1..<max(1, classCount) {
            for value in 0..<valueCount {
                let weight = classifier[label &* valueCount &+ value]
                if weight > highest[value] { highest[value] = weight }
                if weight < lowest[value] { lowest[value] = weight }
            }
        }
        return zip(highest, lowest).map { $0 - $1 }
    }

    /// Whether the channels of each image count, [N, D], of v [N, D] or [N, 2 D].
    @_specialize(where Scalar == Float)
    package func selected(_ pooled: [Scalar]) -> [Bool] {
        let imageCount = pooled.count / spreads.count
        var result = [Bool](repeating: false, count: imageCount &* channelCount)
        var influence = [Scalar](repeating: 0, count: channelCount)
        for image in 0..<imageCount {
            for channel in 0..<channelCount {
                var sum: Scalar = 0
                for value in stride(from: channel, to: spreads.count, by: channelCount) {
                    sum += abs(pooled[image &* spreads.count &+ value]) * spreads[value]
                }
                influence[channel] = sum
            }
            let order = influence.indices.sorted {
                influence[$0] != influence[$1] ? influence[$0] > influence[$1] : $0 < $1
            }
            for channel in order.prefix(count) { result[image &* channelCount &+ channel] = true }
        }
        return result
    }

    /// Sets what belongs to channels that do not count to 0, in [N, D] or [N, 2 D].
    @_specialize(where Scalar == Float)
    package func clear(_ values: inout [Scalar], outside selected: [Bool]) {
        for image in 0..<values.count / spreads.count {
            for value in spreads.indices where !selected[image &* channelCount &+ value % channelCount] {
                values[image &* spreads.count &+ value] = 0
            }
        }
    }
}

/// How many channels of an image count, in training: their number falls from all as a class's does (`PruningSchedule`).
public struct ImageBudget: Codable, Equatable, Sendable {
    /// n.
    public var channelsPerImage: Int
    /// Falls to n.
    public var schedule: PruningSchedule

    enum CodingKeys: String, CodingKey {
        case channelsPerImage = "channels_per_image"
        case schedule
    }

    public init(channelsPerImage: Int, begin: Int, end: Int) {
        self.channelsPerImage = channelsPerImage
        schedule = PruningSchedule(begin: begin, end: end)
    }

    /// The number at a step, counted from 0; nil where all count.
    package func count(atStep step: Int, channelCount: Int) -> Int? {
        let count = schedule.keptCount(afterStep: step, least: channelsPerImage, of: channelCount)
        return count < channelCount ? count : nil
    }
}
