import Attribution
import DisentangledHead
import Scorecard
import SeededNumbers
import Tensors
import Testing

@Suite struct WaysTests {
    private let channels = 12

    private func head() throws -> Head {
        var identity = [Float](repeating: 0, count: channels * channels)
        for index in 0..<channels { identity[index * (channels + 1)] = 1 }
        return try Head(
            channelMap: identity, classifier: normals(3 * channels, seed: 4).map { Float(abs($0)) },
            channelCount: channels, classCount: 3)
    }

    private func blackBox(epsilon: Double? = nil) throws -> MeanClassifier {
        MeanClassifier(
            try Classifier(
                weights: normals(3 * channels, seed: 5).map { Float($0) }, signs: .any, classCount: 3,
                channelCount: channels), normalisationEpsilon: epsilon)
    }

    @Test func allWaysAreThereUnlessTheClassifierForbidsOne() throws {
        let all = try Ways(head: head(), blackBox: blackBox(), blackBoxName: "test", seed: 0)
        #expect(
            all.ways.map(\.name) == [
                "places", "channels", "channels-top-5", "grad-cam", "cam", "random", "gaussian",
            ])
        #expect(all.refused.isEmpty)
        let normalised = try Ways(head: head(), blackBox: blackBox(epsilon: 1e-5), blackBoxName: "test", seed: 0)
        #expect(!normalised.ways.map(\.name).contains("cam") && normalised.refused.map(\.metric) == ["cam"])
        let none = try Ways(head: head(), blackBox: nil, blackBoxName: "none", seed: 0)
        #expect(none.refused.map(\.metric) == ["grad-cam", "cam"] && none.ways.count == 5)
    }

    @Test func aShuffledHeadIsOrthogonalAndHasTheSameWeightsElsewhere() throws {
        let (own, other) = (try head(), try Shuffling.head(try head(), seed: 7))
        #expect(other.orthogonalityError(team: WorkerTeam(workerCount: 1)) < 1e-5)
        #expect(other.channelMap.allSatisfy { abs($0) < 0.999 }, "each channel is a mixture")
        for label in 0..<3 {
            let (before, after) = (own.classifier.weights(of: label), other.classifier.weights(of: label))
            #expect(Array(before) != Array(after) && before.sorted() == after.sorted())
        }
        #expect(try Shuffling.head(own, seed: 7) == other)
        #expect(try Shuffling.head(own, seed: 8) != other)
    }

    @Test func cellsAreOrderedByValueAndEqualOnesTheSameWayForAllWays() throws {
        let ways = try Ways(head: head(), blackBox: nil, blackBoxName: "none", seed: 0)
        let map = PlaceMap(size: SpatialSize(2), values: [0, 5, 0, 0])
        let order = ways.order(of: map, sample: 3)
        #expect(order[0] == 1 && Set(order) == [0, 1, 2, 3])
        #expect(order == ways.order(of: PlaceMap(size: SpatialSize(2), values: [1, 9, 1, 1]), sample: 3))
        let first = (0..<20).map { ways.order(of: map, sample: $0)[1] }
        #expect(Set(first).count == 3, "equal cells have no favourite")
    }
}
