import Tensors
import Testing

@Suite struct TokenSequenceTests {
    @Test func pixelsBecomeTokensBehindTheLeadingOnesAndComeBack() {
        let input = Tensor.noise([2, 3, 2, 5])
        let (leading, positions) = (noise(2 * 5, seed: 2), noise(6 * 5, seed: 3))
        let workspace = Workspace()
        let tokens = Activations(copying: input, in: workspace)
            .tokens(after: leading, adding: positions, in: workspace)
        #expect(tokens.shape == [2, 8, 1, 5])
        var expected: [Float] = []
        for image in 0..<2 {
            let sums: [Float] = zip(input.images(image..<image + 1).values, positions).map { $0 + $1 }
            expected += leading + sums
        }
        #expect(tokens.tensor().values == expected)
        let map = tokens.map(of: SpatialSize(height: 3, width: 2), in: workspace).tensor()
        #expect(map.shape == [2, 3, 2, 5])
        let pixels: [Float] = Array(expected[10..<40]) + Array(expected[50..<80])
        #expect(map.values == pixels)
    }

    @Test func mergedPatchesAreUpperLeftLowerLeftUpperRightLowerRight() {
        let input = Tensor(shape: [1, 2, 4, 1], values: [0, 1, 2, 3, 10, 11, 12, 13])
        let workspace = Workspace()
        let merged = Activations(copying: input, in: workspace).mergedPatches(in: workspace).tensor()
        #expect(merged.shape == [1, 1, 2, 4])
        #expect(merged.values == [0, 10, 1, 11, 2, 12, 3, 13])
    }

    @Test func oddSizesAreFilledUpWithZeros() {
        let input = Tensor(shape: [2, 3, 1, 2], values: [1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6])
        let workspace = Workspace()
        let merged = Activations(copying: input, in: workspace).mergedPatches(in: workspace).tensor()
        #expect(merged.shape == [2, 2, 1, 8])
        let first: [Float] = [1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 0, 0, 0, 0, 0, 0]
        let second: [Float] = first.map { -$0 }
        #expect(merged.values == first + second)
    }
}
