import Tensors
import Testing

@Suite struct FeedForwardTests {
    /// More pixels than a piece holds, and a last piece that is not whole.
    @Test func isItsLayersOneAfterTheOther() {
        let normalisation = LayerNormalisation(weight: noise(10, seed: 1), bias: noise(10, seed: 2), epsilon: 1e-6)
        let widening = Linear(
            inputCount: 10, outputCount: 40, weights: noise(400, seed: 3), biases: noise(40, seed: 4),
            activation: .gelu)
        let narrowing = Linear(
            inputCount: 40, outputCount: 12, weights: noise(480, seed: 5), biases: noise(12, seed: 6))
        let workspace = Workspace()
        let input = Activations(copying: .noise([2, 19, 29, 10]), in: workspace)
        let residual = Activations(copying: .noise([2, 19, 29, 12], seed: 7), in: workspace)
        let layer = FeedForward(normalisation: normalisation, widening: widening, narrowing: narrowing)
        #expect(
            layer(input, adding: residual, in: workspace).tensor()
                == narrowing(
                    widening(normalisation(input, in: workspace), in: workspace), adding: residual, in: workspace
                ).tensor())
    }
}
