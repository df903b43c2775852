import Checkpoints
import DurableFiles
import SystemPackage
import TemporaryFolders
import Testing

struct CheckpointComparisonTests {
    private func compare(
        _ first: HeadFixture, _ second: HeadFixture, _ change: (inout CheckpointState) -> Void = { _ in }
    ) throws -> CheckpointComparison {
        try withTemporaryFolder { folder throws in
            var state = second.state(step: 1)
            change(&state)
            let one = try first.save(step: 1, in: CheckpointStore(runDirectory: folder.appending("one")))
            let two = try CheckpointStore(runDirectory: folder.appending("two")).save(
                state, channelMap: second.channelMap, classifier: second.classifier, bias: second.bias,
                optimizer: second.optimizer)
            return try CheckpointComparison(Checkpoint(reading: one), Checkpoint(reading: two))
        }
    }

    @Test func `equal checkpoints differ in nothing`() throws {
        let comparison = try compare(HeadFixture(), HeadFixture())
        #expect(comparison.isIdentical)
        #expect(comparison.provenance.isEmpty && comparison.configuration.isEmpty && comparison.metrics.isEmpty)
        #expect(comparison.channelMapDifference == 0 && comparison.classifierDifference == 0)
        #expect(comparison.channelMapAngle == 0)
    }

    @Test func `configuration, metrics and provenance are compared by key`() throws {
        let comparison = try compare(HeadFixture(), HeadFixture()) { state in
            state.step = 3
            state.configuration = "# another order\nhead: {list: [1, 3], pooling: argmax}\nrun: {seed: 7, name: x}\n"
            state.metrics["loss"] = 4.5
            state.metrics["tiny"] = nil
        }
        #expect(!comparison.isIdentical)
        #expect(comparison.provenance == [.init(name: "step", first: "1", second: "3")])
        #expect(
            comparison.configuration == [
                .init(name: "head.list.1", first: "2", second: "3"), .init(name: "run.name", first: nil, second: "x"),
            ])
        #expect(
            comparison.metrics == [
                .init(name: "loss", first: "5.0", second: "4.5"), .init(name: "tiny", first: "1e-09", second: nil),
            ])
    }

    @Test func `tensors are compared by their largest difference and the angle between the maps`() throws {
        var second = HeadFixture()
        second.classifier[7] += 0.25
        for index in second.channelMap.indices { second.channelMap[index] *= -1 }
        let comparison = try compare(HeadFixture(), second)
        #expect(comparison.classifierDifference.map { abs($0 - 0.25) < 1e-6 } == true)
        #expect(comparison.channelMapDifference == second.channelMap.map { abs(2 * $0) }.max())
        #expect(comparison.channelMapAngle.map { abs($0 - 180) < 0.1 } == true)
        let unrelated = try compare(HeadFixture(channelCount: 60, seed: 1), HeadFixture(channelCount: 60, seed: 2))
        #expect(unrelated.channelMapAngle.map { abs($0 - 90) < 15 } == true)
    }

    @Test func `biases are compared where both have one`() throws {
        var (first, second) = (HeadFixture(), HeadFixture())
        first.bias = [1, 2, 3, 4, 5]
        #expect(try compare(first, second).biasDifference == nil)
        #expect(try compare(first, second).hasBias == [true, false])
        second.bias = [1, 2, 2.5, 4, 5]
        #expect(try compare(first, second).biasDifference == 0.5)
    }

    @Test func `heads of other shapes have no tensor differences`() throws {
        let comparison = try compare(HeadFixture(channelCount: 12), HeadFixture(channelCount: 16))
        #expect(comparison.channelMapDifference == nil)
        #expect(comparison.classifierDifference == nil)
        #expect(comparison.channelMapAngle == nil)
    }

    @Test func `a configuration that is no YAML is compared by lines`() throws {
        let comparison = try compare(HeadFixture(), HeadFixture()) { $0.configuration = "a: [1\n" }
        #expect(comparison.configuration.contains { $0.name == "line 1" })
    }
}
