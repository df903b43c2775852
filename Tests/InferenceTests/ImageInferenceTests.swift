import Inference
import SmallModel
import Tensors
import Testing

@Suite struct ImageInferenceTests {
    private let team = WorkerTeam()

    @Test func aPathItsPixelsAndItsFeaturesGiveTheSameScores() throws {
        try withSmallModel { model in
            for sample in model.experiment.dataset.test.prefix(3) {
                let (pixels, fromPath) = try model.inference(
                    ofImageAt: model.experiment.dataset.path(of: sample), team: team)
                let fromPixels = try model.inference(of: pixels, team: team)
                let fromFeatures = try model.inference(of: fromPath.features, team: team)
                #expect(fromPath.logits == fromPixels.logits && fromPath.logits == fromFeatures.logits)
                #expect(
                    fromPath.ranking.first == fromPath.logits.indices.max { fromPath.logits[$0] < fromPath.logits[$1] })
                #expect(abs(fromPath.probabilities.reduce(0, +) - 1) < 1e-5)
            }
        }
    }
}
