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
        forEachWindow(window, of: input, in: workspace) { pixels, channelCount, output in
            output.update(repeating: -.infinity, count: channelCount)
            for pixel in pixels { takeMaximum(pixel, into: output, count: channelCount) }
        }
    }
}

/// The mean under each position of a window, channel by channel.
public struct AveragePooling2D: Sendable {
    public let window: SlidingWindow
    /// Whether pixels of the margin count as zeros in the mean (PyTorch's default) or not at all.
    public let countsPadding: Bool

    public init(_ window: SlidingWindow, countsPadding: Bool = true) {
        precondition(
            2 * window.padding.height <= window.kernel.height && 2 * window.padding.width <= window.kernel.width,
            "padding is at most half the kernel")
        self.window = window
        self.countsPadding = countsPadding
    }

    /// [N, H, W, C] to [N, H', W', C].
    public func callAsFunction(_ input: Activations, in workspace: Workspace) -> Activations {
        let fullCount = Float(window.kernel.area)
        return forEachWindow(window, of: input, in: workspace) { pixels, channelCount, output in
            output.update(repeating: 0, count: channelCount)
            for pixel in pixels { add(pixel, to: output, count: channelCount, activation: .identity) }
            let divisor = countsPadding ? fullCount : Float(pixels.count)
            for channel in 0..<channelCount { output[channel] /= divisor }
        }
    }
}

extension Activations {
    /// The mean over all pixels of each image, [N, 1, 1, C].
    public func spatialMean(in workspace: Workspace) -> Activations {
        AveragePooling2D(SlidingWindow(kernel: size))(self, in: workspace)
    }
}

/// Calls `body` for every output pixel with the input pixels under its window that lie inside the image.
private func forEachWindow(
    _ window: SlidingWindow, of input: Activations, in workspace: Workspace,
    _ body: (_ pixels: ArraySlice<UnsafePointer<Float>>, _ channelCount: Int, _ output: UnsafeMutablePointer<Float>)
        -> Void
) -> Activations {
    let outputSize = window.outputSize(for: input.size)
    precondition(outputSize.area > 0, "a window of \(window.kernel) does not fit an image of \(input.size)")
    let channelCount = input.channelCount
    let output = Activations(
        imageCount: input.imageCount, size: outputSize, channelCount: channelCount, in: workspace)
    func positions(_ index: Int, _ axis: KeyPath<SpatialSize, Int>) -> [Int] {
        (0..<window.kernel[keyPath: axis])
            .map {
                index * window.stride[keyPath: axis] - window.padding[keyPath: axis]
                    + $0 * window.dilation[keyPath: axis]
            }
            .filter { 0..<input.size[keyPath: axis] ~= $0 }
    }
    let columns = (0..<outputSize.width).map { positions($0, \.width) }
    output.withMutablePointer { output in
        input.withPointer { input0 in
            var next = output
            var pixels: [UnsafePointer<Float>] = []
            for image in 0..<input.imageCount {
                for y in 0..<outputSize.height {
                    let rows = positions(y, \.height)
                    for x in 0..<outputSize.width {
                        pixels.removeAll(keepingCapacity: true)
                        for row in rows {
                            let start = (image * input.size.height + row) * input.size.width
                            for column in columns[x] { pixels.append(input0 + (start + column) * channelCount) }
                        }
                        body(pixels[...], channelCount, next)
                        next += channelCount
                    }
                }
            }
        }
    }
    return output
}
