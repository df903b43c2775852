import Tensors
import Testing

/// 3x3 convolutions in tiles of four by four pixels (F(4x4, 3x3)).
@Suite struct WinogradTests {
    private static let window = SlidingWindow(kernel: 3, stride: 1, padding: 1)

    private func layer(
        _ inputs: Int, _ outputs: Int, window: SlidingWindow = window, activation: ActivationFunction = .identity
    ) -> Convolution2D {
        Convolution2D(
            inputChannelCount: inputs, outputChannelCount: outputs, window: window,
            weights: noise(outputs * inputs * 9, seed: 2), biases: noise(outputs, seed: 3), activation: activation)
    }

    /// The largest errors are 1 to 4 millionths of the largest result (random data, 8 to 512 channels), less than 2.5e-5 of the root mean
    /// square.
    @Test(
        arguments: [(8, 8), (16, 16), (24, 40), (64, 24), (128, 32), (512, 48)],
        [(1, 1), (2, 9), (4, 4), (7, 7), (14, 13), (30, 27)])
    func agreesWithItsDefinition(channels: (inputs: Int, outputs: Int), size: (height: Int, width: Int)) {
        for padding in [0, 1, 2] where size.height + 2 * padding >= 3 && size.width + 2 * padding >= 3 {
            let window = SlidingWindow(kernel: 3, stride: 1, padding: padding)
            let input = Tensor.noise([2, size.height, size.width, channels.inputs])
            let convolution = layer(channels.inputs, channels.outputs, window: window)
            let workspace = Workspace()
            let output = convolution(Activations(copying: input, in: workspace), in: workspace).tensor()
            let expected = referenceConvolution(
                input, noise(channels.outputs * channels.inputs * 9, seed: 2), noise(channels.outputs, seed: 3),
                window: window)
            #expect(relativeError(output.values, expected) < 2.5e-5, "\(size), padded by \(padding)")
            let largest = expected.reduce(0) { max($0, abs($1)) }
            let worst = zip(output.values, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
            #expect(worst < 5e-6 * largest, "\(size), padded by \(padding)")
        }
    }

    @Test(arguments: [ActivationFunction.identity, .relu, .gelu], [false, true])
    func theResultIsThatOfTheDirectConvolution(activation: ActivationFunction, hasResidual: Bool) {
        let convolution = layer(32, 40, activation: activation)
        let input = Tensor.noise([3, 11, 14, 32])
        let residual = Tensor.noise([3, 11, 14, 40])
        let results = MatrixEngine.allCases.map { engine in
            let workspace = Workspace(engine: engine)
            return convolution(
                Activations(copying: input, in: workspace),
                adding: hasResidual ? Activations(copying: residual, in: workspace) : nil, in: workspace
            ).tensor()
        }
        #expect(relativeError(results[0].values, results[1].values.map { Double($0) }) < 1e-5)
    }

    @Test func anImageHasTheSameBitsAloneAndInAnyBatch() {
        let convolution = layer(64, 64, activation: .relu)
        // More tiles than are computed together.
        let input = Tensor.noise([7, 13, 18, 64])
        let workspace = Workspace()
        let together = convolution(Activations(copying: input, in: workspace), in: workspace).tensor()
        for image in 0..<7 {
            let alone = convolution(
                Activations(copying: input, images: image..<image + 1, in: workspace), in: workspace
            ).tensor()
            let length = alone.values.count
            #expect(alone.values == Array(together.values[image * length..<(image + 1) * length]), "image \(image)")
        }
    }

    @Test func aStackTakesTheResultBesideWhatItHas() {
        let convolution = layer(16, 24)
        let input = Tensor.noise([2, 9, 10, 16])
        let workspace = Workspace()
        let activations = Activations(copying: input, in: workspace)
        var stack = ChannelStack(imageCount: 2, size: SpatialSize(height: 9, width: 10), capacity: 56, in: workspace)
        stack.append(convolution, of: activations, in: workspace)
        stack.append(convolution, of: activations, in: workspace)
        let expected = convolution(activations, in: workspace).tensor().values
        // A normalisation that changes nothing: what is left to do is max(x, 0).
        let (zeros, ones) = ([Float](repeating: 0, count: 48), [Float](repeating: 1, count: 48))
        let normalisation = BatchNormalisation(weight: ones, bias: zeros, mean: zeros, variance: ones, epsilon: 0)
        let taken = RectifiedNormalisation(normalisation)(stack, in: workspace).tensor().values
        for pixel in 0..<180 {
            let row = expected[pixel * 24..<(pixel + 1) * 24].map { max($0, 0) }
            #expect(Array(taken[pixel * 48..<(pixel + 1) * 48]) == row + row)
        }
    }

    @Test func notANumberStaysOne() {
        let convolution = layer(8, 8, activation: .relu)
        var input = Tensor.noise([1, 9, 9, 8])
        var values = input.values
        values[(4 * 9 + 4) * 8 + 3] = .nan
        input = Tensor(shape: input.shape, values: values)
        let workspace = Workspace()
        let output = convolution(Activations(copying: input, in: workspace), in: workspace).tensor()
        for row in 3...5 {
            for column in 3...5 { #expect(output.values[(row * 9 + column) * 8].isNaN) }
        }
    }
}
