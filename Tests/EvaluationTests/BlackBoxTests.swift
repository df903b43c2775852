import Backbones
import Datasets
import DurableFiles
import Evaluation
import FeatureCache
import Inference
import SmallModel
import SystemPackage
import TemporaryFolders
import Tensors
import Testing

@Suite struct BlackBoxTests {
    @Test func meansInAFileGiveTheClassifierOfMeansInMemory() throws {
        try withTemporaryFolder { folder in
            let run = try SmallRun(in: folder)
            let cache = try run.cache()
            let names = try DurableDirectory.names(in: cache.directory).sorted()
            func fit(memoryLimit: Int, workers: Int) throws -> BlackBox {
                try .fitted(
                    to: cache, shardCount: 4, seed: 0, team: WorkerTeam(workerCount: workers), memoryLimit: memoryLimit)
            }
            let inMemory = try fit(memoryLimit: .max, workers: 1)
            let inFile = try fit(memoryLimit: 0, workers: 3)
            #expect(inFile.classifier == inMemory.classifier && inFile.regularisation == inMemory.regularisation)
            #expect(try DurableDirectory.names(in: cache.directory).sorted() == names, "the file has no name")

            let score = try inMemory.score(cache, split: .train, team: WorkerTeam())
            #expect(score.sampleCount == 24 && score.top1 > 0.9)
            #expect(try inMemory.score(cache, split: .test, team: WorkerTeam()).sampleCount == 9)
        }
    }

    @Test func theClassifierSeesTheMeansOfTheFeatureMaps() throws {
        try withTemporaryFolder { folder in
            let cache = try SmallRun(in: folder).cache()
            let blackBox = try BlackBox.fitted(to: cache, shardCount: 2, seed: 0, team: WorkerTeam())
            let (map, team) = (cache.identity.featureMap, WorkerTeam())
            var score = ClassificationScore()
            for sample in cache.indices(of: "test") {
                let features = try cache.features(of: [sample])
                let means = (0..<map.channelCount).map { channel in
                    stride(from: channel, to: features.count, by: map.channelCount).reduce(Float(0)) {
                        $0 + features[$1]
                    } / Float(map.height * map.width)
                }
                let logits = try blackBox.classifier.logits(ofPooled: means, imageCount: 1, team: team)
                score.count(logits: logits[...], label: cache.samples.label(of: sample))
            }
            #expect(try blackBox.score(cache, split: .test, team: team) == score)
        }
    }

    @Test func aNetworkWithoutALastLayerOfTheClassesHasNoClassifier() throws {
        try withTemporaryFolder { folder in
            let experiment = try SmallRun(in: folder).experiment()
            #expect(NetworkClassifier(of: experiment.backbone, classCount: 3) == nil)
        }
    }
}
