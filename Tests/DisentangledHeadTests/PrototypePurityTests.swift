import DisentangledHead
import Foundation
import SeededNumbers
import Tensors
import Testing

/// A channel map that is trained for pure prototypes beside a classifier that is kept.
@Suite struct PrototypePurityTests {
    private let team = WorkerTeam(workerCount: 2)
    private let imageCount = 6
    private let pixelCount = 5
    private let channelCount = 12
    private let classCount = 4
    private let labels = [0, 1, 2, 3, 0, 1]

    private var features: [Double] { normals(imageCount * pixelCount * channelCount, seed: 31) }

    private func teacher(epsilon: Float? = nil) throws -> DistillationTeacher {
        let classifier = try Classifier(
            weights: normals(classCount * channelCount, seed: 32).map { Float($0) }, bias: [0.5, -1, 0, 2], signs: .any,
            classCount: classCount, channelCount: channelCount)
        return DistillationTeacher(classifier, epsilon: epsilon)
    }

    /// The second channel has no prototypes, and the fifth image is nobody's.
    private var pairs: PrototypePairs {
        let lists = (0..<channelCount).map { $0 == 1 ? [] : [$0 % 4, 5] }
        return PrototypePairs(lists, countPerChannel: 3, imageCount: imageCount)
    }

    @Test func prototypesBecomeFewerInTenStages() {
        let schedule = PrototypePurity()
        let counts = (0..<20).map { schedule.prototypeCount(beginningWith: $0, of: 20) }
        #expect(counts.enumerated().allSatisfy { ($0.offset % 2 == 0) == ($0.element != nil) })
        #expect(counts.compactMap(\.self) == [100, 89, 79, 68, 58, 47, 37, 26, 16, 5])
        #expect((0..<3).map { schedule.prototypeCount(beginningWith: $0, of: 3) } == [100, 53, 5])
        #expect(schedule.prototypeCount(beginningWith: 0, of: 1) == 5)
        #expect((0..<30).compactMap { schedule.prototypeCount(beginningWith: $0, of: 30) }.count == 10)
        #expect((0..<7).compactMap { schedule.prototypeCount(beginningWith: $0, of: 7) }.count == 7)
    }

    @Test func pairsKnowTheChannelsOfASample() {
        let pairs = pairs
        #expect(pairs.channels(ofSample: 5) == [0] + Array(2..<channelCount))
        #expect(pairs.channels(ofSample: 1) == [5, 9] && pairs.channels(ofSample: 4) == [])
        #expect(pairs.pairCount == 22 && pairs.samples.count == 36)
    }

    @Test("dL/dU against central differences", arguments: [nil, 0.1 as Float])
    func gradient(epsilon: Float?) throws {
        var parameters = try HeadParameters<Double>(
            configuration: HeadConfiguration(prototypePurity: PrototypePurity()), channelCount: channelCount,
            classCount: classCount, seed: 1, classifier: .uniform, teacher: teacher(epsilon: epsilon))
        parameters.prototypes = pairs
        let generator = skew(randomMatrix(channelCount, scale: 0.5, seed: 33))
        try parameters.channelMap.setParameter(SquareMatrix.rotation(generator, team: team), team: team)
        func sum(_ parameters: HeadParameters<Double>) throws -> GradientSum<Double> {
            try features.withUnsafeBufferPointer {
                try parameters.gradient(
                    batch: FeatureBatch(
                        features: $0.baseAddress!, imageCount: imageCount, pixelCount: pixelCount,
                        channelCount: channelCount), labels: labels, sampleIDs: Array(0..<imageCount), team: team)
            }
        }
        let expected = try parameters.channelMap.differences { values in
            var moved = parameters
            try moved.channelMap.setParameter(SquareMatrix(size: channelCount, values: values), team: team)
            return try sum(moved).lossSum
        }
        let found = try sum(parameters)
        #expect(relativeDifference(try #require(found.channelMap).values, expected) < 1e-8)
        #expect(found.classifier.isEmpty && found.bias == nil)
        // Minus a mean of cosines, over as many images.
        #expect(found.lossSum < 0 && found.lossSum >= -Double(imageCount))
    }

    @Test("A head says what the classifier that it keeps says", arguments: [nil, 0.1 as Float])
    func sameLogits(epsilon: Float?) throws {
        var trainer = try HeadTrainer(
            configuration: HeadConfiguration(prototypePurity: PrototypePurity()), channelCount: channelCount,
            classCount: classCount, seed: 1, teacher: teacher(epsilon: epsilon))
        let features = Tensor(shape: [imageCount, pixelCount, channelCount], values: features.map { Float($0) })
        trainer.prototypes = pairs
        for _ in 0..<5 {
            let gradient = try trainer.gradient(
                features: features, labels: labels, sampleIDs: Array(0..<imageCount), team: team)
            try trainer.apply(gradient, learningRate: 0.05, team: team)
        }
        let head = trainer.head
        #expect(head.channelMap != SquareMatrix<Float>(identity: channelCount).values)
        let expected = try #require(try trainer.teacherLogits(features: features, team: team))
        let forward = try head.forward(features, team: team)
        #expect(zip(forward.logits, expected).allSatisfy { abs($0 - $1) < 1e-5 * max(1, abs($1)) })
        // Each logit is the sum of its channels, whose sides are the means of both signs of the activations.
        let activations = try head.activations(features, team: team).values
        for image in 0..<imageCount {
            for label in 0..<classCount {
                let sum = (0..<channelCount).reduce(head.classifier.offset(of: label)) {
                    $0 + head.contribution(of: $1, to: label, pooled: forward.pooled, image: image)
                }
                #expect(abs(sum - forward.logits[image * classCount + label]) < 1e-4)
            }
            for channel in 0..<channelCount {
                let values = (0..<pixelCount).map { activations[(image * pixelCount + $0) * channelCount + channel] }
                let positive = values.reduce(0) { $0 + max(0, $1) } / Float(pixelCount)
                let negative = values.reduce(0) { $0 + min(0, $1) } / Float(pixelCount)
                #expect(abs(forward.pooled.positiveActivation(of: channel, image: image) - positive) < 1e-5)
                #expect(abs(forward.pooled.negativeActivation(of: channel, image: image) - negative) < 1e-5)
                #expect(forward.pooled.maxima[image * channelCount + channel] == values.max())
            }
        }
        // An image alone has the bits that it has in a batch.
        let alone = try head.forward(
            Tensor(
                shape: [1, pixelCount, channelCount], values: Array(features.values.suffix(pixelCount * channelCount))),
            team: WorkerTeam(workerCount: 1))
        #expect(alone.logits == Array(forward.logits.suffix(classCount)))
    }

    @Test func aStateGoesOnBitForBitAndAnotherIsRefused() throws {
        let features = Tensor(shape: [imageCount, pixelCount, channelCount], values: features.map { Float($0) })
        func step(_ trainer: inout HeadTrainer) throws {
            let gradient = try trainer.gradient(
                features: features, labels: labels, sampleIDs: Array(0..<imageCount), team: team)
            try trainer.apply(gradient, learningRate: 0.05, team: team)
        }
        var trainer = try HeadTrainer(
            configuration: HeadConfiguration(prototypePurity: PrototypePurity()), channelCount: channelCount,
            classCount: classCount, seed: 1, teacher: teacher(epsilon: 0.1))
        #expect(throws: HeadError.self) { try step(&trainer) }
        trainer.prototypes = pairs
        try step(&trainer)
        let state = trainer.state
        #expect(!state.optimizer.contains { $0.name.hasPrefix("classifier") })
        var restored = try HeadTrainer(configuration: trainer.configuration, seed: 1, restoring: state)
        #expect(restored.prototypes == pairs)
        try step(&trainer)
        try step(&restored)
        #expect(restored.state == trainer.state)
        #expect(throws: HeadError.self) {
            try HeadTrainer(configuration: HeadConfiguration(hasBias: true), seed: 1, restoring: state)
        }
        let bad = state.optimizer.map {
            $0.name == "prototypes.samples"
                ? NamedTensor(name: $0.name, shape: $0.shape, values: $0.values.map { $0 + 0.5 }) : $0
        }
        #expect(throws: HeadError.self) {
            try HeadTrainer(
                configuration: trainer.configuration, seed: 1,
                restoring: HeadTrainerState(step: 1, head: state.head, optimizer: bad))
        }
    }

    @Test func onlyALinearClassifierIsKept() throws {
        let configuration = HeadConfiguration(prototypePurity: PrototypePurity())
        #expect(throws: HeadError.self) {
            try HeadTrainer(configuration: configuration, channelCount: channelCount, classCount: classCount, seed: 1)
        }
        let head = try Head(
            channelMap: SquareMatrix<Float>(identity: channelCount).values,
            classifier: [Float](repeating: 1, count: classCount * channelCount), channelCount: channelCount,
            classCount: classCount)
        #expect(throws: HeadError.self) {
            try HeadTrainer(
                configuration: configuration, channelCount: channelCount, classCount: classCount, seed: 1,
                teacher: .head(head))
        }
        #expect(throws: HeadError.self) {
            try HeadConfiguration(hasBias: true, prototypePurity: PrototypePurity()).validate()
        }
    }
}
