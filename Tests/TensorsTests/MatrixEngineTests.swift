import Tensors
import Testing

/// The layers' own kernel against OpenBLAS, which multiplies the same matrices in another order.
@Suite struct MatrixEngineTests {
    private func difference(_ input: Tensor, _ layer: (Activations, Workspace) -> Activations) -> Double {
        let results = MatrixEngine.allCases.map { engine in
            let workspace = Workspace(engine: engine)
            return layer(Activations(copying: input, in: workspace), workspace).tensor()
        }
        #expect(results[0].shape == results[1].shape)
        #expect(results[0].values.allSatisfy { $0.isFinite })
        return relativeError(results[1].values, results[0].values.map { Double($0) })
    }

    @Test(arguments: Convolution2DTests.windows, [1, 4])
    func convolutionsAgree(window: SlidingWindow, groupCount: Int) {
        let layer = Convolution2D(
            inputChannelCount: 20, outputChannelCount: 72, window: window, groupCount: groupCount,
            weights: noise(72 * 20 / groupCount * window.kernel.area, seed: 2), biases: noise(72, seed: 3),
            activation: .relu)
        #expect(difference(.noise([2, 12, 9, 20])) { layer($0, in: $1) } < 1e-5)
    }

    @Test(arguments: [ActivationFunction.identity, .relu, .gelu])
    func linearLayersAgree(activation: ActivationFunction) {
        let layer = Linear(
            inputCount: 37, outputCount: 115, weights: noise(115 * 37, seed: 2), biases: noise(115, seed: 3),
            activation: activation)
        #expect(difference(.noise([2, 13, 11, 37])) { layer($0, in: $1) } < 1e-5)
    }

    @Test func blocksOfTransformersAgree() {
        func linear(_ inputs: Int, _ outputs: Int, seed: UInt64, _ activation: ActivationFunction = .identity) -> Linear
        {
            Linear(
                inputCount: inputs, outputCount: outputs, weights: noise(inputs * outputs, seed: seed),
                biases: noise(outputs, seed: seed + 1), activation: activation)
        }
        let attention = SelfAttention(
            headCount: 2, queriesKeysValues: linear(40, 120, seed: 1), projection: linear(40, 40, seed: 3))
        let windows = attention.within(
            SelfAttention.Windows(side: 4, isShifted: true), positionBias: noise(2 * 16 * 16, seed: 5))
        let feedForward = FeedForward(
            widening: linear(40, 160, seed: 7, .gelu), narrowing: linear(160, 40, seed: 9))
        for layer in [attention, windows] {
            #expect(difference(.noise([2, 7, 9, 40])) { feedForward(layer($0, in: $1), in: $1) } < 1e-5)
        }
    }

    @Test func aNetworkOfThePackedKernelIsTheDefault() {
        #expect(Workspace().engine == .packed)
        #expect(MatrixEngine(rawValue: "packed") == .packed && MatrixEngine(rawValue: "openblas") == .openBLAS)
    }
}
