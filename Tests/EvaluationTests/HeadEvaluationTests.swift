import Datasets
import Evaluation
import FeatureCache
import Inference
import SmallModel
import TemporaryFolders
import Tensors
import Testing

@Suite struct HeadEvaluationTests {
    private let team = WorkerTeam()

    /// What is counted, what is listed and what an image by itself gets agree.
    @Test func countsPredictionsAndSingleImagesAgree() throws {
        try withTemporaryFolder { folder in
            let small = try SmallRun(in: folder)
            try small.train()
            let model = try TrainedModel(small.configuration.run.directory)
            let cache = try small.cache()
            for split in Split.allCases {
                let score = try HeadEvaluation.score(model.head, cache: cache, split: split, team: team)
                let predictions = try HeadEvaluation.predictions(model.head, cache: cache, split: split, team: team)
                let samples = model.experiment.dataset.samples(split)
                #expect(score.sampleCount == samples.count)
                #expect(predictions.map(\.path) == samples.map(\.path))
                #expect(predictions.map(\.label) == samples.map(\.label))
                #expect(score.top1Count == predictions.count { $0.topClasses[0] == $0.label })
                for (prediction, sample) in zip(predictions, samples) {
                    let (_, alone) = try model.inference(
                        ofImageAt: model.experiment.dataset.path(of: sample), team: team)
                    #expect(alone.ranking == prediction.topClasses, "three classes, all of them ranked")
                    #expect(alone.probabilities[alone.ranking[0]] == prediction.probability)
                    #expect((1...model.head.channelCount).contains(prediction.explanationSize))
                }
            }
        }
    }
}
