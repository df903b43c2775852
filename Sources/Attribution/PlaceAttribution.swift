public import DisentangledHead
public import Tensors

/// InfoDisent's additive map: each channel's two contributions, for and against, are put where they come from, the cell of its
/// maximum and that of its minimum, and added up there. A channel that is read by its mean comes from all cells, from each with
/// A_yk J_pk / P. The map adds up to the logit (without the classifier's offset).
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
        if head.reading != .extrema { return try meanMaps(of: features, size, for: labels, team) }
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

    private func meanMaps(
        of features: Tensor, _ size: SpatialSize, for labels: [Int], _ team: WorkerTeam
    ) throws -> [PlaceMap] {
        let activations = try head.activations(features, team: team).values
        return labels.map { label in
            let weights = head.classifier.weights(of: label).map(Double.init)
            let values = (0..<size.area).map { pixel in
                let row = activations[pixel * head.channelCount..<(pixel + 1) * head.channelCount]
                return Float(zip(weights, row).reduce(0) { $0 + $1.0 * Double($1.1) } / Double(size.area))
            }
            return PlaceMap(size: size, values: values)
        }
    }
}
