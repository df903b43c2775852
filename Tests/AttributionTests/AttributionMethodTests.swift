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

    @Test func contributionsAreWhereChannelsWin() throws {
        let method = PlaceAttribution(try head([10, 1, 0, 2]))
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
            return try PlaceAttribution(head).map(of: features, sample: 0, for: 0, team: alone).values
        }
        // Channel 0: 4 at pixel 1, -2 at pixel 2; channel 1: 2 at pixel 2, -3 at pixel 0.
        #expect(try map([10, 1, 5, 2], .untied) == [-6, 40, -10 + 2, 0])
        #expect(try map([10, 1], .positive) == [0, 40, 2, 0])
    }

    @Test func theMapOfPlacesAddsUpToTheLogit() throws {
        let channels = 24
        let tensor = normalTensor([1, 5, 7, channels], seed: 3)
        var map = [Float](repeating: 0, count: channels * channels)
        for index in 0..<channels { map[index * channels + (index + 5) % channels] = index % 2 == 0 ? 1 : -1 }
        let head = try Head(
            channelMap: map, classifier: normals(3 * channels, seed: 4).map { Float(abs($0)) }, channelCount: channels,
            classCount: 3)
        let logits = try head.forward(tensor, team: three).logits
        for label in 0..<3 {
            let values = try PlaceAttribution(head).map(of: tensor, sample: 0, for: label, team: three).values
            #expect(abs(values.reduce(0, +) - logits[label]) < 1e-4 * abs(logits[label]))
        }
    }

    @Test func heatMapsOfChannelsLieOverOneAnother() throws {
        let all = try ChannelAttribution(try head([10, 1, 0, 2]))
        // 10 J_p0 + J_p1, and 2 J_p1.
        #expect(try all.map(of: features, sample: 0, for: 0, team: alone).values == [7, 40, -18, 6])
        #expect(try all.maps(of: features, sample: 0, for: [1, 0], team: alone)[0].values == [-6, 0, 4, 2])
        // Contributions 10 (4 - 2) = 20 and 2 - 3 = -1: the first channel alone.
        let one = try ChannelAttribution(try head([10, 1, 0, 2]), count: 1)
        #expect(one.name == "channels-top-1")
        // The channel that speaks for the class, its positive side alone; any other map is its only part.
        let parts = try all.components(of: features, sample: 0, for: 0, team: alone)
        #expect(parts.map(\.values) == [[10, 40, 0, 5]])
        let places = PlaceAttribution(try head([10, 1, 0, 2]))
        #expect(
            try places.components(of: features, sample: 0, for: 0, team: alone)
                == places.maps(of: features, sample: 0, for: [0], team: alone))
        #expect(try one.map(of: features, sample: 0, for: 0, team: alone).values == [10, 40, -20, 5])
        #expect(throws: AttributionError.noSuchCount(method: "channels-top-3", count: 3, channelCount: 2)) {
            try ChannelAttribution(try head([1, 1]), count: 3)
        }
    }

    @Test func channelsThatDoNotCountInAnImageDoNotShow() throws {
        let classifier = try Classifier(weights: [10, 1, 0, 2], classCount: 2, channelCount: 2)
        let head = try Head(channelMap: [1, 0, 0, 1], classifier: classifier, channelsPerImage: 1)
        let pooled = try head.pooledActivations(features, team: alone)
        let shown = (0..<2).filter { pooled.values[$0] != 0 }
        #expect(shown == [0], "4 - 2 with weights up to 10 moves logits more than 2 - 3 with weights up to 2")
        let map = try ChannelAttribution(head).map(of: features, sample: 0, for: 0, team: alone)
        #expect(map.values == [10, 40, -20, 5])
        #expect(try PlaceAttribution(head).map(of: features, sample: 0, for: 0, team: alone).values == [0, 40, -20, 0])
    }

    @Test func aHeatMapHasTheWeightOfItsSide() throws {
        let classifier = try Classifier(weights: [10, 1, 5, 2], classCount: 1, channelCount: 4)
        let head = try Head(channelMap: [1, 0, 0, 1], classifier: classifier, sides: .untied)
        let map = try ChannelAttribution(head).map(of: features, sample: 0, for: 0, team: alone)
        // 10 - 6, 40, -10 + 2, 5 + 1.
        let expected: [Float] = [4, 40, -8, 6]
        #expect(map.values == expected)
    }

    @Test func gradCAMWeighsFeaturesByTheClassifier() throws {
        let classifier = try Classifier(
            weights: [1, 2, -1, 0.5], bias: [7, 8], signs: .any, classCount: 2, channelCount: 2)
        let method = GradCAM(MeanClassifier(classifier))
        // (1 - 6) / 4, (4 + 0) / 4, (-2 + 4) / 4, (0.5 + 2) / 4, negative ones cut off.
        #expect(try method.map(of: features, sample: 0, for: 0, team: alone).values == [0, 1, 0.5, 0.625])
        #expect(try method.map(of: features, sample: 0, for: 1, team: alone).values == [0, 0, 0.75, 0])
    }

    @Test func gradCAMFoldsAStandardisation() throws {
        let standardised = try Classifier(
            weights: [2, 1], standardisation: .init(mean: [5, 5], deviation: [2, 0.5]), signs: .any, classCount: 1,
            channelCount: 2)
        let plain = try Classifier(weights: [1, 2], signs: .any, classCount: 1, channelCount: 2)
        let maps = try [standardised, plain].map {
            try GradCAM(MeanClassifier($0)).map(of: features, sample: 0, for: 0, team: alone)
        }
        #expect(maps[0] == maps[1])
    }

    @Test func aClassActivationMapIsSignedAndAddsUpToTheLogit() throws {
        let classifier = MeanClassifier(
            try Classifier(weights: [1, 2, -1, 0.5], bias: [7, 8], signs: .any, classCount: 2, channelCount: 2))
        let method = try ClassActivationMap(classifier)
        let maps = try method.maps(of: features, sample: 0, for: [0, 1], team: alone)
        #expect(maps[0].values == [-1.25, 1, 0.5, 0.625])
        // The mean is (0.875, 0).
        #expect(classifier.logits(ofMean: [0.875, 0]) == [7.875, 7.125])
        let sums = maps.map { $0.values.reduce(0, +) }
        #expect(sums == [0.875, -0.875])
    }

    @Test func gradCAMBehindALayerNormalisationTakesItsGradient() throws {
        let channels = 6
        let tensor = normalTensor([1, 2, 3, channels], seed: 8)
        let weights = normals(channels, seed: 9).map { Float($0) }
        let classifier = MeanClassifier(
            try Classifier(weights: weights, signs: .any, classCount: 1, channelCount: channels),
            normalisationEpsilon: 1e-5)
        let map = try GradCAM(classifier).map(of: tensor, sample: 0, for: 0, team: alone)
        let mean = (0..<channels).map { channel -> Double in
            let values = (0..<6).map { Double(tensor.values[$0 * channels + channel]) }
            return values.reduce(0, +) / 6
        }
        // Central differences of the logit with respect to one pixel's channels, which are a sixth of those of the mean.
        let gradient = (0..<channels).map { channel in
            let values = [1e-5, -1e-5].map { step in
                var moved = mean
                moved[channel] += step
                return classifier.logits(ofMean: moved)[0]
            }
            return (values[0] - values[1]) / 2e-5 / 6
        }
        for pixel in 0..<6 {
            let terms = (0..<channels).map { gradient[$0] * Double(tensor.values[pixel * channels + $0]) }
            let expected: Double = max(0, terms.reduce(0, +))
            let difference = abs(Double(map.values[pixel]) - expected)
            #expect(difference < 1e-5)
        }
        #expect(throws: AttributionError.self) { try ClassActivationMap(classifier) }
    }

    @Test func theGaussianIsInTheMiddleOfAnyMap() throws {
        let values = try GaussianAttribution(channelCount: 2).map(of: features, sample: 0, for: 5, team: alone).values
        // Cells at one standard deviation along both axes: exp(-1).
        #expect(values.allSatisfy { abs($0 - 0.36787944) < 1e-7 })
        let wide = try GaussianAttribution(channelCount: 1)
            .map(of: Tensor(zeros: [1, 3, 5, 1]), sample: 0, for: 0, team: alone).values
        #expect(wide.firstIndex(of: wide.max()!) == 7 && wide[7] == 1 && wide[0] == wide[14])
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
            PlaceAttribution(try head([1, 1])), try ChannelAttribution(try head([1, 1])),
            GradCAM(MeanClassifier(try Classifier(weights: [1, 1], classCount: 1, channelCount: 2))),
            try ClassActivationMap(MeanClassifier(try Classifier(weights: [1, 1], classCount: 1, channelCount: 2))),
            RandomAttribution(seed: 0, channelCount: 2), GaussianAttribution(channelCount: 2),
        ]
        for method in methods {
            for shape in [[1, 2, 2, 3], [2, 2, 2, 2], [4, 2]] {
                #expect(throws: HeadError.self, "\(method.name), \(shape)") {
                    try method.map(of: Tensor(zeros: shape), sample: 0, for: 0, team: alone)
                }
            }
        }
        for method in methods.prefix(4) {
            #expect(throws: HeadError.labelOutOfRange(label: 1, classCount: 1)) {
                try method.map(of: features, sample: 0, for: 1, team: alone)
            }
        }
    }
}
