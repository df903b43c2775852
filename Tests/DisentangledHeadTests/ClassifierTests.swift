import DisentangledHead
import SeededNumbers
import Testing

@Suite("Classifier")
struct ClassifierTests {
    private let classes = 4
    private let channels = 13
    private let images = 6

    private func classifier(
        bias: Bool = false, standardised: Bool = false, mask: [Bool]? = nil
    ) throws -> Classifier {
        var weights = normals(classes * channels, seed: 70).map { Float($0) }
        if let mask { for index in weights.indices where !mask[index] { weights[index] = 0 } }
        return try Classifier(
            weights: weights, bias: bias ? [1, -2, 0.5, 3] : nil,
            standardisation: standardised
                ? .init(
                    mean: normals(channels, seed: 71).map { Float($0) },
                    deviation: normals(channels, seed: 72).map { Float(0.5 + abs($0)) }) : nil,
            mask: mask, signs: .any, classCount: classes, channelCount: channels)
    }

    @Test("A logit is the sum of its channels' contributions and its offset", arguments: [0, 1, 2, 3])
    func contributions(kind: Int) throws {
        let classifier = try classifier(bias: kind & 1 != 0, standardised: kind & 2 != 0)
        let pooled = normals(images * channels, seed: 73).map { Float($0) }
        let logits = try classifier.logits(ofPooled: pooled, imageCount: images, team: three)
        for image in 0..<images {
            for label in 0..<classes {
                let sum = (0..<channels).reduce(Double(classifier.offset(of: label))) {
                    $0 + Double(classifier.contribution(of: $1, to: label, pooled: pooled[image * channels + $1]))
                }
                #expect(abs(sum - Double(logits[image * classes + label])) < 1e-5)
            }
        }
    }

    @Test("Folding a standardisation into weights and bias changes no logit", arguments: [false, true])
    func folding(bias: Bool) throws {
        let standardised = try classifier(bias: bias, standardised: true)
        let folded = standardised.foldingStandardisation()
        #expect(folded.standardisation == nil && folded.bias != nil)
        let pooled = normals(images * channels, seed: 74).map { Float($0) }
        let expected = try standardised.logits(ofPooled: pooled, imageCount: images, team: alone)
        let found = try folded.logits(ofPooled: pooled, imageCount: images, team: alone)
        #expect(relativeDifference(found, expected.map(Double.init)) < 1e-6)
        let plain = try classifier(bias: bias)
        #expect(plain.foldingStandardisation() == plain)
    }

    @Test(
        "Brought to its column minimum a signed classifier is non-negative and tells the same", arguments: [0, 1, 2, 3])
    func gauge(kind: Int) throws {
        let signed = try classifier(bias: kind & 1 != 0, standardised: kind & 2 != 0)
        let found = try signed.broughtToColumnMinimum()
        #expect(found.signs == .nonNegative && found.standardisation == nil)
        #expect(found.bias == signed.foldingStandardisation().bias)
        for channel in 0..<channels {
            #expect((0..<classes).map { found.weight(of: channel, for: $0) }.min() == 0)
        }
        #expect(try found.broughtToColumnMinimum() == found)
        let pooled = normals(images * channels, seed: 75).map { Float($0) }
        let expected = try signed.logits(ofPooled: pooled, imageCount: images, team: alone)
        let logits = try found.logits(ofPooled: pooled, imageCount: images, team: alone)
        for image in 0..<images {
            let shift = logits[image * classes] - expected[image * classes]
            #expect(abs(shift) > 0.01, "the start is another one")
            for label in 1..<classes {
                #expect(abs(logits[image * classes + label] - expected[image * classes + label] - shift) < 1e-4)
            }
            for channel in 0..<channels {
                let contributions = (0..<classes).map {
                    found.contribution(of: channel, to: $0, pooled: pooled[image * channels + channel])
                }
                #expect(contributions.contains(0), "relative to the class that uses the channel least")
            }
        }
    }

    @Test("With a mask that leaves no class out of a channel with negative weights, too; with another it is refused")
    func gaugeOfAMask() throws {
        // Channel 0 has all classes, channel 1 only class 1.
        let mask = [true, false, true, true]
        let masked = try Classifier(weights: [-1, 0, 2, 3], mask: mask, signs: .any, classCount: 2, channelCount: 2)
        let found = try masked.broughtToColumnMinimum()
        #expect(found.weights == [0, 0, 3, 3] && found.mask == mask)
        let negative = try Classifier(weights: [1, 0, 2, -3], mask: mask, signs: .any, classCount: 2, channelCount: 2)
        let error = #expect(throws: HeadError.self) { try negative.broughtToColumnMinimum() }
        guard case .invalidSetting("classifier_mask", let value, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(value == "without some class of channel 1, of which class 1 has the weight -3.0")
    }

    @Test("Weights further apart than numbers go are refused")
    func gaugeOverflow() throws {
        let far = try Classifier(weights: [3e38, 1, -3e38, 2], signs: .any, classCount: 2, channelCount: 2)
        #expect(throws: HeadError.notFinite(tensor: "classifier", step: nil)) { try far.broughtToColumnMinimum() }
    }

    @Test("A mask leaves exact zeros")
    func mask() throws {
        let mask = (0..<classes * channels).map { $0 % 3 == 0 }
        let classifier = try classifier(mask: mask)
        #expect(classifier.weights.indices.allSatisfy { mask[$0] || classifier.weights[$0] == 0 })
        #expect(
            classifier.weights(of: 1).count == channels && classifier.weight(of: 2, for: 1) == classifier.weights[15])
    }

    @Test("What is not a classifier is refused")
    func malformed() throws {
        func make(
            _ weights: [Float], bias: [Float]? = nil, standardisation: Classifier.Standardisation? = nil,
            mask: [Bool]? = nil, signs: Classifier.Signs = .any
        ) throws {
            _ = try Classifier(
                weights: weights, bias: bias, standardisation: standardisation, mask: mask, signs: signs, classCount: 2,
                channelCount: 2)
        }
        try make([1, -2, 3, 4], bias: [0, 1])
        #expect(throws: HeadError.shapeMismatch(tensor: "classifier", expected: [2, 2], found: [3])) {
            try make([1, 2, 3])
        }
        #expect(throws: HeadError.shapeMismatch(tensor: "classifier_bias", expected: [2], found: [1])) {
            try make([1, 2, 3, 4], bias: [1])
        }
        #expect(throws: HeadError.notFinite(tensor: "classifier_bias", step: nil)) {
            try make([1, 2, 3, 4], bias: [1, .nan])
        }
        #expect(throws: HeadError.negativeClassifier(row: 0, column: 1, value: -2)) {
            try make([1, -2, 3, 4], signs: .nonNegative)
        }
        #expect(throws: HeadError.self) {
            try make([1, 2, 3, 4], standardisation: .init(mean: [0, 0], deviation: [1, 0]))
        }
        #expect(throws: HeadError.self) { try make([1, 2, 3, 4], mask: [true, true, false, true]) }
        #expect(throws: HeadError.self) { try make([1, 2, 3, 4], mask: [true]) }
    }
}
