public import Tensors

/// What each cell of a feature map has to do with a class: a heat map before it is drawn.
public struct PlaceMap: Equatable, Sendable {
    public let size: SpatialSize
    /// [H, W], row-major; signed where the method tells for from against.
    public let values: [Float]

    public init(size: SpatialSize, values: [Float]) {
        precondition(values.count == size.area, "\(values.count) values for \(size) cells")
        self.size = size
        self.values = values
    }

    /// The value of a cell.
    public subscript(position: MapPosition) -> Float { values[position.row * size.width + position.column] }
}
