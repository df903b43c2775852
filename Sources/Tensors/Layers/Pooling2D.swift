/// The largest value under each position of a window, channel by channel; pixels outside the image do not count.
public struct MaxPooling2D: Sendable {
    public let window: SlidingWindow

    /// - Parameter window: padding at most half the kernel, so that every window holds a pixel.
    public init(_ window: SlidingWindow) {
        precondition(
            2 * window.padding.height <= window.kernel.height && 2 * window.padding.width <= window.kernel.width,
            "padding is at most half the kernel")
        self.window = window
    }

    /// [N, H, W, C] to [N, H', W', C].
    public func callAsFunction(_ input: Activations, in workspace: Workspace) -> Activations {
        let output = Activations(
            imageCount: input.imageCount, size: window.outputSize(for: input.size), channelCount: input.channelCount,
            in: workspace)
        output.withMutablePointer { compute(input, into: $0, pixelStride: input.channelCount) }
        return output
    }

    /// Writes the result's pixels `pixelStride` floats apart.
    func compute(_ input: Activations, into output: UnsafeMutablePointer<Float>, pixelStride: Int) {
        let outputSize = window.outputSize(for: input.size)
        forEachWindow(window, of: input, outputSize: outputSize, into: output, pixelStride: pixelStride) {
            pixels, channelCount, output in
            if pixels.isEmpty {
                output.update(repeating: -.infinity, count: channelCount)
            } else {
                takeMaximum(of: pixels.baseAddress!, pixelCount: pixels.count, into: output, count: channelCount)
            }
        }
    }
}

/// The mean under each position of a window, channel by channel.
public struct AveragePooling2D: Sendable {
    public let window: SlidingWindow
    /// Whether pixels of the margin count as zeros in the mean (PyTorch's default) or not at all.
    public let countsPadding: Bool
    /// Whether rows and columns at the lower right edge that whole windows would leave out get a window that sticks out
    /// (PyTorch's `ceil_mode`); what it holds beyond the image never counts.
    public let coversEdge: Bool

    /// - Parameter coversEdge: only without padding.
    public init(_ window: SlidingWindow, countsPadding: Bool = true, coversEdge: Bool = false) {
        precondition(
            !coversEdge || window.padding == SpatialSize(0) && !countsPadding,
            "only means without padding can cover the edge")
        precondition(
            2 * window.padding.height <= window.kernel.height && 2 * window.padding.width <= window.kernel.width,
            "padding is at most half the kernel")
        self.window = window
        self.countsPadding = countsPadding
        self.coversEdge = coversEdge
    }

    /// Size of the result for an input of `input` pixels.
    public func outputSize(for input: SpatialSize) -> SpatialSize {
        guard coversEdge else { return window.outputSize(for: input) }
        // One window more where the last one that fits does not begin the last stride.
        let room = SpatialSize(
            height: input.height + window.stride.height - 1, width: input.width + window.stride.width - 1)
        let size = window.outputSize(for: room)
        return SpatialSize(
            height: (size.height - 1) * window.stride.height < input.height ? size.height : size.height - 1,
            width: (size.width - 1) * window.stride.width < input.width ? size.width : size.width - 1)
    }

    /// [N, H, W, C] to [N, H', W', C].
    public func callAsFunction(_ input: Activations, in workspace: Workspace) -> Activations {
        let fullCount = Float(window.kernel.area)
        let output = Activations(
            imageCount: input.imageCount, size: outputSize(for: input.size), channelCount: input.channelCount,
            in: workspace)
        output.withMutablePointer { output0 in
            forEachWindow(
                window, of: input, outputSize: output.size, into: output0, pixelStride: input.channelCount
            ) { pixels, channelCount, output in
                output.update(repeating: 0, count: channelCount)
                for pixel in pixels { add(pixel, to: output, count: channelCount, activation: .identity) }
                let divisor = countsPadding ? fullCount : Float(pixels.count)
                for channel in 0..<channelCount { output[channel] /= divisor }
            }
        }
        return output
    }
}

extension Activations {
    /// The mean over all pixels of each image, [N, 1, 1, C].
    public func spatialMean(in workspace: Workspace) -> Activations {
        AveragePooling2D(SlidingWindow(kernel: size))(self, in: workspace)
    }
}

/// Calls `body` for every output pixel, `pixelStride` floats apart, with the input pixels under its window that lie inside
/// the image.
private func forEachWindow(
    _ window: SlidingWindow, of input: Activations, outputSize: SpatialSize, into output: UnsafeMutablePointer<Float>,
    pixelStride: Int,
    _ body: (
        _ pixels: UnsafeBufferPointer<UnsafePointer<Float>>, _ channelCount: Int, _ output: UnsafeMutablePointer<Float>
    )
        -> Void
) {
    precondition(outputSize.area > 0, "a window of \(window.kernel) does not fit an image of \(input.size)")
    let channelCount = input.channelCount
    func positions(_ index: Int, _ axis: KeyPath<SpatialSize, Int>) -> [Int] {
        (0..<window.kernel[keyPath: axis])
            .map {
                index * window.stride[keyPath: axis] - window.padding[keyPath: axis]
                    + $0 * window.dilation[keyPath: axis]
            }
            .filter { 0..<input.size[keyPath: axis] ~= $0 }
    }
    let columns = (0..<outputSize.width).map { positions($0, \.width) }
    input.withPointer { input0 in
        withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: window.kernel.area) { pixels in
            var next = output
            for image in 0..<input.imageCount {
                for y in 0..<outputSize.height {
                    let rows = positions(y, \.height)
                    for columns in columns {
                        var count = 0
                        for row in rows {
                            let start = (image * input.size.height + row) * input.size.width
                            for column in columns {
                                pixels[count] = input0 + (start + column) * channelCount
                                count += 1
                            }
                        }
                        body(UnsafeBufferPointer(rebasing: pixels[..<count]), channelCount, next)
                        next += pixelStride
                    }
                }
            }
        }
    }
}
