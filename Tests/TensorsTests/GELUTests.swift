import Foundation
import Tensors
import Testing

/// GELU in the epilogue of a matrix product, through a 1x1 layer with weight 1.
@Suite struct GELUTests {
    static func gelu(_ values: [Float]) -> [Float] {
        let layer = Linear(inputCount: 1, outputCount: 1, weights: [1], activation: .gelu)
        let workspace = Workspace()
        let input = Activations(copying: Tensor(shape: [values.count, 1, 1, 1], values: values), in: workspace)
        return layer(input, in: workspace).tensor().values
    }

    static func reference(_ x: Double) -> Double { x * 0.5 * erfc(-x / 2.0.squareRoot()) }

    @Test func agreesWithItsDefinition() {
        let values = stride(from: -20.0, through: 20, by: 0.000_37).map { Float($0) }
        for (x, y) in zip(values, Self.gelu(values)) {
            let expected = Self.reference(Double(x))
            let error = abs(Double(y) - expected)
            guard error > 3e-7 * abs(Double(x)) || (abs(x) > 5.2 && y != max(x, 0)) else { continue }
            Issue.record("gelu(\(x)) = \(y), not \(expected)")
            return
        }
    }

    @Test func tinyInputsKeepTheirRelativeAccuracy() {
        let values = (-126...0).flatMap { [exp2(Float($0)), -exp2(Float($0))] }
        for (x, y) in zip(values, Self.gelu(values)) {
            #expect(abs(Double(y) - Self.reference(Double(x))) <= 1e-6 * abs(Self.reference(Double(x))) + 1e-44)
        }
    }

    @Test func whatIsNotFiniteStaysSo() {
        let values = Self.gelu([.nan, .infinity, -.infinity, 3e38, -3e38, 0])
        #expect(values[0].isNaN)
        #expect(values[1] == .infinity)
        #expect(values[2].isNaN, "as in PyTorch: minus infinity times 0")
        #expect(values[3] == 3e38)
        #expect(values[4] == 0)
        #expect(values[5] == 0)
    }

    /// Outputs that fill tiles and that do not, with and without a residual, which comes before the function.
    @Test(arguments: [16, 35], [false, true])
    func isAppliedToEveryElementOnce(outputCount: Int, hasResidual: Bool) {
        let input = Tensor.noise([1, 5, 5, 19])
        let residual = Tensor.noise([1, 5, 5, outputCount], seed: 4)
        let weights = noise(outputCount * 19, seed: 2)
        let biases = noise(outputCount, seed: 3)
        let layer = Linear(
            inputCount: 19, outputCount: outputCount, weights: weights, biases: biases, activation: .gelu)
        let workspace = Workspace()
        let output = layer(
            Activations(copying: input, in: workspace),
            adding: hasResidual ? Activations(copying: residual, in: workspace) : nil, in: workspace
        ).tensor()
        let sums = referenceConvolution(
            input, weights, biases, window: SlidingWindow(kernel: 1), residual: hasResidual ? residual : nil)
        #expect(relativeError(output.values, sums.map(Self.reference)) < 1e-5)
    }
}
