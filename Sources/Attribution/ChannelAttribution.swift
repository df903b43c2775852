public import DisentangledHead
public import Tensors

/// InfoDisent's own: each channel's two contributions, for and against, are put where they come from, the cell of its maximum
/// and that of its minimum. The map adds up to the logit (without the classifier's offset).
public struct ChannelAttribution: AttributionMethod {
    private let head: Head

    /// - Parameter head: of a classifier without a standardisation, whose contributions have places.
    public init(_ head: Head) {
        precondition(head.classifier.standardisation == nil, "a standardised contribution has no place on the map")
        self.head = head
    }

    public var name: String { "channels" }

    public func map(of features: Tensor, sample: Int, for label: Int, team: WorkerTeam) throws -> PlaceMap {
        let size = try features.mapSize(channelCount: head.channelCount)
        guard (0..<head.classCount).contains(label) else {
            throw HeadError.labelOutOfRange(label: label, classCount: head.classCount)
        }
        let pooled = try head.pooledActivations(features, team: team)
        var sums = [Double](repeating: 0, count: size.area)
        for channel in 0..<head.channelCount {
            let (positive, negative) = (
                head.positiveWeight(of: channel, for: label), head.negativeWeight(of: channel, for: label)
            )
            sums[Int(pooled.maximumPixels[channel])] += Double(positive * max(0, pooled.maxima[channel]))
            sums[Int(pooled.minimumPixels[channel])] += Double(negative * min(0, pooled.minima[channel]))
        }
        return PlaceMap(size: size, values: sums.map { Float($0) })
    }
}
