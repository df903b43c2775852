/// relu(scale * x + shift), channel by channel: a batch normalisation and a ReLU where no convolution comes before that
/// they could be folded into.
public struct RectifiedNormalisation: Sendable {
    public let channelCount: Int
    private let scale: [Float]
    private let shift: [Float]

    public init(_ normalisation: BatchNormalisation) {
        let affine = normalisation.affine
        channelCount = affine.scale.count
        scale = affine.scale.map { Float($0) }
        shift = affine.shift.map { Float($0) }
    }

    /// All channels of `input`, [N, H, W, C].
    public func callAsFunction(_ input: ChannelStack, in workspace: Workspace) -> Activations {
        let output = Activations(
            imageCount: input.imageCount, size: input.size, channelCount: channelCount, in: workspace)
        output.withMutablePointer { compute(input, pixels: 0..<input.pixelCount, into: $0) }
        return output
    }

    /// The normalised channels of `input`, then the 1x1 convolution `convolution` of them.
    ///
    /// Goes over the pixels in pieces, so that the normalised ones are read again while they are in the cache.
    public func callAsFunction(
        _ input: ChannelStack, then convolution: Convolution2D, in workspace: Workspace
    ) -> Activations {
        precondition(
            convolution.window == SlidingWindow(kernel: 1) && convolution.inputChannelCount == channelCount,
            "a 1x1 convolution of \(channelCount) channels has to follow")
        let output = Activations(
            imageCount: input.imageCount, size: input.size, channelCount: convolution.outputChannelCount,
            in: workspace)
        // Whole tiles of the matrix product, about 200 KiB of input.
        let pieceLength = max(48, 50 * 1024 / channelCount / 6 * 6)
        let size = SpatialSize(height: 1, width: pieceLength)
        let piece = Activations(imageCount: 1, size: size, channelCount: channelCount, in: workspace)
        output.withMutablePointer { output in
            for first in stride(from: 0, to: input.pixelCount, by: pieceLength) {
                let pixels = first..<min(input.pixelCount, first + pieceLength)
                piece.withMutablePointer { compute(input, pixels: pixels, into: $0) }
                convolution.compute(
                    piece.resized(SpatialSize(height: 1, width: pixels.count)), adding: nil,
                    into: output + first * convolution.outputChannelCount,
                    pixelStride: convolution.outputChannelCount, in: workspace)
            }
        }
        return output
    }

    /// The normalised channels of `input`, then their means over squares of 2x2 pixels; a last odd row or column is left
    /// out. (A 1x1 convolution between the two commutes with the means and costs a quarter after them.)
    public func averaged(_ input: ChannelStack, in workspace: Workspace) -> Activations {
        check(input)
        let size = SpatialSize(height: input.size.height / 2, width: input.size.width / 2)
        let output = Activations(
            imageCount: input.imageCount, size: size, channelCount: channelCount, in: workspace)
        let row = input.size.width * input.capacity
        output.withMutablePointer { output in
            input.withPointer { input0 in
                for index in 0..<input.imageCount * size.height {
                    let (image, y) = index.quotientAndRemainder(dividingBy: size.height)
                    for x in 0..<size.width {
                        averageOfRectified(
                            input0 + (image * input.size.height + 2 * y) * row + 2 * x * input.capacity,
                            right: input.capacity, below: row, scale: scale, shift: shift,
                            into: output + (index * size.width + x) * channelCount, count: channelCount)
                    }
                }
            }
        }
        return output
    }

    private func compute(_ input: ChannelStack, pixels: Range<Int>, into output: UnsafeMutablePointer<Float>) {
        check(input)
        input.withPointer { input0 in
            for (index, pixel) in pixels.enumerated() {
                rectifiedAffine(
                    input0 + pixel * input.capacity, scale: scale, shift: shift, into: output + index * channelCount,
                    count: channelCount)
            }
        }
    }

    private func check(_ input: ChannelStack) {
        precondition(
            input.channelCount == channelCount,
            "a normalisation of \(channelCount) channels was given \(input.channelCount)")
    }
}
