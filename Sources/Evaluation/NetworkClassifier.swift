public import Backbones
public import Datasets
public import FeatureCache
public import MessagePassing
public import Tensors

/// The last layer of the network itself, where its weight file has one of the dataset's classes: what the owner of a fine-tuned
/// network has without any fit.
public struct NetworkClassifier: Sendable {
    private let weights: LinearClassifierWeights

    /// Nil if the network has no last layer on the mean of its feature map, or one of another number of classes.
    public init?(of backbone: Backbone, classCount: Int) {
        guard let weights = backbone.classifier, weights.classCount == classCount else { return nil }
        self.weights = weights
    }

    /// Counts the correctly classified images of a split. Collective; all ranks get the counts.
    public func score(
        _ cache: FeatureCache, split: Split, team: WorkerTeam, communicator: any Communicator = SingleProcess()
    ) throws -> ClassificationScore {
        let (weights, width) = (weights, cache.identity.featureMap.channelCount)
        return try cache.score(split, team: team, communicator: communicator) { means, count in
            (0..<count).flatMap { weights.logits(ofMean: Array(means[$0 * width..<($0 + 1) * width])) }
        }
    }
}
