public import Checkpoints
public import DisentangledHead
public import FeatureCache
import Foundation
import Inference
import RunConfiguration
import StrictJSON

/// A head as other programs get it: its tensors, and everything else that its logits depend on as named facts.
public struct ExportedHead: Sendable {
    public let head: Head
    /// In the order of their labels.
    public let classNames: [String]
    /// What the features that the head gets are rounded to first, as in the cache it was trained on.
    public let featurePrecision: CachePrecision
    /// What else there is to know, by name: where the head comes from, and how images are to be prepared.
    public let provenance: [String: String]

    /// The version of the facts' names.
    public static let format = "infodisent-head-1"

    public init(
        head: Head, classNames: [String], featurePrecision: CachePrecision, provenance: [String: String] = [:]
    ) {
        precondition(classNames.count == head.classCount, "\(classNames.count) names of \(head.classCount) classes")
        self.head = head
        self.classNames = classNames
        self.featurePrecision = featurePrecision
        self.provenance = provenance
    }

    /// The head of a checkpoint. Neither weights nor data have to be there.
    /// - Parameter channelNames: what a user calls channels; nil for what the checkpoint records.
    /// - Throws: `ConfigurationError` for a record of the configuration that cannot be read, `HeadError` for a head that does not
    ///   have its form.
    public init(_ checkpoint: Checkpoint, channelNames: [Int: String]? = nil) throws {
        let state = checkpoint.state
        let places = ["run.directory=none", "dataset.root=none", "cache.directory=none"]
        // A name with no weights beside it would be asked for them.
        let configuration = try RunConfiguration(
            recordedIn: state, of: checkpoint.directory, overrides: places + ["backbone.weights=none"])
        var provenance = [
            "backbone": state.backbone, "weight_sha256": state.weightDigest.hexadecimal, "input": state.input.text(),
            "dataset_fingerprint": state.datasetFingerprint.hexadecimal, "step": "\(state.step)",
            "mode": configuration.head.mode.rawValue, "configuration": state.configuration,
        ]
        if configuration.head.mode == .infodisent {
            provenance["training_pooling"] = configuration.head.pooling.rawValue
            if configuration.head.pooling.hasTemperature {
                provenance["training_temperature"] = "\(configuration.head.temperature)"
            }
            if configuration.head.pooling == .annealed {
                provenance["training_sharpness"] = "\(configuration.head.sharpness)"
            }
        }
        if !state.edits.isEmpty {
            provenance["edits"] = state.edits.map(\.summary).joined(separator: "; then ")
        }
        let names = channelNames ?? state.channelNames
        if !names.isEmpty {
            provenance["channel_names"] = JSONValue.object(
                Dictionary(uniqueKeysWithValues: names.map { ("\($0.key)", JSONValue.string($0.value)) })
            ).text()
        }
        if let count = configuration.head.channelsPerClass { provenance["channels_per_class"] = "\(count)" }
        provenance["head_sha256"] = checkpoint.headDigest.hexadecimal
        self.init(
            head: try checkpoint.head(as: configuration.head), classNames: state.classNames,
            featurePrecision: configuration.cache.precision, provenance: provenance)
    }

    /// What the tensors do not say, as text.
    public var facts: [String: String] {
        var facts = provenance
        facts["format"] = Self.format
        facts["class_names"] = JSONValue.array(classNames.map { .string($0) }).text()
        // Whatever it was trained with.
        facts["pooling"] = head.reading == .extrema ? "maximum" : "mean"
        if let epsilon = head.epsilon { facts["standardisation_epsilon"] = "\(epsilon)" }
        facts["probabilities"] = head.loss == .crossEntropy ? "softmax" : "sigmoid"
        facts["signs"] = head.sides.rawValue
        facts["feature_precision"] = featurePrecision.rawValue
        facts["channel_count"] = "\(head.channelCount)"
        facts["class_count"] = "\(head.classCount)"
        if let count = selectedCount { facts["channels_per_image"] = "\(count)" }
        let turned = turnedChannels
        if turned.count < head.channelCount {
            facts["turned_channels"] = JSONValue.array(turned.map { .integer($0) }).text()
        }
        return facts
    }

    /// How many channels of an image count, where not all do.
    var selectedCount: Int? { head.channelsPerImage.flatMap { $0 < head.channelCount ? $0 : nil } }

    /// The channels whose row of U is not that of I.
    var turnedChannels: [Int] {
        let count = head.channelCount
        return (0..<count).filter { row in
            head.channelMap[row * count..<(row + 1) * count].enumerated().contains { $1 != ($0 == row ? 1 : 0) }
        }
    }
}
