import Foundation
import Tensors
import Testing

@Suite struct FeedForwardTests {
    static let (d, hidden) = (40, 150)
    static let norm = (weight: noise(d, seed: 6), bias: noise(d, seed: 7))
    static let widening = (weights: noise(hidden * d, seed: 2), biases: noise(hidden, seed: 3))
    static let narrowing = (weights: noise(d * hidden, seed: 4), biases: noise(d, seed: 5))

    static func layer(normalisesOutput: Bool) -> FeedForward {
        let normalisation = LayerNormalisation(weight: norm.weight, bias: norm.bias)
        return FeedForward(
            inputNormalisation: normalisesOutput ? nil : normalisation,
            widening: Linear(
                inputCount: d, outputCount: hidden, weights: widening.weights, biases: widening.biases,
                activation: .gelu),
            narrowing: Linear(
                inputCount: hidden, outputCount: d, weights: narrowing.weights, biases: narrowing.biases),
            outputNormalisation: normalisesOutput ? normalisation : nil)
    }

    /// More pixels than fit in one piece.
    static let input = Tensor.noise([3, 19, 23, d])

    @Test(arguments: [false, true])
    func agreesWithItsDefinition(normalisesOutput: Bool) {
        let workspace = Workspace()
        let output = Self.layer(normalisesOutput: normalisesOutput)(
            Activations(copying: Self.input, in: workspace), in: workspace
        ).tensor()
        let x = Self.input.values.map(Double.init)
        let rows = normalisesOutput ? x : referenceNormalisation(x, Self.norm.weight, Self.norm.bias)
        let wide = referenceLinear(rows, Self.widening.weights, Self.widening.biases).map(GELUTests.reference)
        var change = referenceLinear(wide, Self.narrowing.weights, Self.narrowing.biases)
        if normalisesOutput { change = referenceNormalisation(change, Self.norm.weight, Self.norm.bias) }
        #expect(output.shape == Self.input.shape)
        #expect(relativeError(output.values, zip(x, change).map { $0 + $1 }) < 1e-5)
    }

    @Test func anotherResidualCanBeAdded() {
        let workspace = Workspace()
        let input = Activations(copying: Self.input, in: workspace)
        let residual = Tensor.noise(Self.input.shape, seed: 8)
        let layer = Self.layer(normalisesOutput: false)
        let output = layer(input, adding: Activations(copying: residual, in: workspace), in: workspace).tensor()
        // The same sums with the input in place of the residual.
        let usual = layer(input, in: workspace).tensor()
        let expected = usual.values.indices.map {
            Double(usual.values[$0]) - Double(Self.input.values[$0]) + Double(residual.values[$0])
        }
        #expect(relativeError(output.values, expected) < 1e-6)
    }

    @Test(arguments: [false, true])
    func anImageDoesNotDependOnItsBatch(normalisesOutput: Bool) {
        let layer = Self.layer(normalisesOutput: normalisesOutput)
        let workspace = Workspace()
        let together = layer(Activations(copying: Self.input, in: workspace), in: workspace).tensor()
        for image in 0..<3 {
            let alone = layer(
                Activations(copying: Self.input, images: image..<image + 1, in: workspace), in: workspace)
            #expect(alone.tensor() == together.images(image..<image + 1))
        }
    }
}
