import Tensors
import Testing

@Suite struct Convolution2DTests {
    static let windows: [SlidingWindow] = [
        SlidingWindow(kernel: 1),
        SlidingWindow(kernel: 1, stride: 2),
        SlidingWindow(kernel: 1, stride: 1, padding: 1),
        SlidingWindow(kernel: 3, stride: 1, padding: 1),
        SlidingWindow(kernel: 3, stride: 2, padding: 1),
        SlidingWindow(kernel: 3, stride: 1, padding: 2, dilation: 2),
        SlidingWindow(kernel: 2, stride: 3),
        SlidingWindow(kernel: 7, stride: 2, padding: 3),
        SlidingWindow(
            kernel: SpatialSize(height: 1, width: 5), stride: SpatialSize(height: 2, width: 1),
            padding: SpatialSize(height: 0, width: 2)),
        SlidingWindow(
            kernel: SpatialSize(height: 3, width: 2), stride: SpatialSize(height: 1, width: 2),
            padding: SpatialSize(height: 3, width: 1), dilation: SpatialSize(height: 2, width: 1)),
    ]

    /// Channels below, at and above a panel's width and a vector's; images that fill tiles and that do not.
    static let channels = [(3, 16), (1, 1), (8, 33), (17, 48)]

    @Test(arguments: windows, channels)
    func agreesWithItsDefinition(window: SlidingWindow, channels: (inputs: Int, outputs: Int)) {
        for size in [SpatialSize(height: 7, width: 9), SpatialSize(height: 12, width: 8)] {
            let input = Tensor.noise([2, size.height, size.width, channels.inputs])
            let weights = noise(channels.outputs * channels.inputs * window.kernel.area, seed: 2)
            let biases = noise(channels.outputs, seed: 3)
            let layer = Convolution2D(
                inputChannelCount: channels.inputs, outputChannelCount: channels.outputs, window: window,
                weights: weights, biases: biases)
            let workspace = Workspace()
            let output = layer(Activations(copying: input, in: workspace), in: workspace).tensor()
            let outputSize = window.outputSize(for: size)
            #expect(output.shape == [2, outputSize.height, outputSize.width, channels.outputs])
            let expected = referenceConvolution(input, weights, biases, window: window)
            #expect(relativeError(output.values, expected) < 1e-5, "\(window) on \(size)")
        }
    }

    @Test(arguments: [2, 4])
    func groupsSeeTheirOwnChannelsOnly(groups: Int) {
        let window = SlidingWindow(kernel: 3, stride: 2, padding: 1)
        let input = Tensor.noise([2, 9, 7, 20])
        let weights = noise(24 * 20 / groups * 9, seed: 2)
        let biases = noise(24, seed: 3)
        let layer = Convolution2D(
            inputChannelCount: 20, outputChannelCount: 24, window: window, groupCount: groups, weights: weights,
            biases: biases)
        let workspace = Workspace()
        let output = layer(Activations(copying: input, in: workspace), in: workspace).tensor()
        let expected = referenceConvolution(input, weights, biases, window: window, groups: groups)
        #expect(relativeError(output.values, expected) < 1e-5)
    }

    @Test(arguments: [ActivationFunction.identity, .relu], [false, true])
    func theEpilogueAddsTheResidualAndThenRectifies(activation: ActivationFunction, hasResidual: Bool) {
        // More output pixels than one block of rows holds, so that blocks must find their own part of the residual.
        let window = SlidingWindow(kernel: 1)
        let input = Tensor.noise([3, 21, 20, 19])
        let residual = hasResidual ? Tensor.noise([3, 21, 20, 35], seed: 4) : nil
        let weights = noise(35 * 19, seed: 2)
        let biases = noise(35, seed: 3)
        let layer = Convolution2D(
            inputChannelCount: 19, outputChannelCount: 35, window: window, weights: weights, biases: biases,
            activation: activation)
        let workspace = Workspace()
        let output = layer(
            Activations(copying: input, in: workspace),
            adding: residual.map { Activations(copying: $0, in: workspace) }, in: workspace
        ).tensor()
        let expected = referenceConvolution(
            input, weights, biases, window: window, residual: residual, rectified: activation == .relu)
        #expect(relativeError(output.values, expected) < 1e-5)
        #expect(output.values.contains { $0 < 0 } == (activation == .identity))
    }

    /// Shapes whose batches fall differently into tiles and blocks than single images do.
    @Test(arguments: [SlidingWindow(kernel: 1), SlidingWindow(kernel: 3, stride: 1, padding: 1)])
    func anImageDoesNotDependOnItsBatch(window: SlidingWindow) {
        let input = Tensor.noise([5, 7, 7, 130])
        let weights = noise(40 * 130 * window.kernel.area, seed: 2)
        let layer = Convolution2D(
            inputChannelCount: 130, outputChannelCount: 40, window: window, weights: weights, activation: .relu)
        let workspace = Workspace()
        let together = layer(Activations(copying: input, in: workspace), in: workspace).tensor()
        for image in 0..<5 {
            let alone = layer(
                Activations(copying: input, images: image..<image + 1, in: workspace), in: workspace
            ).tensor()
            #expect(alone == together.images(image..<image + 1))
        }
    }

    @Test func aBrokenInputShowsInTheOutput() {
        let layer = Convolution2D(
            inputChannelCount: 1, outputChannelCount: 1, window: SlidingWindow(kernel: 1), weights: [1],
            activation: .relu)
        let workspace = Workspace()
        let input = Tensor(shape: [1, 1, 3, 1], values: [-1, .nan, 2])
        let output = layer(Activations(copying: input, in: workspace), in: workspace).tensor().values
        #expect(output[0] == 0 && output[1].isNaN && output[2] == 2)
    }
}

@Suite struct LinearTests {
    @Test func agreesWithItsDefinition() {
        let rows = Tensor.noise([11, 1, 1, 37])
        let weights = noise(1000 * 37, seed: 2)
        let biases = noise(1000, seed: 3)
        let layer = Linear(inputCount: 37, outputCount: 1000, weights: weights, biases: biases)
        let workspace = Workspace()
        let output = layer(Activations(copying: rows, in: workspace), in: workspace).tensor()
        var expected: [Double] = []
        for row in 0..<11 {
            for o in 0..<1000 {
                var sum = Double(biases[o])
                for i in 0..<37 { sum += Double(rows.values[row * 37 + i]) * Double(weights[o * 37 + i]) }
                expected.append(sum)
            }
        }
        #expect(output.shape == [11, 1, 1, 1000])
        #expect(relativeError(output.values, expected) < 1e-5)
    }
}
