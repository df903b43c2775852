/// The axes of a feature map [H, W, D].
public struct FeatureMapShape: Codable, Hashable, Sendable, CustomStringConvertible {
    /// H.
    public let height: Int
    /// W.
    public let width: Int
    /// D.
    public let channelCount: Int

    public init(height: Int, width: Int, channelCount: Int) {
        self.height = height
        self.width = width
        self.channelCount = channelCount
    }

    public init(size: SpatialSize, channelCount: Int) {
        self.init(height: size.height, width: size.width, channelCount: channelCount)
    }

    /// H and W.
    public var size: SpatialSize { SpatialSize(height: height, width: width) }
    /// P = H W.
    public var pixelCount: Int { height * width }
    /// Features of one image.
    public var elementCount: Int { height * width * channelCount }

    public var description: String { "\(height) x \(width) x \(channelCount)" }
}

/// A place on a feature map, row 0 at the top.
public struct MapPosition: Codable, Hashable, Sendable {
    public let row: Int
    public let column: Int

    public init(row: Int, column: Int) {
        self.row = row
        self.column = column
    }

    /// The position of pixel `index` of a map `width` pixels wide.
    public init(index: Int, width: Int) {
        self.init(row: index / width, column: index % width)
    }
}
