import DisentangledHead
public import Tensors

/// A way to say which cells of an image's feature map a class score comes from.
///
/// Conformers are values; what they need (a head, a classifier, a seed) is given when they are made. The same arguments give the
/// same map on any machine.
public protocol AttributionMethod: Sendable {
    /// A short name for tables.
    var name: String { get }
    /// Whose scores the maps explain; nil for baselines, which look at none.
    var explainedModel: ExplainedModel? { get }
    /// Whether the values of a map and the classifier's offset add up to the logit.
    var isAdditive: Bool { get }

    /// The maps of one image for some classes, in the order of `labels`.
    ///
    /// - Parameters:
    ///   - features: the image's feature map [1, H, W, D].
    ///   - sample: a number that names the image for good, for methods that draw.
    /// - Throws: `HeadError.shapeMismatch` for another number of channels, `.labelOutOfRange`, `.notFinite`.
    func maps(of features: Tensor, sample: Int, for labels: [Int], team: WorkerTeam) throws -> [PlaceMap]

    func components(of features: Tensor, sample: Int, for label: Int, team: WorkerTeam) throws -> [PlaceMap]
}

/// What a score comes from.
public enum ExplainedModel: String, Codable, CaseIterable, Sendable {
    case head
    /// The classifier on the mean of the same feature map.
    case blackBox = "black_box"
}

extension AttributionMethod {
    /// The maps that a map is put together of, such as those of its channels; the map itself where it is not.
    /// - Throws: as `maps(of:sample:for:team:)`.
    public func components(
        of features: Tensor, sample: Int, for label: Int, team: WorkerTeam
    ) throws -> [PlaceMap] {
        [try map(of: features, sample: sample, for: label, team: team)]
    }

    public var explainedModel: ExplainedModel? { nil }
    public var isAdditive: Bool { false }

    /// The map of one image and one class.
    /// - Throws: as `maps(of:sample:for:team:)`.
    public func map(of features: Tensor, sample: Int, for label: Int, team: WorkerTeam) throws -> PlaceMap {
        try maps(of: features, sample: sample, for: [label], team: team)[0]
    }
}

extension Tensor {
    /// H and W of a feature map [1, H, W, D] of `channelCount` channels.
    /// - Throws: `HeadError.shapeMismatch`.
    func mapSize(channelCount: Int) throws -> SpatialSize {
        guard shape.count == 4, shape[0] == 1, shape[3] == channelCount else {
            throw HeadError.shapeMismatch(
                tensor: "features", expected: [1] + shape.dropFirst().dropLast() + [channelCount], found: shape)
        }
        return SpatialSize(height: shape[1], width: shape[2])
    }
}

/// - Throws: `HeadError.labelOutOfRange` for the first of `labels` that is none of the classes.
func requireLabels(_ labels: [Int], classCount: Int) throws {
    if let label = labels.first(where: { !(0..<classCount).contains($0) }) {
        throw HeadError.labelOutOfRange(label: label, classCount: classCount)
    }
}
