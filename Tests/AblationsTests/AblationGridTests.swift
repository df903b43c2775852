import Ablations
import Testing

@Suite struct AblationGridTests {
    private func axes(_ texts: String...) throws -> [AblationGrid.Axis] { try texts.map { try AblationGrid.Axis($0) } }

    @Test func allCombinationsAreTrainedInOrder() throws {
        let grid = try AblationGrid(
            axes("head.pooling=argmax|annealed", "training.epochs=2|4"), seeds: [0, 1], oneAtATime: false)
        #expect(
            grid.cells.map(\.label) == [
                "head.pooling=argmax, training.epochs=2", "head.pooling=argmax, training.epochs=4",
                "head.pooling=annealed, training.epochs=2", "head.pooling=annealed, training.epochs=4",
            ])
        #expect(Set(grid.cells.map(\.folder)).count == 4)
    }

    @Test func oneChangeAtATimeBeginsWithTheConfigurationItself() throws {
        let grid = try AblationGrid(
            axes("head.pooling=argmax|annealed", "head.temperature=[1.0, 0.1]"), seeds: [3], oneAtATime: true)
        #expect(
            grid.cells.map(\.label)
                == ["as configured", "head.pooling=argmax", "head.pooling=annealed", "head.temperature=[1.0, 0.1]"])
        #expect(grid.cells[0].folder == "as-configured")
        #expect(grid.cells[3].folder.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
        #expect(try AblationGrid([], seeds: [0], oneAtATime: false).cells.map(\.label) == ["as configured"])
    }

    @Test func aFolderDependsOnItsSettingsAlone() throws {
        let small = try AblationGrid(axes("head.pooling=annealed"), seeds: [0], oneAtATime: false)
        let large = try AblationGrid(axes("head.pooling=argmax|annealed"), seeds: [0, 1], oneAtATime: true)
        #expect(large.cells.map(\.folder).contains(small.cells[0].folder))
    }

    @Test(arguments: ["head.pooling", "=a", "head.pooling=", "head.pooling=a|", "head.pooling=a|a"])
    func anAxisThatIsNoneIsRefused(_ text: String) {
        #expect(throws: AblationError.badAxis(text)) { try AblationGrid.Axis(text) }
    }

    @Test func whatNoGridCanBeMadeOfIsRefused() throws {
        for key in ["cache.precision", "dataset.root", "run.seed", "backbone.name", "head.start"] {
            #expect(throws: AblationError.keyNotFree(key)) {
                try AblationGrid(axes("\(key)=1"), seeds: [0], oneAtATime: false)
            }
        }
        #expect(throws: AblationError.keyTwice("head.pooling")) {
            try AblationGrid(axes("head.pooling=a", "head.pooling=b"), seeds: [0], oneAtATime: false)
        }
        for seeds in [[], [1, 1], [-1]] {
            #expect(throws: AblationError.badSeeds(seeds)) { try AblationGrid([], seeds: seeds, oneAtATime: false) }
        }
        let values = (0..<200).map(String.init).joined(separator: "|")
        #expect(throws: AblationError.tooManyRuns(limit: 1000)) {
            try AblationGrid(
                (0..<20).map { try AblationGrid.Axis("head.key\($0)=\(values)") }, seeds: [0], oneAtATime: false)
        }
    }
}
