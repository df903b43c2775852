import Tensors
import Testing

@Suite struct DepthwiseConvolution2DTests {
    /// Channel counts and widths below, at and above those of a tile, and in between.
    @Test(arguments: [1, 7, 8, 12, 16, 27], [1, 6, 7, 9, 14, 22])
    func agreesWithItsDefinition(channelCount: Int, width: Int) {
        let kernelSide = 7
        let input = Tensor.noise([2, 5, width, channelCount])
        let weights = noise(channelCount * kernelSide * kernelSide, seed: 2)
        let biases = noise(channelCount, seed: 3)
        let layer = DepthwiseConvolution2D(
            channelCount: channelCount, kernelSide: kernelSide, weights: weights, biases: biases)
        let workspace = Workspace()
        let output = layer(Activations(copying: input, in: workspace), in: workspace).tensor()
        #expect(output.shape == input.shape)
        let expected = referenceConvolution(
            input, weights, biases, window: SlidingWindow(kernel: kernelSide, padding: 3), groups: channelCount)
        #expect(relativeError(output.values, expected) < 1e-6)
    }

    @Test(arguments: [1, 3, 5])
    func otherKernels(kernelSide: Int) {
        let input = Tensor.noise([1, 8, 9, 10])
        let weights = noise(10 * kernelSide * kernelSide, seed: 2)
        let layer = DepthwiseConvolution2D(
            channelCount: 10, kernelSide: kernelSide, weights: weights, biases: Array(repeating: 0.5, count: 10))
        let workspace = Workspace()
        let output = layer(Activations(copying: input, in: workspace), in: workspace).tensor()
        let expected = referenceConvolution(
            input, weights, Array(repeating: 0.5, count: 10),
            window: SlidingWindow(kernel: kernelSide, padding: kernelSide / 2), groups: 10)
        #expect(relativeError(output.values, expected) < 1e-6)
    }

    /// A pixel far from the edges of the image is the same chain of operations wherever in a tile it falls.
    @Test func aPixelDoesNotDependOnItsPlaceInATile() {
        let layer = DepthwiseConvolution2D(
            channelCount: 9, kernelSide: 3, weights: noise(81, seed: 5), biases: noise(9, seed: 6))
        let workspace = Workspace()
        let wide = Tensor.noise([1, 3, 25, 9])
        let whole = layer(Activations(copying: wide, in: workspace), in: workspace).tensor()
        for first in 0..<12 {
            // Columns first..<first + 8 alone; their inner ones see what they saw before.
            let cut = Tensor(
                shape: [1, 3, 8, 9],
                values: (0..<3).flatMap { row in
                    wide.values[(row * 25 + first) * 9..<(row * 25 + first + 8) * 9]
                })
            let part = layer(Activations(copying: cut, in: workspace), in: workspace).tensor()
            for row in 0..<3 {
                #expect(
                    part.values[(row * 8 + 1) * 9..<(row * 8 + 7) * 9]
                        == whole.values[(row * 25 + first + 1) * 9..<(row * 25 + first + 7) * 9])
            }
        }
    }
}
