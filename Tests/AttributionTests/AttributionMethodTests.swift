import Attribution
import DisentangledHead
import SeededNumbers
import Tensors
import Testing

@Suite struct AttributionMethodTests {
    /// Two channels on a map of 2 x 2, U = I.
    private let features = Tensor(
        shape: [1, 2, 2, 2],
        values: [
            1, -3,
            4, 0,
            -2, 2,
            0.5, 1,
        ])

    private func head(_ weights: [Float]) throws -> Head {
        try Head(channelMap: [1, 0, 0, 1], classifier: weights, channelCount: 2, classCount: weights.count / 2)
    }

    @Test func channelsContributeWhereTheyWin() throws {
        let method = ChannelAttribution(try head([10, 1, 0, 2]))
        // Channel 0: 4 at pixel 1, -2 at pixel 2; channel 1: 2 at pixel 2, -3 at pixel 0.
        let first = try method.map(of: features, sample: 0, for: 0, team: alone)
        #expect(first == PlaceMap(size: SpatialSize(2), values: [-3, 40, -20 + 2, 0]))
        let second = try method.map(of: features, sample: 0, for: 1, team: alone)
        #expect(second.values == [-6, 0, 4, 0])
        #expect(second[MapPosition(row: 1, column: 0)] == 4)
    }

    @Test func eachSideContributesWithItsOwnWeight() throws {
        func map(_ weights: [Float], _ sides: ChannelSides) throws -> [Float] {
            let classifier = try Classifier(weights: weights, classCount: 1, channelCount: weights.count)
            let head = try Head(channelMap: [1, 0, 0, 1], classifier: classifier, sides: sides)
            return try ChannelAttribution(head).map(of: features, sample: 0, for: 0, team: alone).values
        }
        // Channel 0: 4 at pixel 1, -2 at pixel 2; channel 1: 2 at pixel 2, -3 at pixel 0.
        #expect(try map([10, 1, 5, 2], .untied) == [-6, 40, -10 + 2, 0])
        #expect(try map([10, 1], .positive) == [0, 40, 2, 0])
    }

    @Test func theMapOfChannelsAddsUpToTheLogit() throws {
        let channels = 24
        let tensor = normalTensor([1, 5, 7, channels], seed: 3)
        var map = [Float](repeating: 0, count: channels * channels)
        for index in 0..<channels { map[index * channels + (index + 5) % channels] = index % 2 == 0 ? 1 : -1 }
        let head = try Head(
            channelMap: map, classifier: normals(3 * channels, seed: 4).map { Float(abs($0)) }, channelCount: channels,
            classCount: 3)
        let logits = try head.forward(tensor, team: three).logits
        for label in 0..<3 {
            let values = try ChannelAttribution(head).map(of: tensor, sample: 0, for: label, team: three).values
            #expect(abs(values.reduce(0, +) - logits[label]) < 1e-4 * abs(logits[label]))
        }
    }

    @Test func gradCAMWeighsFeaturesByTheClassifier() throws {
        let classifier = try Classifier(
            weights: [1, 2, -1, 0.5], bias: [7, 8], signs: .any, classCount: 2, channelCount: 2)
        let method = GradCAM(classifier)
        // (1 - 6) / 4, (4 + 0) / 4, (-2 + 4) / 4, (0.5 + 2) / 4, negative ones cut off.
        #expect(try method.map(of: features, sample: 0, for: 0, team: alone).values == [0, 1, 0.5, 0.625])
        #expect(try method.map(of: features, sample: 0, for: 1, team: alone).values == [0, 0, 0.75, 0])
    }

    @Test func gradCAMFoldsAStandardisation() throws {
        let standardised = try Classifier(
            weights: [2, 1], standardisation: .init(mean: [5, 5], deviation: [2, 0.5]), signs: .any, classCount: 1,
            channelCount: 2)
        let plain = try Classifier(weights: [1, 2], signs: .any, classCount: 1, channelCount: 2)
        let maps = try [standardised, plain].map { try GradCAM($0).map(of: features, sample: 0, for: 0, team: alone) }
        #expect(maps[0] == maps[1])
    }

    @Test func randomMapsDependOnSeedImageAndClassAlone() throws {
        func values(seed: UInt64, sample: Int, label: Int) throws -> [Float] {
            try RandomAttribution(seed: seed, channelCount: 2)
                .map(of: features, sample: sample, for: label, team: three).values
        }
        let first = try values(seed: 1, sample: 2, label: 0)
        #expect(try values(seed: 1, sample: 2, label: 0) == first)
        for (seed, sample, label) in [(2, 2, 0), (1, 3, 0), (1, 2, 1)] {
            #expect(try values(seed: UInt64(seed), sample: sample, label: label) != first)
        }
        #expect(first.allSatisfy { (0..<1).contains($0) })
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let methods: [any AttributionMethod] = [
            ChannelAttribution(try head([1, 1])),
            GradCAM(try Classifier(weights: [1, 1], classCount: 1, channelCount: 2)),
            RandomAttribution(seed: 0, channelCount: 2),
        ]
        for method in methods {
            for shape in [[1, 2, 2, 3], [2, 2, 2, 2], [4, 2]] {
                #expect(throws: HeadError.self, "\(method.name), \(shape)") {
                    try method.map(of: Tensor(zeros: shape), sample: 0, for: 0, team: alone)
                }
            }
        }
        for method in methods.prefix(2) {
            #expect(throws: HeadError.labelOutOfRange(label: 1, classCount: 1)) {
                try method.map(of: features, sample: 0, for: 1, team: alone)
            }
        }
    }
}
