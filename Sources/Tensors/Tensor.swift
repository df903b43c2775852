/// A dense array of single-precision numbers with a shape, in row-major order.
///
/// Axis letters used throughout: N images, H rows, W columns, D or C channels, P = H * W pixels.
/// Images and feature maps are [N, H, W, C]: the channels of one pixel are contiguous.
public struct Tensor: Equatable, Sendable {
    /// Extent of each axis, slowest first.
    public let shape: [Int]
    /// The elements in row-major order; `values.count` is the product of `shape`.
    public var values: [Float]

    public init(shape: [Int], values: [Float]) {
        precondition(
            values.count == shape.reduce(1, *), "a tensor of shape \(shape) cannot hold \(values.count) values")
        self.shape = shape
        self.values = values
    }

    public init(zeros shape: [Int]) {
        self.init(shape: shape, values: Array(repeating: 0, count: shape.reduce(1, *)))
    }
}
