import Tensors
import Testing

@Suite struct BatchNormalisationTests {
    static let normalisation = BatchNormalisation(
        weight: [1.5, -0.25, 0], bias: [0.1, -2, 3], mean: [10, -0.01, 0.5], variance: [4, 1e-6, 100])

    @Test func theAffineFormIsTheDefinition() {
        let (scale, shift) = Self.normalisation.affine
        for (channel, x) in [(0, 12.0), (1, 0.3), (2, -7.0)] {
            let bn = Self.normalisation
            let root = (Double(bn.variance[channel]) + 1e-5).squareRoot()
            let direct = (x - Double(bn.mean[channel])) / root * Double(bn.weight[channel]) + Double(bn.bias[channel])
            #expect(abs(scale[channel] * x + shift[channel] - direct) < 1e-12 * max(1, abs(direct)))
        }
    }

    @Test(arguments: [nil, [0.5, -1, 2] as [Float]])
    func foldingItGivesTheConvolutionFollowedByIt(biases: [Float]?) {
        let window = SlidingWindow(kernel: 3, stride: 1, padding: 1)
        let input = Tensor.noise([1, 6, 5, 4])
        let weights = noise(3 * 4 * 9, seed: 2)
        let layer = Convolution2D(
            inputChannelCount: 4, outputChannelCount: 3, window: window, weights: weights, biases: biases,
            normalisation: Self.normalisation)
        let workspace = Workspace()
        let output = layer(Activations(copying: input, in: workspace), in: workspace).tensor().values
        let plain = referenceConvolution(input, weights, biases ?? [0, 0, 0], window: window)
        let (scale, shift) = Self.normalisation.affine
        for channel in 0..<3 {
            let indices = stride(from: channel, to: plain.count, by: 3)
            #expect(
                relativeError(indices.map { output[$0] }, indices.map { plain[$0] * scale[channel] + shift[channel] })
                    < 1e-5)
        }
    }
}
