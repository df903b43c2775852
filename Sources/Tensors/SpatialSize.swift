/// An extent over the two image axes: of an image, a feature map, a kernel, a stride, a margin; in pixels.
public struct SpatialSize: Hashable, Codable, Sendable, CustomStringConvertible {
    public var height: Int
    public var width: Int

    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// The same extent along both axes.
    public init(_ side: Int) { self.init(height: side, width: side) }

    /// Number of pixels.
    public var area: Int { height * width }

    public var description: String { "\(height)x\(width)" }
}

/// How a kernel moves over an image: shared by convolution and pooling, in PyTorch's meaning of every word.
public struct SlidingWindow: Hashable, Sendable {
    public var kernel: SpatialSize
    public var stride: SpatialSize
    /// Margin added on each of the two opposite sides.
    public var padding: SpatialSize
    /// Distance between neighbouring kernel taps.
    public var dilation: SpatialSize

    public init(
        kernel: SpatialSize, stride: SpatialSize = SpatialSize(1), padding: SpatialSize = SpatialSize(0),
        dilation: SpatialSize = SpatialSize(1)
    ) {
        precondition(
            kernel.height > 0 && kernel.width > 0 && stride.height > 0 && stride.width > 0
                && padding.height >= 0 && padding.width >= 0 && dilation.height > 0 && dilation.width > 0,
            "kernel, stride and dilation are positive and the padding is not negative")
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
    }

    /// A square kernel.
    public init(kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1) {
        self.init(
            kernel: SpatialSize(kernel), stride: SpatialSize(stride), padding: SpatialSize(padding),
            dilation: SpatialSize(dilation))
    }

    /// Size of the result for an input of `input` pixels; zero or negative where the kernel does not fit.
    public func outputSize(for input: SpatialSize) -> SpatialSize {
        func extent(_ axis: KeyPath<SpatialSize, Int>) -> Int {
            let reach = dilation[keyPath: axis] * (kernel[keyPath: axis] - 1) + 1
            let room = input[keyPath: axis] + 2 * padding[keyPath: axis] - reach
            return room < 0 ? 0 : room / stride[keyPath: axis] + 1
        }
        return SpatialSize(height: extent(\.height), width: extent(\.width))
    }
}
