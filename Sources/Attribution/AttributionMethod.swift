import DisentangledHead
public import Tensors

/// A way to say which cells of an image's feature map a class score comes from.
///
/// Conformers are values; what they need (a head, a classifier, a seed) is given when they are made.
public protocol AttributionMethod: Sendable {
    /// A short name for tables.
    var name: String { get }

    /// The map of one image and one class.
    ///
    /// - Parameters:
    ///   - features: the image's feature map [1, H, W, D].
    ///   - sample: a number that names the image for good, for methods that draw.
    /// - Throws: `HeadError.shapeMismatch` for another number of channels, `.labelOutOfRange`, `.notFinite`.
    func map(of features: Tensor, sample: Int, for label: Int, team: WorkerTeam) throws -> PlaceMap
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
