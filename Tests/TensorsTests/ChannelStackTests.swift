import Tensors
import Testing

@Suite struct ChannelStackTests {
    static let normalisation = BatchNormalisation(
        weight: noise(19, seed: 11), bias: noise(19, seed: 12), mean: noise(19, seed: 13),
        variance: noise(19, seed: 14).map { 1 + 0.5 * $0 })

    /// relu of the normalised value of channel `channel`, by the definition.
    static func rectified(_ value: Double, _ channel: Int) -> Double {
        let (scale, shift) = normalisation.affine
        return max(0, value * scale[channel] + shift[channel])
    }

    /// A stack of 12 + 7 channels, of room for 24, and the same channels in one array.
    static func stack(_ workspace: Workspace) -> (ChannelStack, Tensor) {
        let input = Tensor.noise([2, 7, 5, 6])
        let activations = Activations(copying: input, in: workspace)
        let convolutions = [(12, 1), (7, 2)].map { count, seed in
            Convolution2D(
                inputChannelCount: 6, outputChannelCount: count, window: SlidingWindow(kernel: 3, padding: 1),
                weights: noise(count * 54, seed: UInt64(seed)))
        }
        var stack = ChannelStack(
            imageCount: 2, size: SpatialSize(height: 7, width: 5), capacity: 24, in: workspace)
        for convolution in convolutions { stack.append(convolution, of: activations, in: workspace) }
        let parts = convolutions.map { $0(activations, in: workspace).tensor() }
        let joined = (0..<70).flatMap { pixel in
            parts.flatMap { $0.values[pixel * $0.shape[3]..<(pixel + 1) * $0.shape[3]] }
        }
        return (stack, Tensor(shape: [2, 7, 5, 19], values: joined))
    }

    @Test func whatIsAppendedIsNormalisedAndRectified() {
        let workspace = Workspace()
        let (stack, joined) = Self.stack(workspace)
        #expect(stack.channelCount == 19 && stack.capacity == 24)
        let output = RectifiedNormalisation(Self.normalisation)(stack, in: workspace).tensor()
        #expect(output.shape == joined.shape)
        let expected = joined.values.enumerated().map { Self.rectified(Double($1), $0 % 19) }
        #expect(relativeError(output.values, expected) < 1e-6)
    }

    @Test func aConvolutionThatFollowsInPiecesGivesTheSame() {
        let workspace = Workspace()
        let (stack, _) = Self.stack(workspace)
        let layer = RectifiedNormalisation(Self.normalisation)
        let convolution = Convolution2D(
            inputChannelCount: 19, outputChannelCount: 10, window: SlidingWindow(kernel: 1),
            weights: noise(190, seed: 4), activation: .relu)
        #expect(
            layer(stack, then: convolution, in: workspace).tensor()
                == convolution(layer(stack, in: workspace), in: workspace).tensor())
    }

    @Test func meansAreOfWholeSquaresOnly() {
        let workspace = Workspace()
        let (stack, joined) = Self.stack(workspace)
        let output = RectifiedNormalisation(Self.normalisation).averaged(stack, in: workspace).tensor()
        #expect(output.shape == [2, 3, 2, 19])
        var expected: [Double] = []
        for index in 0..<12 {
            let (image, y, x) = (index / 6, index / 2 % 3, index % 2)
            for channel in 0..<19 {
                let values = [(0, 0), (0, 1), (1, 0), (1, 1)].map { dy, dx in
                    Self.rectified(
                        Double(joined.values[((image * 7 + 2 * y + dy) * 5 + 2 * x + dx) * 19 + channel]), channel)
                }
                expected.append(values.reduce(0, +) / 4)
            }
        }
        #expect(relativeError(output.values, expected) < 1e-6)
    }

    @Test func aNotANumberStaysOne() {
        let workspace = Workspace()
        let convolution = Convolution2D(
            inputChannelCount: 1, outputChannelCount: 19, window: SlidingWindow(kernel: 1),
            weights: Array(repeating: 1, count: 19))
        var stack = ChannelStack(imageCount: 1, size: SpatialSize(2), capacity: 19, in: workspace)
        let input = Tensor(shape: [1, 2, 2, 1], values: [1, .nan, 1, 1])
        stack.append(convolution, of: Activations(copying: input, in: workspace), in: workspace)
        let layer = RectifiedNormalisation(Self.normalisation)
        #expect(layer(stack, in: workspace).tensor().values[19..<38].allSatisfy { $0.isNaN })
        #expect(layer.averaged(stack, in: workspace).tensor().values.allSatisfy { $0.isNaN })
    }
}
