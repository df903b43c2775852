import Attribution
import CounterRandom
import DisentangledHead
import Evaluation
import FeatureCache
import Inference
import MessagePassing
import Results
import Tensors

/// The ways to attribute that are compared, the models they explain, and the same ways of models whose parameters were shuffled.
package struct Ways: Sendable {
    package struct Way: Sendable {
        let method: any AttributionMethod
        /// The way of the shuffled model; the method itself for baselines.
        let shuffled: any AttributionMethod
        package var name: String { method.name }
    }

    let head: Head
    let blackBox: MeanClassifier?
    /// What the black box is, for records.
    let blackBoxName: String
    package let ways: [Way]
    /// Ways that cannot be had, each with the reason.
    package let refused: [UnmeasuredMetric]
    let seed: UInt64

    static let randomName = "random"

    /// The network's own last layer where it has the dataset's classes, else, if the configuration asks for a black box, the
    /// linear classifier fitted to the training images. Collective.
    static func classifier(
        of model: TrainedModel, cache: FeatureCache, team: WorkerTeam, communicator: any Communicator
    ) throws -> (classifier: MeanClassifier?, name: String) {
        if let own = model.experiment.backbone.classifier, own.classCount == model.head.classCount {
            let classifier = try Classifier(
                weights: own.weights, bias: own.biases, signs: .any, classCount: own.classCount,
                channelCount: own.channelCount)
            return (
                MeanClassifier(classifier, normalisationEpsilon: own.standardisationEpsilon),
                "the network's own last layer"
            )
        }
        guard model.configuration.evaluation.blackBox else { return (nil, "none (evaluation.black_box is false)") }
        let fitted = try BlackBox.fitted(
            to: cache, shardCount: model.experiment.configuration.training.logicalShards,
            seed: UInt64(model.configuration.run.seed), team: team, communicator: communicator)
        return (MeanClassifier(fitted.classifier), "linear classifier on pooled features")
    }

    package init(head: Head, blackBox: MeanClassifier?, blackBoxName: String, seed: UInt64) throws {
        self.head = head
        self.blackBox = blackBox
        self.blackBoxName = blackBoxName
        self.seed = seed
        let shuffledHead = try Shuffling.head(head, seed: seed)
        let shown = min(ScorecardOptions.shownChannelCount, head.channelCount)
        var ways: [Way] = [
            Way(method: PlaceAttribution(head), shuffled: PlaceAttribution(shuffledHead)),
            Way(method: try ChannelAttribution(head), shuffled: try ChannelAttribution(shuffledHead)),
            Way(
                method: try ChannelAttribution(head, count: shown),
                shuffled: try ChannelAttribution(shuffledHead, count: shown)),
        ]
        var refused: [UnmeasuredMetric] = []
        if let blackBox {
            let other = try Shuffling.classifier(blackBox, seed: seed)
            ways.append(Way(method: GradCAM(blackBox), shuffled: GradCAM(other)))
            do {
                ways.append(
                    Way(method: try ClassActivationMap(blackBox), shuffled: try ClassActivationMap(other)))
            } catch let error as AttributionError {
                refused.append(UnmeasuredMetric(metric: "cam", reason: "\(error)"))
            }
        } else {
            for name in ["grad-cam", "cam"] {
                refused.append(UnmeasuredMetric(metric: name, reason: "there is no black box: \(blackBoxName)"))
            }
        }
        let baselines: [any AttributionMethod] = [
            RandomAttribution(seed: seed, channelCount: head.channelCount),
            GaussianAttribution(channelCount: head.channelCount),
        ]
        self.ways = ways + baselines.map { Way(method: $0, shuffled: $0) }
        self.refused = refused
    }

    /// The cells of a map, the largest value first; equal ones in an order drawn for the image, the same for all ways.
    package func order(of map: PlaceMap, sample: Int) -> [Int] {
        var stream = RandomStream(seed: seed, purpose: .attribution, sample, 0xFF_FFFF)
        let places = stream.shuffled(0..<map.values.count)
        return places.indices.sorted { first, second in
            let (one, other) = (map.values[places[first]], map.values[places[second]])
            return one != other ? one > other : first < second
        }.map { places[$0] }
    }
}
