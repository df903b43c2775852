public import DurableFiles
public import Tensors

/// Which side of a channel: v_k = max_p ReLU(J_pk) - max_p ReLU(-J_pk) takes one pixel for each.
public enum Side: String, Codable, CaseIterable, Sendable {
    /// The pixel of the maximum M_k; it speaks for the classes that use the channel.
    case positive
    /// The pixel of the minimum m_k; it speaks against them.
    case negative
}

/// A training image that stands for one side of a channel, with the pixel that won (method: "Explaining").
public struct Prototype: Codable, Equatable, Sendable {
    /// Index among the training samples.
    public let sample: Int
    /// Path relative to the dataset's root.
    public let path: String
    public let label: Int
    /// SHA-256 of the image file, so that a prototype can never be drawn from another image.
    public let contentDigest: ContentDigest
    /// M_k for a positive prototype, m_k for a negative one.
    public let activation: Float
    public let position: MapPosition

    public init(
        sample: Int, path: String, label: Int, contentDigest: ContentDigest, activation: Float, position: MapPosition
    ) {
        self.sample = sample
        self.path = path
        self.label = label
        self.contentDigest = contentDigest
        self.activation = activation
        self.position = position
    }

    enum CodingKeys: String, CodingKey {
        case sample, path, label, activation, position
        case contentDigest = "content_digest"
    }
}

/// The prototypes of one channel, strongest first.
public struct ChannelPrototypes: Codable, Equatable, Sendable {
    public let channel: Int
    /// What a user calls it; never part of a table that is kept.
    public private(set) var name: String?
    /// The training images with the largest M_k > 0.
    public let positive: [Prototype]
    /// The training images with the smallest m_k < 0.
    public let negative: [Prototype]

    public init(channel: Int, positive: [Prototype], negative: [Prototype]) {
        self.channel = channel
        self.positive = positive
        self.negative = negative
    }

    func named(_ name: String?) -> ChannelPrototypes {
        var result = self
        result.name = name
        return result
    }

    public subscript(side: Side) -> [Prototype] { side == .positive ? positive : negative }
}

/// The prototypes of all channels of one head.
public struct PrototypeTable: Codable, Equatable, Sendable {
    public static let currentSchemaVersion = 1

    public let schemaVersion: Int
    /// SHA-256 of the checkpoint's `head.safetensors`.
    public let headDigest: ContentDigest
    public let datasetFingerprint: ContentDigest
    /// H and W.
    public let featureMap: SpatialSize
    /// Channel k at index k.
    public let channels: [ChannelPrototypes]

    public init(
        headDigest: ContentDigest, datasetFingerprint: ContentDigest, featureMap: SpatialSize,
        channels: [ChannelPrototypes]
    ) {
        schemaVersion = Self.currentSchemaVersion
        self.headDigest = headDigest
        self.datasetFingerprint = datasetFingerprint
        self.featureMap = featureMap
        self.channels = channels
    }

    /// The same with the names that a user gives to channels.
    public func named(_ names: ChannelNames) -> PrototypeTable {
        PrototypeTable(
            headDigest: headDigest, datasetFingerprint: datasetFingerprint, featureMap: featureMap,
            channels: channels.map { $0.named(names[$0.channel]) })
    }

    enum CodingKeys: String, CodingKey {
        case channels
        case schemaVersion = "schema_version"
        case headDigest = "head_digest"
        case datasetFingerprint = "dataset_fingerprint"
        case featureMap = "feature_map"
    }
}
