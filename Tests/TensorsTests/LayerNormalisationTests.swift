import Tensors
import Testing

@Suite struct LayerNormalisationTests {
    /// Channels below, at and above a vector's width and that of the partial sums.
    static let channelCounts = [1, 5, 8, 31, 40, 96, 771]

    static func reference(_ input: Tensor, _ weight: [Float], _ bias: [Float], _ epsilon: Double) -> [Double] {
        let c = weight.count
        return stride(from: 0, to: input.values.count, by: c).flatMap { start in
            let row = input.values[start..<start + c].map(Double.init)
            let mean = row.reduce(0, +) / Double(c)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(c)
            return (0..<c).map {
                (row[$0] - mean) / (variance + epsilon).squareRoot() * Double(weight[$0]) + Double(bias[$0])
            }
        }
    }

    @Test(arguments: channelCounts, [1e-6, 1e-2])
    func agreesWithItsDefinition(channelCount: Int, epsilon: Double) {
        let input = Tensor.noise([2, 3, 4, channelCount])
        let weight = noise(channelCount, seed: 2)
        let bias = noise(channelCount, seed: 3)
        let layer = LayerNormalisation(weight: weight, bias: bias, epsilon: epsilon)
        let workspace = Workspace()
        let output = layer(Activations(copying: input, in: workspace), in: workspace).tensor()
        #expect(output.shape == input.shape)
        #expect(relativeError(output.values, Self.reference(input, weight, bias, epsilon)) < 1e-5)
    }

    /// A mean that is large beside the deviation must not drown it.
    @Test func aLargeMeanCostsNoMoreThanTheRoundingOfTheInput() {
        var input = Tensor.noise([1, 1, 7, 96])
        input.values = input.values.map { 1000 + ($0 * 16).rounded() / 16 }
        let (weight, bias) = (noise(96, seed: 2), noise(96, seed: 3))
        let workspace = Workspace()
        let output = LayerNormalisation(weight: weight, bias: bias)(
            Activations(copying: input, in: workspace), in: workspace
        ).tensor()
        #expect(relativeError(output.values, Self.reference(input, weight, bias, 1e-5)) < 2e-4)
    }

    @Test func theResidualIsAddedToTheResult() {
        let (input, residual) = (Tensor.noise([2, 3, 1, 21]), Tensor.noise([2, 3, 1, 21], seed: 5))
        let (weight, bias) = (noise(21, seed: 2), noise(21, seed: 3))
        let layer = LayerNormalisation(weight: weight, bias: bias)
        let workspace = Workspace()
        let output = layer(
            Activations(copying: input, in: workspace), adding: Activations(copying: residual, in: workspace),
            in: workspace
        ).tensor()
        let expected = zip(Self.reference(input, weight, bias, 1e-5), residual.values).map { $0 + Double($1) }
        #expect(relativeError(output.values, expected) < 1e-5)
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity], [3, 40])
    func aBrokenChannelBreaksItsPixelAndNoOther(broken: Float, channelCount: Int) {
        for channel in [0, channelCount - 1] {
            var input = Tensor.noise([1, 1, 3, channelCount])
            input.values[channelCount + channel] = broken
            let workspace = Workspace()
            let output = LayerNormalisation(
                weight: Array(repeating: 1, count: channelCount), bias: Array(repeating: 0, count: channelCount))(
                    Activations(copying: input, in: workspace), in: workspace
                ).tensor().values
            #expect(output[..<channelCount].allSatisfy { $0.isFinite })
            #expect(output[channelCount..<2 * channelCount].allSatisfy { $0.isNaN })
            #expect(output[(2 * channelCount)...].allSatisfy { $0.isFinite })
        }
    }

    @Test func anImageDoesNotDependOnItsBatch() {
        let input = Tensor.noise([4, 3, 3, 101])
        let layer = LayerNormalisation(weight: noise(101, seed: 2), bias: noise(101, seed: 3))
        let workspace = Workspace()
        let together = layer(Activations(copying: input, in: workspace), in: workspace).tensor()
        for image in 0..<4 {
            let alone = layer(Activations(copying: input, images: image..<image + 1, in: workspace), in: workspace)
            #expect(alone.tensor() == together.images(image..<image + 1))
        }
    }
}
