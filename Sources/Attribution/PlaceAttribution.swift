public import DisentangledHead
public import Tensors

/// InfoDisent's additive map: each channel's two contributions, for and against, are put where they come from, the cell of its
/// maximum and that of its minimum, and added up there. The map adds up to the logit (without the classifier's offset).
public struct PlaceAttribution: AttributionMethod {
    private let head: Head

    /// - Parameter head: of a classifier without a standardisation, whose contributions have places.
    public init(_ head: Head) {
        precondition(head.classifier.standardisation == nil, "a standardised contribution has no place on the map")
        self.head = head
    }

    public var name: String { "places" }
    public var explainedModel: ExplainedModel? { .head }
    public var isAdditive: Bool { true }

    public func maps(of features: Tensor, sample: Int, for labels: [Int], team: WorkerTeam) throws -> [PlaceMap] {
        let size = try features.mapSize(channelCount: head.channelCount)
        try requireLabels(labels, classCount: head.classCount)
        let pooled = try head.pooledActivations(features, team: team)
        return labels.map { label in
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
}
