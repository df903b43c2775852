public import DisentangledHead
public import Tensors

/// InfoDisent's heat maps, as its pages show them, over one another: of each channel A+_yk ReLU(J_pk) - A-_yk ReLU(-J_pk), which
/// at the two cells where the channel wins is what it contributes.
///
/// Cells that do not win show too, so that the map does not add up to the logit (`PlaceAttribution` does).
public struct ChannelAttribution: AttributionMethod {
    private let head: Head
    private let count: Int?

    /// - Parameters:
    ///   - head: of a classifier without a standardisation, whose contributions have places.
    ///   - count: how many channels are shown, those with the largest contributions, whichever their sign; all if nil.
    /// - Throws: `AttributionError.noSuchCount`.
    public init(_ head: Head, count: Int? = nil) throws {
        precondition(head.classifier.standardisation == nil, "a standardised contribution has no place on the map")
        self.head = head
        self.count = count
        if let count, !(1...head.channelCount).contains(count) {
            throw AttributionError.noSuchCount(method: name, count: count, channelCount: head.channelCount)
        }
    }

    public var name: String { count.map { "channels-top-\($0)" } ?? "channels" }
    public var explainedModel: ExplainedModel? { .head }

    /// The heat maps of the single channels that are shown and speak for the class, weighted by it.
    public func components(of features: Tensor, sample: Int, for label: Int, team: WorkerTeam) throws -> [PlaceMap] {
        let size = try features.mapSize(channelCount: head.channelCount)
        try requireLabels([label], classCount: head.classCount)
        let activations = try head.activations(features, team: team).values
        let pooled = try head.pooledActivations(features, team: team)
        let contributions = (0..<head.channelCount).map { head.contribution(of: $0, to: label, pooled: pooled) }
        let shown = Ranking.top(count ?? head.channelCount, of: contributions.map { abs($0) }[...])
        return shown.filter { contributions[$0] > 0 }.map { channel in
            let weight = head.positiveWeight(of: channel, for: label)
            return PlaceMap(
                size: size,
                values: (0..<size.area).map { weight * max(0, activations[$0 * head.channelCount + channel]) })
        }
    }

    public func maps(of features: Tensor, sample: Int, for labels: [Int], team: WorkerTeam) throws -> [PlaceMap] {
        let size = try features.mapSize(channelCount: head.channelCount)
        try requireLabels(labels, classCount: head.classCount)
        let activations = try head.activations(features, team: team).values
        let pooled = try head.pooledActivations(features, team: team)
        return labels.map { label in
            var channels = counting(in: pooled)
            if let count {
                let sizes = channels.map { abs(head.contribution(of: $0, to: label, pooled: pooled)) }
                channels = Ranking.top(count, of: sizes[...]).map { channels[$0] }.sorted()
            }
            let positive = channels.map { Double(head.positiveWeight(of: $0, for: label)) }
            let negative = channels.map { Double(head.negativeWeight(of: $0, for: label)) }
            let values = (0..<size.area).map { pixel in
                var sum = 0.0
                for (place, channel) in channels.enumerated() {
                    let value = Double(activations[pixel * head.channelCount + channel])
                    sum += value > 0 ? positive[place] * value : negative[place] * value
                }
                return Float(sum)
            }
            return PlaceMap(size: size, values: values)
        }
    }

    /// The channels that count in an image (`Head.channelsPerImage`): what the others show does not move a logit.
    private func counting(in pooled: PooledActivations) -> [Int] {
        (0..<head.channelCount).filter {
            head.channelsPerImage == nil || pooled.maxima[$0] != 0 || pooled.minima[$0] != 0
        }
    }
}
