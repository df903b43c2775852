import Datasets
import DisentangledHead
import Explanations
public import Inference
public import Results

extension ModelReport.ClassifierRecord {
    /// The last layer of a head, whose classifier has no standardisation.
    public init(_ head: Head) {
        precondition(head.classifier.standardisation == nil, "a checkpoint's classifier has no standardisation")
        self.init(
            sides: head.sides.rawValue, reading: head.reading == .extrema ? "extrema" : "mean",
            loss: head.loss.rawValue,
            channelsPerImage: head.channelsPerImage.flatMap { $0 < head.channelCount ? $0 : nil },
            bias: head.classifier.bias.map(PackedFloats.init), weights: PackedFloats(head.classifier.weights))
    }
}

extension TrainedModel {
    /// Where the model comes from, a line each; nothing that differs between equal runs.
    public var origins: [ModelReport.Origin] {
        let state = checkpoint.state
        let dataset = experiment.dataset
        let map = experiment.cacheIdentity.featureMap
        return [
            .init("checkpoint", "\(checkpointName), step \(state.step), epoch \(state.epoch), seed \(state.seed)"),
            .init("backbone", "\(state.backbone), feature map of \(map)"),
            .init("weights (SHA-256)", "\(state.weightDigest)"),
            .init("head (SHA-256)", "\(headDigest)"),
            .init("dataset", "\(dataset.kind), \(dataset.train.count) training and \(dataset.test.count) test images"),
            .init("dataset (fingerprint)", "\(state.datasetFingerprint)"),
            .init("input", state.input.text()),
            .init("configuration", state.configuration),
        ]
    }
}

extension ChannelUse {
    /// What a class gives a channel, of both sides where each has a weight of its own.
    public static func weight(of channel: Int, for label: Int, _ head: Head) -> Float {
        head.positiveWeight(of: channel, for: label)
            + (head.sides == .untied ? head.negativeWeight(of: channel, for: label) : 0)
    }

    /// The sum over all classes.
    public static func total(of channel: Int, _ head: Head) -> Float {
        (0..<head.classCount).reduce(0) { $0 + weight(of: channel, for: $1, head) }
    }
}

extension ChannelReport.Example {
    /// The prototypes of a side; their pictures are named by the number of the sample.
    public static func list(
        _ prototypes: ChannelPrototypes, _ side: Side, purity: (Int, Prototype) -> Double?
    ) -> [ChannelReport.Example] {
        prototypes[side].enumerated().map { place, prototype in
            ChannelReport.Example(
                picture: "\(prototype.sample)", path: prototype.path, label: prototype.label,
                activation: prototype.activation, row: prototype.position.row, column: prototype.position.column,
                purity: purity(place, prototype))
        }
    }
}
