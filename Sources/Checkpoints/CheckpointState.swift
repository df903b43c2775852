public import DurableFiles
public import StrictJSON

/// All of a checkpoint but its tensors. It holds nothing that differs between two equal runs: no times, no host names, no
/// absolute folders.
public struct CheckpointState: Equatable, Sendable {
    /// Raised whenever the files change in a way that older programs cannot read.
    public static let schemaVersion = 1
    /// Of the files of a head that a person has edited, which programs from before there was such a thing cannot read.
    public static let editedSchemaVersion = 2
    /// Of the files of a head with names of channels, which programs from before these cannot read.
    public static let namedSchemaVersion = 3

    /// Steps done.
    public var step: Int
    /// Epochs done.
    public var epoch: Int
    public var seed: UInt64
    /// The effective configuration, as YAML.
    public var configuration: String
    /// In the order of their labels.
    public var classNames: [String]
    public var backbone: String
    /// Of the file the backbone's weights came from.
    public var weightDigest: ContentDigest
    /// The input preset as JSON; its type belongs to a target that links image libraries.
    public var input: JSONValue
    public var datasetFingerprint: ContentDigest
    /// Metrics so far, by name; all finite.
    public var metrics: [String: Double]
    /// What a person has changed of the trained head, in order; none for a head as it was trained.
    public var edits: [CheckpointEdit]
    /// What a person calls channels; none for a head as it was trained. A name is not blank and has at most `channelNameLimit`
    /// characters.
    public var channelNames: [Int: String]
    /// The digest of each other file of the checkpoint; `CheckpointStore.save` fills it.
    public var files: [String: ContentDigest]

    public init(
        step: Int, epoch: Int, seed: UInt64, configuration: String, classNames: [String], backbone: String,
        weightDigest: ContentDigest, input: JSONValue, datasetFingerprint: ContentDigest,
        metrics: [String: Double] = [:], edits: [CheckpointEdit] = [], channelNames: [Int: String] = [:],
        files: [String: ContentDigest] = [:]
    ) {
        self.edits = edits
        self.channelNames = channelNames
        self.step = step
        self.epoch = epoch
        self.seed = seed
        self.configuration = configuration
        self.classNames = classNames
        self.backbone = backbone
        self.weightDigest = weightDigest
        self.input = input
        self.datasetFingerprint = datasetFingerprint
        self.metrics = metrics
        self.files = files
    }

    /// SHA-256 of `head.safetensors`; nil for a state that was not saved.
    public var headDigest: ContentDigest? { files[Checkpoint.headName] }

    /// The schema version that its file has.
    public var fileSchemaVersion: Int {
        if !channelNames.isEmpty { return Self.namedSchemaVersion }
        return edits.isEmpty ? Self.schemaVersion : Self.editedSchemaVersion
    }
}

extension CheckpointState {
    /// Whether the configuration says that the head keeps a classifier (`head.mode: posthoc`).
    var keepsClassifier: Bool { ConfigurationText.values(configuration)["head.mode"] == "posthoc" }
}
