/// Feature maps [N, H, W, C] to which channels are appended, as in a dense block: the memory has room for `capacity`
/// channels of every pixel from the start, so that appending copies nothing of what is there.
public struct ChannelStack {
    /// Channels of each pixel that there is room for, the distance between pixels in floats.
    public let capacity: Int
    /// Channels that have been filled.
    public private(set) var channelCount = 0
    /// [N, H, W, `capacity`], of which the first `channelCount` channels hold something.
    private let memory: Activations

    /// An empty stack for images of `size` pixels.
    public init(imageCount: Int, size: SpatialSize, capacity: Int, in workspace: Workspace) {
        self.capacity = capacity
        memory = Activations(imageCount: imageCount, size: size, channelCount: capacity, in: workspace)
    }

    public var imageCount: Int { memory.imageCount }
    public var size: SpatialSize { memory.size }
    /// Pixels of all images.
    var pixelCount: Int { imageCount * size.area }

    /// Appends what `convolution` makes of `input`.
    public mutating func append(
        _ convolution: Convolution2D, of input: Activations, in workspace: Workspace
    ) {
        reserve(convolution.outputChannelCount, imageCount: input.imageCount, convolution.window, input.size)
        memory.withMutablePointer { memory in
            convolution.compute(
                input, adding: nil, into: memory + channelCount, pixelStride: capacity, in: workspace)
        }
        channelCount += convolution.outputChannelCount
    }

    /// Appends the largest values under each position of the window.
    public mutating func append(_ pooling: MaxPooling2D, of input: Activations, in workspace: Workspace) {
        reserve(input.channelCount, imageCount: input.imageCount, pooling.window, input.size)
        memory.withMutablePointer { memory in
            pooling.compute(input, into: memory + channelCount, pixelStride: capacity)
        }
        channelCount += input.channelCount
    }

    private func reserve(_ count: Int, imageCount: Int, _ window: SlidingWindow, _ input: SpatialSize) {
        precondition(
            imageCount == self.imageCount && window.outputSize(for: input) == size,
            "\(imageCount) maps of \(window.outputSize(for: input)) do not fit a stack of \(self.imageCount) of \(size)"
        )
        precondition(
            channelCount + count <= capacity, "\(count) channels more than \(channelCount) do not fit \(capacity)")
    }

    func withPointer<R>(_ body: (UnsafePointer<Float>) -> R) -> R { memory.withPointer(body) }
}
