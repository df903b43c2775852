import ElementaryFunctions
public import Tensors

/// A Gaussian in the middle of the map, whatever the image: photographs have their objects there, so that this baseline is hard
/// to beat where objects are looked for.
public struct GaussianAttribution: AttributionMethod {
    /// The standard deviation along each side, as a share of it.
    public static let deviation = 0.25

    private let channelCount: Int

    /// - Parameter channelCount: D of the feature maps it will be given.
    public init(channelCount: Int) { self.channelCount = channelCount }

    public var name: String { "gaussian" }

    public func maps(of features: Tensor, sample: Int, for labels: [Int], team: WorkerTeam) throws -> [PlaceMap] {
        let size = try features.mapSize(channelCount: channelCount)
        func offsets(_ count: Int) -> [Double] {
            (0..<count).map { ((Double($0) + 0.5) / Double(count) - 0.5) / Self.deviation }
        }
        let (rows, columns) = (offsets(size.height), offsets(size.width))
        let values = rows.flatMap { row in columns.map { Float(exponential(-0.5 * (row * row + $0 * $0))) } }
        return labels.map { _ in PlaceMap(size: size, values: values) }
    }
}
