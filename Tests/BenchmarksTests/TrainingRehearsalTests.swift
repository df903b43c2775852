import Benchmarks
import Tensors
import Testing

@Suite struct TrainingRehearsalTests {
    private static let shape = TrainingRehearsal.Shape(
        channelCount: 3, classCount: 2, pixelCount: 4, samplesPerShard: 5, logicalShards: 1)

    @Test func featuresHaveTheZerosOfTheMapsInTurnAndTurned() {
        let maps = [0, 1].map { first in
            Tensor(shape: [1, 2, 2, 3], values: (0..<12).map { ($0 + first) % 4 == 0 ? 0 : -1 })
        }
        let features = TrainingRehearsal.randomFeatures(Self.shape, sampleCount: 5, zerosOf: maps)
        #expect(features.shape == [5, 4, 3])
        for (index, feature) in features.values.enumerated() {
            let (sample, place) = index.quotientAndRemainder(dividingBy: 12)
            let turned = place / 3 * 3 + (place % 3 + 17 * sample) % 3
            #expect((feature == 0) == (maps[sample % 2].values[turned] == 0))
            #expect((0..<1).contains(feature))
        }
        let all = TrainingRehearsal.randomFeatures(Self.shape, sampleCount: 5)
        #expect(all.values.allSatisfy { $0 > 0 })
        #expect(zip(features.values, all.values).allSatisfy { $0 == 0 || $0 == $1 }, "the same numbers otherwise")
    }
}
