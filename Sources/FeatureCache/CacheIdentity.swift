public import DurableFiles
public import ImageCoding
public import Tensors

/// Everything that the features in a cache depend on.
public struct CacheIdentity: Codable, Equatable, Sendable {
    public var backbone: String
    /// Of the file the backbone's weights came from.
    public var weightDigest: ContentDigest
    /// Whether they are the moving average of the weights, where that file has one.
    public var usesEMA: Bool
    /// What the products of its layers were made of.
    public var compute: ComputePrecision
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
        precision: CachePrecision, featureMap: FeatureMapShape, classNames: [String], usesEMA: Bool = false,
        compute: ComputePrecision = .f32, views: CacheViews? = nil
    ) {
        self.backbone = backbone
        self.weightDigest = weightDigest
        self.usesEMA = usesEMA
        self.compute = compute
        self.input = input
        self.datasetFingerprint = datasetFingerprint
        self.precision = precision
        self.featureMap = featureMap
        self.classNames = classNames
        self.views = views
    }

    enum CodingKeys: String, CodingKey {
        case backbone, compute, input, precision, views
        case weightDigest = "weight_digest"
        case usesEMA = "use_ema"
        case datasetFingerprint = "dataset_fingerprint"
        case featureMap = "feature_map"
        case classNames = "class_names"
    }

    /// An index says `use_ema` only where it is true, and `compute` only where that is not f32: those written before there were such
    /// choices mean false and f32.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        backbone = try container.decode(String.self, forKey: .backbone)
        weightDigest = try container.decode(ContentDigest.self, forKey: .weightDigest)
        usesEMA = try container.decodeIfPresent(Bool.self, forKey: .usesEMA) ?? false
        compute = try container.decodeIfPresent(ComputePrecision.self, forKey: .compute) ?? .f32
        input = try container.decode(InputTransform.self, forKey: .input)
        datasetFingerprint = try container.decode(ContentDigest.self, forKey: .datasetFingerprint)
        precision = try container.decode(CachePrecision.self, forKey: .precision)
        featureMap = try container.decode(FeatureMapShape.self, forKey: .featureMap)
        classNames = try container.decode([String].self, forKey: .classNames)
        views = try container.decodeIfPresent(CacheViews.self, forKey: .views)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(backbone, forKey: .backbone)
        try container.encode(weightDigest, forKey: .weightDigest)
        if usesEMA { try container.encode(true, forKey: .usesEMA) }
        if compute != .f32 { try container.encode(compute, forKey: .compute) }
        try container.encode(input, forKey: .input)
        try container.encode(datasetFingerprint, forKey: .datasetFingerprint)
        try container.encode(precision, forKey: .precision)
        try container.encode(featureMap, forKey: .featureMap)
        try container.encode(classNames, forKey: .classNames)
        try container.encodeIfPresent(views, forKey: .views)
    }

    /// Views of each training image, the plain one included.
    public var viewCount: Int { views?.count ?? 1 }

    /// Bytes of the features of one image.
    public var sampleByteCount: Int { precision.byteCount(of: featureMap) }

    /// Bytes that a sample takes on disk: its features, its label, and the digests of its image's file and of its features.
    public var storedByteCount: Int { sampleByteCount + Self.storedByteCountBesideFeatures }
    /// Bytes of a sample on disk, beside its features.
    public static let storedByteCountBesideFeatures = 8 + 2 * ShardLayout.digestByteCount

    /// As many samples as make a shard of about 64 MiB, so that writing and checking one takes little memory and time.
    public var defaultSamplesPerShard: Int { max(1, (64 << 20) / max(1, sampleByteCount)) }
}
