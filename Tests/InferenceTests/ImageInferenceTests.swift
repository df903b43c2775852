import Backbones
import FeatureCache
import Inference
import SmallModel
import TemporaryFolders
import Tensors
import Testing

@Suite struct ImageInferenceTests {
    private let team = WorkerTeam()

    @Test(arguments: CachePrecision.allCases) func anImageHasTheFeaturesThatTheCacheHasOfIt(
        precision: CachePrecision
    ) throws {
        try withTemporaryFolder { folder throws in
            var run = try SmallRun(in: folder, trainPerClass: 2, testPerClass: 1)
            run.configuration.cache.precision = precision
            let (cache, experiment) = (try run.cache(), try run.experiment())
            let workspace = experiment.backbone.makeWorkspace()
            #expect(cache.identity.precision == precision && cache.samples.count == 9)
            for number in cache.samples.indices {
                let features = experiment.features(
                    of: try experiment.pixels(ofSample: number), workspace: workspace)
                #expect(features.values == (try cache.features(of: [number])))
            }
        }
    }

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
