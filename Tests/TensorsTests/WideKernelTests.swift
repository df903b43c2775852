import SystemFacts
import Tensors
import Testing

/// AVX-512, where the processor has it, must not change a bit: ranks of one run may have different processors.
@Suite struct WideKernelTests {
    /// Groups of four, two and one panel, whole ones and ones over the edge; more rows than two tiles.
    @Test(arguments: [7, 16, 24, 32, 40, 48, 64, 96, 115], [1, 17, 100])
    func everySumIsOneChainOfFusedMultiplyAdds(columnCount: Int, rowCount: Int) {
        let depth = 73
        let input = Tensor.noise([rowCount, 1, 1, depth])
        let (weights, biases) = (noise(columnCount * depth, seed: 2), noise(columnCount, seed: 3))
        let workspace = Workspace()
        func product(_ activation: ActivationFunction) -> [Float] {
            let layer = Linear(
                inputCount: depth, outputCount: columnCount, weights: weights, biases: biases, activation: activation)
            return layer(Activations(copying: input, in: workspace), in: workspace).tensor().values
        }
        let expected = (0..<rowCount * columnCount).map { index in
            let (row, column) = index.quotientAndRemainder(dividingBy: columnCount)
            return (0..<depth).reduce(Float(0)) {
                $0.addingProduct(input.values[row * depth + $1], weights[column * depth + $1])
            } + biases[column]
        }
        #expect(product(.identity) == expected)
        #expect(product(.relu) == expected.map { max(0, $0) })
    }

    @Test(arguments: [24, 48, 115])
    func anActivationDoesNotDependOnTheColumnsBeside(columnCount: Int) {
        let (depth, rowCount) = (73, 17)
        let input = Tensor.noise([rowCount, 1, 1, depth])
        let (weights, biases) = (noise(columnCount * depth, seed: 2), noise(columnCount, seed: 3))
        let workspace = Workspace()
        func product(_ columns: Range<Int>) -> [Float] {
            let layer = Linear(
                inputCount: depth, outputCount: columns.count,
                weights: Array(weights[columns.lowerBound * depth..<columns.upperBound * depth]),
                biases: Array(biases[columns]), activation: .gelu)
            return layer(Activations(copying: input, in: workspace), in: workspace).tensor().values
        }
        let whole = product(0..<columnCount)
        for column in 0..<columnCount {
            let alone = product(column..<column + 1)
            #expect((0..<rowCount).allSatisfy { whole[$0 * columnCount + column] == alone[$0] }, "column \(column)")
        }
    }

    @Test func notANumberStaysOne() {
        let layer = Linear(inputCount: 1, outputCount: 64, weights: Array(repeating: 1, count: 64), activation: .relu)
        let workspace = Workspace()
        let input = Tensor(shape: [1, 1, 3, 1], values: [-1, .nan, 2])
        let output = layer(Activations(copying: input, in: workspace), in: workspace).tensor().values
        #expect(output[..<64].allSatisfy { $0 == 0 })
        #expect(output[64..<128].allSatisfy { $0.isNaN })
        #expect(output[128...].allSatisfy { $0 == 2 })
    }

    @Test func theProcessorIsAskedForEverythingTheKernelsUse() {
        let flags = "fpu avx2 fma avx512f avx512dq avx512cd avx512bw avx512vl avx512_vnni"
        #expect(Processor.isWide(ProcessorFeatures(text: "processor\t: 0\nflags\t\t: \(flags)\nbugs\t: none\n")))
        for missing in ["avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl"] {
            let rest = flags.split(separator: " ").filter { $0 != missing }.joined(separator: " ")
            #expect(!Processor.isWide(ProcessorFeatures(text: "flags\t\t: \(rest)\n")), "without \(missing)")
        }
        #expect(!Processor.isWide(ProcessorFeatures(text: "")))
    }
}
