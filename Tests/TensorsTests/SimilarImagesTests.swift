import Tensors
import Testing

/// What is copied from an image's neighbour is what would have been computed.
@Suite struct SimilarImagesTests {
    /// Copies of an image with a patch of their own each; the last but one is the one before it again.
    private static func variants(_ size: SpatialSize, channelCount: Int) -> Tensor {
        let length = size.area * channelCount
        var images = [Tensor.noise([1, size.height, size.width, channelCount]).values]
        for number in 1..<5 {
            var image = images[number - 1]
            if number != 3 {
                let patch = noise(6 * channelCount, seed: UInt64(number + 10))
                for (index, value) in patch.enumerated() { image[(number * length / 5 + index) % length] = value }
            }
            images.append(image)
        }
        return Tensor(shape: [5, size.height, size.width, channelCount], values: images.flatMap { $0 })
    }

    @Test(
        arguments: Convolution2DTests.windows + [SlidingWindow(kernel: 3, padding: 1)],
        [(3, 24, 1), (16, 40, 1), (24, 24, 1), (16, 32, 4)])
    func aConvolutionOfThemHasTheSameBits(window: SlidingWindow, channels: (inputs: Int, outputs: Int, groups: Int)) {
        for (size, hasResidual) in [
            (SpatialSize(height: 17, width: 22), true), (SpatialSize(height: 12, width: 8), false),
        ] {
            let images = Self.variants(size, channelCount: channels.inputs)
            let layer = Convolution2D(
                inputChannelCount: channels.inputs, outputChannelCount: channels.outputs, window: window,
                groupCount: channels.groups,
                weights: noise(channels.outputs * channels.inputs / channels.groups * window.kernel.area, seed: 2),
                biases: noise(channels.outputs, seed: 3), activation: .relu)
            let results = [false, true].map { expectsSimilarImages in
                let workspace = Workspace(expectsSimilarImages: expectsSimilarImages)
                let residual =
                    hasResidual ? Self.variants(window.outputSize(for: size), channelCount: channels.outputs) : nil
                return layer(
                    Activations(copying: images, in: workspace),
                    adding: residual.map { Activations(copying: $0, in: workspace) }, in: workspace
                ).tensor()
            }
            #expect(results[0] == results[1], "\(window) on \(size)")
        }
    }

    /// A residual that differs alone is enough for a tile to be computed.
    @Test(arguments: [SlidingWindow(kernel: 1), SlidingWindow(kernel: 3, padding: 1)])
    func equalImagesWithOtherResidualsDiffer(window: SlidingWindow) {
        let image = Tensor.noise([1, 9, 9, 16]).values
        let images = Tensor(shape: [2, 9, 9, 16], values: image + image)
        let residual = Tensor.noise([2, 9, 9, 24], seed: 5)
        let layer = Convolution2D(
            inputChannelCount: 16, outputChannelCount: 24, window: window,
            weights: noise(24 * 16 * window.kernel.area, seed: 2))
        let results = [false, true].map { expectsSimilarImages in
            let workspace = Workspace(expectsSimilarImages: expectsSimilarImages)
            return layer(
                Activations(copying: images, in: workspace), adding: Activations(copying: residual, in: workspace),
                in: workspace
            ).tensor()
        }
        #expect(results[0] == results[1] && results[1].images(0..<1).values != results[1].images(1..<2).values)
    }
}
