import Checkpoints
import DisentangledHead
import DurableFiles
import Evaluation
import FeatureCache
import Inference
import RunControl
import SmallModel
import SystemPackage
import TemporaryFolders
import Tensors
import Testing
import Training

/// `head.mode: posthoc`: a linear classifier is kept and explained.
@Suite struct PosthocTests {
    private func run(in folder: FilePath) throws -> SmallRun {
        var small = try SmallRun(in: folder)
        small.configuration.head.mode = .posthoc
        small.configuration.head.prototypesBegin = 10
        small.configuration.head.prototypesEnd = 3
        return small
    }

    /// The mean purity of the `count` training images where each channel is largest, at their largest pixel.
    private func purity(_ head: Head, _ cache: FeatureCache, count: Int) throws -> Double {
        let map = cache.identity.featureMap
        let samples = cache.indices(of: "train")
        let features = Tensor(
            shape: [samples.count, map.height, map.width, map.channelCount], values: try cache.features(of: samples))
        let pooled = try head.pooledActivations(features, team: WorkerTeam())
        var purities: [Double] = []
        for channel in 0..<map.channelCount {
            let order = samples.indices.sorted {
                pooled.maxima[$0 * map.channelCount + channel] > pooled.maxima[$1 * map.channelCount + channel]
            }
            for row in order.prefix(count) where pooled.maxima[row * map.channelCount + channel] > 0 {
                let index = row * map.channelCount + channel
                let start = (row * map.pixelCount + Int(pooled.maximumPixels[index])) * map.channelCount
                let norm = features.values[start..<start + map.channelCount].reduce(0) { $0 + Double($1) * Double($1) }
                purities.append(Double(pooled.maxima[index]) / norm.squareRoot())
            }
        }
        return purities.reduce(0, +) / Double(purities.count)
    }

    @Test func predictionsAreThoseOfTheBlackBoxAndPrototypesBecomePurer() throws {
        try withTemporaryFolder { folder in
            var small = try run(in: folder)
            small.configuration.training.epochs = 20
            let cache = try small.cache()
            try small.train()
            let model = try TrainedModel(folder.appending("run"))
            #expect(model.head.reading == .mean() && model.head.classifier.weights.contains { $0 < 0 })
            let fitted = try BlackBox.fitted(
                to: cache, shardCount: small.configuration.training.logicalShards, seed: 0, team: WorkerTeam()
            ).classifier
            let map = cache.identity.featureMap
            for sample in cache.indices(of: "test") {
                let features = try cache.features(of: [sample])
                let mean = (0..<map.channelCount).map { channel in
                    stride(from: channel, to: features.count, by: map.channelCount).reduce(0) { $0 + features[$1] }
                        / Float(map.pixelCount)
                }
                let expected = try fitted.logits(ofPooled: mean, imageCount: 1, team: WorkerTeam())
                let found = try model.head.forward(
                    Tensor(shape: [1, map.height, map.width, map.channelCount], values: features), team: WorkerTeam()
                ).logits
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-4 * max(1, abs($1)) })
            }
            let identity = try Head(
                channelMap: (0..<map.channelCount * map.channelCount).map { $0 % (map.channelCount + 1) == 0 ? 1 : 0 },
                classifier: model.head.classifier)
            let (before, after) = try (
                purity(identity, cache, count: 3), purity(model.head, cache, count: 3)
            )
            #expect(after > before + 0.02, "\(before) before, \(after) after")
        }
    }

    @Test func aRunThatStopsAfterEveryStepEndsWithTheSameBytes() throws {
        try withTemporaryFolder { folder in
            var small = try run(in: folder)
            small.configuration.cache.views = 2
            small.configuration.cache.augmentation.flip = 0.5
            func bytes(of checkpoint: FilePath) throws -> [[UInt8]] {
                try ["head.safetensors", "optimizer.safetensors", "state.json"].map {
                    try DurableFile.read(checkpoint.appending($0))
                }
            }
            let whole = try bytes(of: small.train().checkpoint)
            small.configuration.run.directory = folder.appending("in-steps")
            var steps = 0
            var isComplete = false
            while !isComplete {
                let stop = StopRequest()
                stop.request()
                var run = try TrainingRun(small.experiment(), cache: small.cache(), stop: stop)
                let outcome = try run.run()
                (isComplete, steps) = (outcome.isComplete, steps + 1)
                if isComplete {
                    #expect(outcome.totalSteps == steps)
                    #expect(try bytes(of: outcome.checkpoint) == whole)
                }
            }
        }
    }

    @Test func aRunWithANegativeWeightIsOnlySoundWhereAClassifierIsKept() throws {
        try withTemporaryFolder { folder in
            var small = try run(in: folder)
            small.configuration.training.epochs = 1
            let path = try small.train().checkpoint
            let checkpoint = try Checkpoint(reading: path)
            #expect(checkpoint.keepsClassifier && checkpoint.classifier.contains { $0 < 0 })
            #expect(try Checkpoint(bytes: checkpoint.bytes).classifier == checkpoint.classifier)
            var state = checkpoint.state
            state.configuration = state.configuration.replacing("  mode: posthoc\n", with: "")
            let store = CheckpointStore(runDirectory: folder.appending("other"))
            let other = try store.save(
                state, channelMap: checkpoint.channelMap, classifier: checkpoint.classifier, bias: checkpoint.bias,
                optimizer: checkpoint.optimizer)
            #expect(throws: CheckpointError.self) { try Checkpoint(reading: other) }
        }
    }
}
