public import DurableFiles
public import ImageCoding

/// How features are stored.
public enum CachePrecision: String, Codable, CaseIterable, Sendable {
    case f16, f32

    /// Bytes of one feature.
    public var byteCount: Int { self == .f16 ? 2 : 4 }
}

/// The axes of a feature map.
public struct FeatureMapShape: Codable, Equatable, Sendable, CustomStringConvertible {
    public let height: Int
    public let width: Int
    public let channelCount: Int

    public init(height: Int, width: Int, channelCount: Int) {
        self.height = height
        self.width = width
        self.channelCount = channelCount
    }

    /// Features of one image.
    public var elementCount: Int { height * width * channelCount }

    public var description: String { "\(height) x \(width) x \(channelCount)" }
}

/// Everything that the features in a cache depend on.
public struct CacheIdentity: Codable, Equatable, Sendable {
    public var backbone: String
    /// Of the file the backbone's weights came from.
    public var weightDigest: ContentDigest
    public var input: InputTransform
    public var datasetFingerprint: ContentDigest
    public var precision: CachePrecision
    public var featureMap: FeatureMapShape
    /// In the order of their labels.
    public var classNames: [String]
    /// Views of the training images beside the plain one; nil for none.
    public var views: CacheViews?

    public init(
        backbone: String, weightDigest: ContentDigest, input: InputTransform, datasetFingerprint: ContentDigest,
        precision: CachePrecision, featureMap: FeatureMapShape, classNames: [String], views: CacheViews? = nil
    ) {
        self.backbone = backbone
        self.weightDigest = weightDigest
        self.input = input
        self.datasetFingerprint = datasetFingerprint
        self.precision = precision
        self.featureMap = featureMap
        self.classNames = classNames
        self.views = views
    }

    enum CodingKeys: String, CodingKey {
        case backbone, input, precision, views
        case weightDigest = "weight_digest"
        case datasetFingerprint = "dataset_fingerprint"
        case featureMap = "feature_map"
        case classNames = "class_names"
    }

    /// Views of each training image, the plain one included.
    public var viewCount: Int { views?.count ?? 1 }

    /// Bytes of the features of one image.
    public var sampleByteCount: Int { featureMap.elementCount * precision.byteCount }

    /// As many samples as make a shard of about 64 MiB, so that writing and checking one takes little memory and time.
    public var defaultSamplesPerShard: Int { max(1, (64 << 20) / max(1, sampleByteCount)) }
}
