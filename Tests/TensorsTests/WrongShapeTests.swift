import Tensors
import Testing

/// What does not fit a layer stops the program at the layer's entrance, in the build that users run: beyond it are pointers.
@Suite struct WrongShapeTests {
    @Test func convolutions() async {
        await #expect(processExitsWith: .failure) {
            let layer = Convolution2D(
                inputChannelCount: 3, outputChannelCount: 2, window: SlidingWindow(kernel: 1),
                weights: [1, 2, 3, 4, 5, 6])
            let workspace = Workspace()
            _ = layer(Activations(copying: Tensor(zeros: [1, 2, 2, 2]), in: workspace), in: workspace)
        }
        await #expect(processExitsWith: .failure) {
            let layer = Convolution2D(
                inputChannelCount: 1, outputChannelCount: 1, window: SlidingWindow(kernel: 1), weights: [1])
            let workspace = Workspace()
            let residual = Activations(copying: Tensor(zeros: [1, 1, 2, 1]), in: workspace)
            _ = layer(
                Activations(copying: Tensor(zeros: [1, 2, 2, 1]), in: workspace), adding: residual, in: workspace)
        }
        await #expect(processExitsWith: .failure) {
            let layer = Convolution2D(
                inputChannelCount: 1, outputChannelCount: 1, window: SlidingWindow(kernel: 3),
                weights: Array(repeating: 1, count: 9))
            let workspace = Workspace()
            _ = layer(Activations(copying: Tensor(zeros: [1, 2, 2, 1]), in: workspace), in: workspace)
        }
        await #expect(processExitsWith: .failure) {
            let layer = DepthwiseConvolution2D(
                channelCount: 2, kernelSide: 1, weights: [1, 2], biases: [0, 0])
            let workspace = Workspace()
            _ = layer(Activations(copying: Tensor(zeros: [1, 2, 2, 1]), in: workspace), in: workspace)
        }
    }

    @Test func linearLayersAndNormalisations() async {
        await #expect(processExitsWith: .failure) {
            let layer = Linear(inputCount: 3, outputCount: 1, weights: [1, 2, 3])
            let workspace = Workspace()
            _ = layer(Activations(copying: Tensor(zeros: [1, 1, 1, 2]), in: workspace), in: workspace)
        }
        await #expect(processExitsWith: .failure) {
            _ = Linear(inputCount: 3, outputCount: 2, weights: [1, 2, 3])
        }
        await #expect(processExitsWith: .failure) {
            let layer = LayerNormalisation(weight: [1, 1], bias: [0, 0])
            let workspace = Workspace()
            _ = layer(Activations(copying: Tensor(zeros: [1, 1, 1, 3]), in: workspace), in: workspace)
        }
    }

    @Test func transformers() async {
        await #expect(processExitsWith: .failure) {
            let attention = SelfAttention(
                headCount: 1,
                queriesKeysValues: Linear(inputCount: 2, outputCount: 6, weights: Array(repeating: 1, count: 12)),
                projection: Linear(inputCount: 2, outputCount: 2, weights: [1, 0, 0, 1]))
            let workspace = Workspace()
            _ = attention(Activations(copying: Tensor(zeros: [1, 2, 2, 3]), in: workspace), in: workspace)
        }
        await #expect(processExitsWith: .failure) {
            let attention = SelfAttention(
                headCount: 1,
                queriesKeysValues: Linear(inputCount: 2, outputCount: 6, weights: Array(repeating: 1, count: 12)),
                projection: Linear(inputCount: 2, outputCount: 2, weights: [1, 0, 0, 1]))
            _ = attention.within(SelfAttention.Windows(side: 2), positionBias: [0])
        }
        await #expect(processExitsWith: .failure) {
            let layer = FeedForward(
                widening: Linear(inputCount: 1, outputCount: 2, weights: [1, 1]),
                narrowing: Linear(inputCount: 2, outputCount: 1, weights: [1, 1]))
            let workspace = Workspace()
            _ = layer(Activations(copying: Tensor(zeros: [1, 1, 1, 2]), in: workspace), in: workspace)
        }
    }

    @Test func tensorsAndRowFactors() async {
        await #expect(processExitsWith: .failure) { _ = Tensor(shape: [2, 2], values: [1, 2, 3]) }
        await #expect(processExitsWith: .failure) {
            let factor = RowFactor(transposing: [1, 2], columnCount: 1, depth: 2, team: WorkerTeam(workerCount: 1))
            var result: [Float] = [0, 0]
            factor.multiply(rows: 1, [1, 2], columns: 0..<2, into: &result, stride: 2)
        }
    }

    /// Arrays are checked too: the target is not compiled to leave that out.
    @Test func anIndexBeyondAnArray() async {
        await #expect(processExitsWith: .failure) { _ = WorkerLocal(WorkerTeam(workerCount: 1)) { 0 }[1] }
    }
}
