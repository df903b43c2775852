import DisentangledHead
import Foundation
import LinearProbing
import SeededNumbers
import Tensors
import Testing

/// What Reference/record_probe.py wrote.
private struct RecordedProbe: Decodable {
    let features: [Float]
    let labels: [Int]
    let channelCount, classCount: Int
    let strength: Double
    let weights, bias: [Double]
}

@Suite("Linear probe")
struct LinearProbeTests {
    @Test("At convergence it is PyTorch's logistic regression")
    func reference() throws {
        let url = Bundle.module.resourceURL!.appendingPathComponent("Fixtures/probe.json")
        let recorded = try JSONDecoder().decode(RecordedProbe.self, from: Data(contentsOf: url))
        let features = Tensor(shape: [recorded.labels.count, recorded.channelCount], values: recorded.features)
        let probe = try LinearProbe.fit(
            features: features, labels: recorded.labels, classCount: recorded.classCount,
            strengths: [recorded.strength], team: three)
        #expect(relativeDifference(probe.classifier.weights, recorded.weights) < 1e-4)
        #expect(relativeDifference(probe.classifier.bias ?? [], recorded.bias) < 1e-4)
    }

    private func clusters(_ count: Int, spread: Double, seed: UInt64) -> (features: Tensor, labels: [Int]) {
        let labels = (0..<count).map { $0 % 5 }
        let centres = normals(5 * 12, seed: 90).map { 3 * $0 }
        let noise = normals(count * 12, seed: seed)
        let values = (0..<count * 12).map { Float(centres[labels[$0 / 12] * 12 + $0 % 12] + spread * noise[$0]) }
        return (Tensor(shape: [count, 12], values: values), labels)
    }

    @Test("It separates what can be separated, and generalises")
    func separable() throws {
        let train = clusters(200, spread: 0.5, seed: 91)
        let test = clusters(100, spread: 0.5, seed: 92)
        let probe = try LinearProbe.fit(features: train.features, labels: train.labels, classCount: 5, team: three)
        let (fitted, predicted) = (
            try probe.predict(train.features, team: alone), try probe.predict(test.features, team: alone)
        )
        #expect(fitted == train.labels)
        #expect(predicted == test.labels)
        #expect(LinearProbe.defaultStrengths.contains(probe.regularisation))
    }

    @Test("One and three workers give the same bits; a constant feature does no harm")
    func workers() throws {
        var data = clusters(60, spread: 4, seed: 93)
        for row in 0..<60 { data.features.values[row * 12 + 3] = 7 }
        let first = try LinearProbe.fit(features: data.features, labels: data.labels, classCount: 5, team: alone)
        let second = try LinearProbe.fit(features: data.features, labels: data.labels, classCount: 5, team: three)
        #expect(first == second)
        #expect(first.classifier.weights.allSatisfy { $0.isFinite })
    }

    @Test("Noise asks for more regularisation than signal")
    func strengths() throws {
        let noise = normalTensor([100, 60], seed: 94)
        let labels = randomLabels(100, classCount: 2, seed: 95)
        let probe = try LinearProbe.fit(
            features: noise, labels: labels, classCount: 2, strengths: [1e-6, 100], team: alone)
        let unregularised = try LinearProbe.fit(
            features: noise, labels: labels, classCount: 2, strengths: [1e-6], team: alone)
        func norm(_ probe: LinearProbe) -> Float { probe.classifier.weights.reduce(0) { $0 + $1 * $1 } }
        #expect(norm(unregularised) > 0)
        if probe.regularisation == 100 { #expect(norm(probe) < norm(unregularised) / 100) }
    }

    @Test("Inputs that do not fit are errors")
    func badInputs() {
        func fit(_ features: Tensor, _ labels: [Int], strengths: [Double] = [0.1]) throws {
            _ = try LinearProbe.fit(
                features: features, labels: labels, classCount: 2, strengths: strengths, team: alone)
        }
        #expect(throws: HeadError.shapeMismatch(tensor: "features", expected: [3, 2], found: [2, 2])) {
            try fit(Tensor(zeros: [2, 2]), [0, 1, 1])
        }
        #expect(throws: HeadError.labelOutOfRange(label: -1, classCount: 2)) {
            try fit(Tensor(zeros: [2, 2]), [0, -1])
        }
        #expect(throws: HeadError.tooFewSamples(count: 1, needed: 2)) { try fit(Tensor(zeros: [1, 2]), [0]) }
        #expect(throws: HeadError.notFinite(tensor: "features", step: nil)) {
            try fit(Tensor(shape: [2, 1], values: [1, .nan]), [0, 1])
        }
        #expect(throws: HeadError.self) { try fit(Tensor(zeros: [2, 2]), [0, 1], strengths: []) }
        #expect(throws: HeadError.self) { try fit(Tensor(zeros: [2, 2]), [0, 1], strengths: [-1]) }
    }
}
