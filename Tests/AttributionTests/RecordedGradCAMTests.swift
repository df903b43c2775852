import Attribution
import DisentangledHead
import Foundation
import Tensors
import Testing

/// The maps of pytorch-grad-cam (`Tests/ExplanationMetricsTests/Reference/record.py`), before it scales them.
@Suite struct RecordedGradCAMTests {
    private struct Recorded: Decodable {
        struct Maps: Decodable { let plain, normalised: [[Float]] }
        let shape: [Int]
        let features, weights, biases: [Float]
        let maps: Maps
    }

    @Test func theClosedFormIsTheGradient() throws {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/grad-cam.json", withExtension: nil))
        let recorded = try JSONDecoder().decode(Recorded.self, from: Data(contentsOf: url))
        let classifier = try Classifier(
            weights: recorded.weights, bias: recorded.biases, signs: .any, classCount: 3, channelCount: 5)
        let features = Tensor(shape: [1] + recorded.shape, values: recorded.features)
        for (epsilon, expected) in [(nil, recorded.maps.plain), (1e-5, recorded.maps.normalised)] {
            let maps = try GradCAM(MeanClassifier(classifier, normalisationEpsilon: epsilon)).maps(
                of: features, sample: 0, for: [0, 1, 2], team: WorkerTeam(workerCount: 1))
            for (map, values) in zip(maps, expected) {
                for (own, value) in zip(map.values, values) { #expect(abs(own - value) < 1e-5) }
            }
        }
    }
}
