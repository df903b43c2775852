import Tensors
import Testing

@Suite struct WorkspaceTests {
    @Test func memoryIsUsedAgainOnceReleased() {
        let workspace = Workspace()
        for _ in 0..<10 {
            _ = Activations(copying: Tensor.noise([1, 4, 4, 8]), in: workspace)
        }
        #expect(workspace.idleByteCount == 4 * 4 * 8 * 4)
    }

    @Test func growingInputsReplaceBuffersInsteadOfPilingUp() {
        let workspace = Workspace()
        for side in 1...20 { _ = Activations(copying: Tensor.noise([1, side, side, 1]), in: workspace) }
        #expect(workspace.idleByteCount == 20 * 20 * 4)
    }

    @Test func activationsInUseKeepTheirNumbers() {
        let workspace = Workspace()
        let tensors = (1...5).map { Tensor.noise([1, 3, 3, $0], seed: UInt64($0)) }
        let activations = tensors.map { Activations(copying: $0, in: workspace) }
        _ = Activations(copying: Tensor.noise([1, 3, 3, 2], seed: 99), in: workspace)
        #expect(activations.map { $0.tensor() } == tensors)
    }

    @Test func imagesOfABatchAreCopiedByRange() {
        let workspace = Workspace()
        let tensor = Tensor.noise([4, 2, 3, 5])
        #expect(Activations(copying: tensor, images: 1..<3, in: workspace).tensor() == tensor.images(1..<3))
    }

    @Test(arguments: [1, 2, 3, 5, 9])
    func layersSeeAllImagesInGroups(length: Int) {
        let workspace = Workspace()
        let tensor = Tensor.noise([5, 6, 4, 8])
        let pooling = MaxPooling2D(SlidingWindow(kernel: 2, stride: 2))
        let whole = pooling(Activations(copying: tensor, in: workspace), in: workspace).tensor()
        var counts: [Int] = []
        let found = Activations(copying: tensor, in: workspace).inGroups(of: length, in: workspace) {
            counts.append($0.imageCount)
            return pooling($0, in: workspace)
        }
        #expect(found.tensor() == whole)
        #expect(counts.reduce(0, +) == 5 && counts.dropLast().allSatisfy { $0 == length } && counts.last! <= length)
    }
}
