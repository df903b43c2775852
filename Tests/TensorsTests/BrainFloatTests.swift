import Foundation
import SystemFacts
import Tensors
import Testing

/// Products of brain floats, against the same roundings and fused multiply-adds one by one. On a processor without AVX512-BF16 there is
/// nothing to compare: these are not run there.
@Suite(.enabled(if: ComputePrecision.bf16.obstacle == nil, "needs AVX512-BF16"))
struct BrainFloatTests {
    private let workspace = Workspace(compute: .bf16)

    private func rounded(_ value: Float) -> Float {
        Float(bitPattern: UInt32(value.roundedToBrainFloat) << 16)
    }

    /// A row times a column: of each pair the second product first.
    private func chain(_ depth: Int, _ a: (Int) -> Float, _ b: (Int) -> Float) -> Float {
        stride(from: 0, to: depth, by: 2).reduce(Float(0)) { sum, k in
            let second = k + 1 < depth ? sum.addingProduct(rounded(a(k + 1)), rounded(b(k + 1))) : sum
            return second.addingProduct(rounded(a(k)), rounded(b(k)))
        }
    }

    /// Groups of four, three, two and one panel, whole ones and ones over the edge; odd and even depths; more rows than two tiles.
    @Test(arguments: [7, 16, 24, 32, 40, 48, 64, 80, 96, 112, 115], [1, 17, 100])
    func everySumIsOneChainOfPairs(columnCount: Int, rowCount: Int) {
        for depth in [1, 6, 73] {
            let input = Tensor.noise([rowCount, 1, 1, depth])
            let residual = Tensor.noise([rowCount, 1, 1, columnCount])
            let (weights, biases) = (noise(columnCount * depth, seed: 2), noise(columnCount, seed: 3))
            func product(_ activation: ActivationFunction, adding residual: Tensor? = nil) -> [Float] {
                let layer = Linear(
                    inputCount: depth, outputCount: columnCount, weights: weights, biases: biases,
                    activation: activation)
                return layer(
                    Activations(copying: input, in: workspace),
                    adding: residual.map { Activations(copying: $0, in: workspace) }, in: workspace
                ).tensor().values
            }
            let expected = (0..<rowCount * columnCount).map { index in
                let (row, column) = index.quotientAndRemainder(dividingBy: columnCount)
                return chain(depth) {
                    input.values[row * depth + $0]
                } _: {
                    weights[column * depth + $0]
                }
                    + biases[column]
            }
            #expect(product(.identity) == expected)
            #expect(product(.relu) == expected.map { max(0, $0) })
            #expect(
                product(.relu, adding: residual) == zip(expected, residual.values).map { max(0, $0 + $1) })
        }
    }

    @Test func convolutionsAreSumsOfRoundedProducts() {
        for (window, groupCount) in Convolution2DTests.windows.flatMap({ window in [1, 2].map { (window, $0) } }) {
            let layer = Convolution2D(
                inputChannelCount: 6, outputChannelCount: 10, window: window, groupCount: groupCount,
                weights: noise(10 * 6 / groupCount * window.kernel.area, seed: 2).map(rounded),
                biases: noise(10, seed: 3))
            var input = Tensor.noise([2, 12, 9, 6])
            input = Tensor(shape: input.shape, values: input.values.map(rounded))
            let found = layer(Activations(copying: input, in: workspace), in: workspace).tensor()
            let exact = Workspace()
            let expected = layer(Activations(copying: input, in: exact), in: exact).tensor()
            #expect(found.shape == expected.shape)
            #expect(relativeError(found.values, expected.values.map { Double($0) }) < 1e-6, "\(window)")
        }
    }

    /// A convolution that goes by F(2x2, 3x3): odd sizes, a residual, several images.
    @Test(arguments: [ActivationFunction.identity, .relu, .gelu])
    func convolutionsOfThreeByThreeKeepTheirAccuracy(activation: ActivationFunction) {
        let layer = Convolution2D(
            inputChannelCount: 48, outputChannelCount: 32, window: SlidingWindow(kernel: 3, padding: 1),
            weights: noise(32 * 48 * 9, seed: 2), biases: noise(32, seed: 3), activation: activation)
        let (input, residual) = (Tensor.noise([3, 7, 9, 48]), Tensor.noise([3, 7, 9, 32]))
        func result(_ workspace: Workspace) -> [Float] {
            layer(
                Activations(copying: input, in: workspace), adding: Activations(copying: residual, in: workspace),
                in: workspace
            ).tensor().values
        }
        #expect(relativeError(result(workspace), result(Workspace()).map { Double($0) }) < 0.02)
    }

    @Test func anImageDoesNotDependOnItsBatch() {
        func linear(_ inputs: Int, _ outputs: Int, seed: UInt64, _ activation: ActivationFunction = .identity) -> Linear
        {
            Linear(
                inputCount: inputs, outputCount: outputs,
                weights: noise(inputs * outputs, seed: seed).map { $0 / Float(inputs).squareRoot() },
                biases: noise(outputs, seed: seed + 1), activation: activation)
        }
        let attention = SelfAttention(
            headCount: 2, queriesKeysValues: linear(48, 144, seed: 1), projection: linear(48, 48, seed: 3))
        let windows = attention.within(
            SelfAttention.Windows(side: 3, isShifted: true), positionBias: noise(2 * 9 * 9, seed: 5))
        let feedForward = FeedForward(widening: linear(48, 192, seed: 7, .gelu), narrowing: linear(192, 48, seed: 9))
        let convolution = Convolution2D(
            inputChannelCount: 48, outputChannelCount: 48, window: SlidingWindow(kernel: 3, padding: 1),
            weights: noise(48 * 48 * 9, seed: 11).map { $0 / 20 }, activation: .relu)
        func network(_ input: Tensor, _ workspace: Workspace) -> Tensor {
            let maps = attention(Activations(copying: input, in: workspace), in: workspace)
            return feedForward(windows(convolution(maps, in: workspace), in: workspace), in: workspace).tensor()
        }
        let images = Tensor.noise([5, 7, 9, 48])
        let together = network(images, workspace)
        for image in 0..<5 {
            let length = 7 * 9 * 48
            let alone = Tensor(
                shape: [1, 7, 9, 48], values: Array(images.values[image * length..<(image + 1) * length]))
            #expect(
                network(alone, workspace).values == Array(together.values[image * length..<(image + 1) * length]))
        }
        let exact = network(images, Workspace())
        #expect(relativeError(together.values, exact.values.map { Double($0) }) < 0.02)
    }

    @Test(arguments: [(5, 8), (7, 5), (4, 16)]) func attentionOfOddCountsAndLengths(tokenCount: Int, headLength: Int) {
        func linear(_ outputs: Int, seed: UInt64) -> Linear {
            Linear(
                inputCount: 2 * headLength, outputCount: outputs,
                weights: noise(2 * headLength * outputs, seed: seed).map { $0 / Float(2 * headLength).squareRoot() },
                biases: noise(outputs, seed: seed + 1))
        }
        for scores in [SelfAttention.Scores.products, .cosines(factors: [3, 5])] {
            let layer = SelfAttention(
                headCount: 2, scores: scores, queriesKeysValues: linear(6 * headLength, seed: 1),
                projection: linear(2 * headLength, seed: 3))
            let input = Tensor.noise([2, tokenCount, 1, 2 * headLength])
            let results = [workspace, Workspace()].map {
                layer(Activations(copying: input, in: $0), in: $0).tensor().values
            }
            #expect(results[0] != results[1])
            #expect(relativeError(results[0], results[1].map { Double($0) }) < 0.05)
        }
    }

    @Test func notANumberStaysOne() {
        let layer = Linear(inputCount: 1, outputCount: 64, weights: Array(repeating: 1, count: 64), activation: .relu)
        let input = Tensor(shape: [1, 1, 3, 1], values: [-1, .nan, 2])
        let output = layer(Activations(copying: input, in: workspace), in: workspace).tensor().values
        #expect(output[..<64].allSatisfy { $0 == 0 })
        #expect(output[64..<128].allSatisfy { $0.isNaN })
        #expect(output[128...].allSatisfy { $0 == 2 })
    }

    /// The processor's rounding and that of the weights.
    @Test func roundingIsToTheNearestAndToEvenInTheMiddle() {
        let values: [Float] = [
            0, -0.0, 1, 1.00390625, 1.01171875, Float(1.00390625).nextUp, -1.00390625, .infinity, -.infinity,
            .greatestFiniteMagnitude,
            .leastNormalMagnitude, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, 3.14159274, 65535,
        ]
        let layer = Linear(inputCount: 1, outputCount: 1, weights: [1])
        let input = Tensor(shape: [1, 1, values.count, 1], values: values)
        let found = layer(Activations(copying: input, in: workspace), in: workspace).tensor().values
        #expect(found == values.map(rounded))
        #expect(
            rounded(1.00390625) == 1 && rounded(1.01171875) == 1.015625
                && rounded(Float(1.00390625).nextUp) == 1.0078125)
        #expect(rounded(.leastNonzeroMagnitude) == 0 && rounded(.nan).isNaN)
    }
}

@Suite struct ComputePrecisionTests {
    @Test func singlePrecisionIsTheDefaultAndAlwaysPossible() {
        #expect(Workspace().compute == .f32 && ComputePrecision.f32.obstacle == nil)
        #expect(ComputePrecision(rawValue: "bf16") == .bf16 && ComputePrecision(rawValue: "f32") == .f32)
    }

    @Test func theProcessorIsAskedForItsInstructions() {
        #expect(Processor.hasBrainFloatInstructions(ProcessorFeatures(text: "flags\t\t: avx512f avx512_bf16\n")))
        #expect(!Processor.hasBrainFloatInstructions(ProcessorFeatures(text: "flags\t\t: avx512f avx512_vnni\n")))
        #expect(!Processor.hasBrainFloatInstructions(ProcessorFeatures(text: "")))
        let isDenied = ProcessInfo.processInfo.environment["INFODISENT_NO_AVX512"] != nil
        if isDenied { #expect(ComputePrecision.bf16.obstacle?.contains("INFODISENT_NO_AVX512") == true) }
        if !ProcessorFeatures.here.has(["avx512_bf16"]) { #expect(ComputePrecision.bf16.obstacle != nil) }
    }
}
