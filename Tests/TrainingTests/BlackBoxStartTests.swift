import Backbones
import Checkpoints
import Evaluation
import FeatureCache
import Foundation
import Inference
import SeededNumbers
import SmallModel
import SystemPackage
import TemporaryFolders
import Tensors
import Testing
import Training
import WeightFiles

/// A signed start with annealed pooling and a bias: before its first step the head is the black box.
@Suite struct BlackBoxStartTests {
    private func run(in folder: FilePath) throws -> SmallRun {
        var run = try SmallRun(in: folder)
        run.configuration.head.pooling = .annealed
        run.configuration.head.bias = true
        run.configuration.training.distillation.weight = nil
        return run
    }

    /// Compares the losses of every training image for every class, which are -log softmax of the logits, with those of the logits
    /// that `expected` makes of the mean of the feature map.
    private func requireSameProbabilities(_ small: SmallRun, _ expected: ([Float]) throws -> [Float]) throws {
        let cache = try small.cache()
        let trainer = try TrainingRun(small.experiment(), cache: cache).trainer
        #expect(trainer.step == 0 && trainer.head.classifier.weights.allSatisfy { $0 >= 0 })
        let map = cache.identity.featureMap
        for sample in cache.indices(of: "train") {
            let features = try cache.features(of: [sample])
            let mean = (0..<map.channelCount).map { channel in
                let values = stride(from: channel, to: features.count, by: map.channelCount).map {
                    Double(features[$0])
                }
                return Float(values.reduce(0, +) / Double(values.count))
            }
            let logits = try expected(mean).map { Double($0) }
            let peak = try #require(logits.max())
            let total = peak + log(logits.reduce(0) { $0 + exp($1 - peak) })
            for label in logits.indices {
                let loss = try trainer.gradient(
                    features: Tensor(shape: [1, map.height, map.width, map.channelCount], values: features),
                    labels: [label], sampleIDs: [sample], team: WorkerTeam()
                ).lossSum
                #expect(abs(loss - (total - logits[label])) < 1e-4, "image \(sample), class \(label)")
            }
        }
    }

    @Test func theHeadStartsAtTheFittedClassifier() throws {
        try withTemporaryFolder { folder in
            var small = try run(in: folder)
            small.configuration.head.classifierInit = .blackBoxSigned
            let fitted = try BlackBox.fitted(
                to: small.cache(), shardCount: small.configuration.training.logicalShards, seed: 0, team: WorkerTeam()
            ).classifier
            #expect(fitted.weights.contains { $0 < 0 })
            try requireSameProbabilities(small) { try fitted.logits(ofPooled: $0, imageCount: 1, team: WorkerTeam()) }
        }
    }

    @Test func theHeadStartsAtTheNetworksOwnLastLayer() throws {
        try withTemporaryFolder { folder in
            var small = try run(in: folder)
            small.configuration.head.classifierInit = .backboneSigned
            small.configuration.backbone.name = "resnet_described"
            small.configuration.backbone.weights = folder.appending("three-classes.safetensors")
            try writeNetwork(ofClasses: 3, to: folder.appending("three-classes.safetensors"))
            let own = try #require(try small.experiment().backbone.classifier)
            #expect(own.classCount == 3 && own.weights.contains { $0 < 0 })
            try requireSameProbabilities(small) { own.logits(ofMean: $0) }
        }
    }

    /// The demo network with a last layer drawn at random.
    private func writeNetwork(ofClasses classCount: Int, to path: FilePath) throws {
        let demo = try SafetensorsFile(DemoBackbone.weights)
        let channelCount = try demo.requiredEntry("layer4.1.conv2.weight").shape[0]
        let layer: [SafetensorsWriter.Entry] = [
            .floats(
                "fc.weight", [classCount, channelCount],
                normals(classCount * channelCount, seed: 90).map { Float(0.1 * $0) }),
            .floats("fc.bias", [classCount], normals(classCount, seed: 91).map { Float($0) }),
        ]
        let others = try demo.tensorNames.map {
            SafetensorsWriter.Entry.floats($0, try demo.requiredEntry($0).shape, try demo.floats($0))
        }
        try SafetensorsWriter.write(others + layer, metadata: demo.metadata, to: path)
    }
}
