import Backbones
import Testing

/// How the tensors that a network asks for are made from those of a file.
@Suite struct TensorRecipeTests {
    static let file = WeightsInMemory(parameters: [
        "a": .init(shape: [3, 2], values: [1, 2, 3, 4, 5, 6]), "b": .init(shape: [1, 2], values: [7, 8]),
        "c": .init(shape: [4], values: [9, 10, 11, 12]), "scalar": .init(shape: [], values: [13]),
    ])

    @Test(arguments: [
        (TensorRecipe.file("a"), [3, 2], [1, 2, 3, 4, 5, 6]),
        (.reshaped(.file("c"), [4, 1, 1]), [4, 1, 1], [9, 10, 11, 12]),
        (.transposed(.file("a"), [1, 0]), [2, 3], [1, 3, 5, 2, 4, 6]),
        (.transposed(.file("c"), [0]), [4], [9, 10, 11, 12]),
        (
            .transposed(.reshaped(.joined([.file("a"), .file("a")]), [2, 3, 2]), [2, 0, 1]), [2, 2, 3],
            [1, 3, 5, 1, 3, 5, 2, 4, 6, 2, 4, 6]
        ),
        (.rows(.file("a"), 1..<3), [2, 2], [3, 4, 5, 6]),
        (.rows(.file("c"), 0..<1), [1], [9]),
        (.joined([.file("b"), .zeros([2, 2]), .file("a")]), [6, 2], [7, 8, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]),
        (.rows(.reshaped(.file("a"), [6]), 2..<4), [2], [3, 4]),
    ])
    func makesTheTensor(recipe: TensorRecipe, shape: [Int], values: [Float]) throws {
        #expect(recipe.shape(in: Self.file) == shape)
        #expect(try recipe.floats(from: Self.file) == values)
    }

    /// What cannot be done leaves the tensor alone, so that the error shows the file's own shape.
    @Test(arguments: [
        (TensorRecipe.reshaped(.file("a"), [4]), [3, 2]), (.reshaped(.file("a"), [Int.max, 2]), [3, 2]),
        (.reshaped(.file("a"), [-1, -6]), [3, 2]), (.transposed(.file("a"), [0]), [3, 2]),
        (.transposed(.file("a"), [0, 0]), [3, 2]), (.transposed(.file("a"), [1, 2]), [3, 2]),
        (.rows(.file("a"), 2..<4), [3, 2]),
        (.rows(.file("scalar"), 0..<1), []),
        (.joined([.file("a"), .file("c")]), [3, 2]), (.joined([.file("scalar"), .file("scalar")]), []),
    ])
    func whatDoesNotApplyLeavesTheTensorAsItIs(recipe: TensorRecipe, shape: [Int]) throws {
        #expect(recipe.shape(in: Self.file) == shape)
        #expect(try recipe.floats(from: Self.file).count == shape.reduce(1, *))
    }

    @Test func aTensorThatIsNotThereHasNoShape() {
        #expect(TensorRecipe.joined([.file("a"), .file("z")]).shape(in: Self.file) == nil)
        #expect(TensorRecipe.rows(.file("z"), 0..<1).shape(in: Self.file) == nil)
        #expect(TensorRecipe.joined([.file("a"), .reshaped(.file("z"), [1])]).fileNames == ["a", "z"])
    }
}
