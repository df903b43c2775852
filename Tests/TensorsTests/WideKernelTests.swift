import SystemFacts
import Tensors
import Testing

/// AVX-512, where the processor has it, must not change a bit: ranks of one run may have different processors.
@Suite struct WideKernelTests {
    /// A product of 16 columns never uses it, one of 32 or 64 does.
    @Test(arguments: [32, 64, 96, 115], [ActivationFunction.identity, .relu, .gelu])
    func aProductOfManyColumnsIsThoseOfFewSideBySide(columnCount: Int, activation: ActivationFunction) {
        let (depth, rowCount) = (73, 17)
        let input = Tensor.noise([rowCount, 1, 1, depth])
        let (weights, biases) = (noise(columnCount * depth, seed: 2), noise(columnCount, seed: 3))
        let workspace = Workspace()
        func product(_ columns: Range<Int>) -> [Float] {
            let layer = Linear(
                inputCount: depth, outputCount: columns.count,
                weights: Array(weights[columns.lowerBound * depth..<columns.upperBound * depth]),
                biases: Array(biases[columns]), activation: activation)
            return layer(Activations(copying: input, in: workspace), in: workspace).tensor().values
        }
        let whole = product(0..<columnCount)
        for first in stride(from: 0, to: columnCount, by: 16) {
            let columns = first..<min(columnCount, first + 16)
            let part = product(columns)
            for row in 0..<rowCount {
                let expected = part[row * columns.count..<(row + 1) * columns.count]
                #expect(
                    whole[row * columnCount + first..<row * columnCount + columns.upperBound].elementsEqual(expected))
            }
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
