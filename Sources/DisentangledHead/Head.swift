import Tensors

/// A trained head: an orthogonal channel map, the deterministic pooling and a classifier.
///
/// Feature maps are [N, P, D] or [N, H, W, D]. The results for an image are the same bits whether it is evaluated alone
/// or in any batch, by any number of workers.
public struct Head: Sendable, Equatable {
    /// U [D, D]; row k makes channel k.
    public let channelMap: [Float]
    /// Of what `sides` makes of the pooled channels: [C, D], or [C, 2 D].
    public let classifier: Classifier
    public let sides: ChannelSides
    /// How many channels of an image count (`ChannelSelection`); all if nil.
    public let channelsPerImage: Int?
    /// How a channel's pixels become its number.
    public let reading: ChannelReading
    /// What it was trained with, which says how logits become probabilities.
    public let loss: ClassificationLoss
    /// D.
    public let channelCount: Int
    public var classCount: Int { classifier.classCount }
    /// Where U is I but for half of the channels or fewer: these, and their part of U. It saves most of the work, and changes no
    /// bit.
    private let turned: (channels: [Int], map: [Float])?

    /// - Throws: `HeadError.shapeMismatch` if the channel map is not as wide as the classifier (with a weight for each side, half
    ///   as wide), `.notFinite`, or `.invalidSetting` for what does not go together.
    public init(
        channelMap: [Float], classifier: Classifier, sides: ChannelSides = .tied, channelsPerImage: Int? = nil,
        reading: ChannelReading = .extrema, loss: ClassificationLoss = .crossEntropy
    ) throws {
        let channelCount = classifier.channelCount / sides.valuesPerChannel
        guard channelCount * sides.valuesPerChannel == classifier.channelCount else {
            throw HeadError.shapeMismatch(
                tensor: "classifier", expected: [classifier.classCount, 2 * channelCount],
                found: [classifier.classCount, classifier.channelCount])
        }
        guard channelMap.count == channelCount * channelCount else {
            throw HeadError.shapeMismatch(
                tensor: "channel_map", expected: [channelCount, channelCount], found: [channelMap.count])
        }
        guard channelMap.allSatisfy(\.isFinite) else { throw HeadError.notFinite(tensor: "channel_map", step: nil) }
        if let channelsPerImage, channelsPerImage < 1 {
            throw HeadError.invalidSetting(
                key: "channels_per_image", value: "\(channelsPerImage)", expected: "1 or more")
        }
        if reading != .extrema, sides != .tied || channelsPerImage != nil {
            throw HeadError.invalidSetting(
                key: "mode", value: "posthoc", expected: "without signs and without channels_per_image")
        }
        if case .mean(let epsilon?) = reading, !(epsilon > 0 && epsilon.isFinite) {
            throw HeadError.invalidSetting(key: "epsilon", value: "\(epsilon)", expected: "a positive number")
        }
        self.init(
            checkedChannelMap: channelMap, classifier: classifier, sides: sides, channelsPerImage: channelsPerImage,
            reading: reading, loss: loss)
    }

    /// The same head but for its map and its classifier, which has as many classes and channels.
    /// - Throws: what `init(channelMap:classifier:)` throws.
    public func replacing(channelMap: [Float], classifier: Classifier) throws -> Head {
        try Head(
            channelMap: channelMap, classifier: classifier, sides: sides, channelsPerImage: channelsPerImage,
            reading: reading, loss: loss)
    }

    /// A head of InfoDisent: A [C, D] without a negative entry, no bias.
    ///
    /// - Throws: `HeadError` if a matrix has another size, is not finite, or the classifier has a negative entry.
    public init(channelMap: [Float], classifier: [Float], channelCount: Int, classCount: Int) throws {
        try self.init(
            channelMap: channelMap,
            classifier: Classifier(weights: classifier, classCount: classCount, channelCount: channelCount))
    }

    init(
        checkedChannelMap: [Float], classifier: Classifier, sides: ChannelSides, channelsPerImage: Int?,
        reading: ChannelReading, loss: ClassificationLoss
    ) {
        channelMap = checkedChannelMap
        self.classifier = classifier
        self.sides = sides
        self.channelsPerImage = channelsPerImage
        self.reading = reading
        self.loss = loss
        channelCount = classifier.channelCount / sides.valuesPerChannel
        let matrix = SquareMatrix(size: channelCount, values: checkedChannelMap)
        turned = matrix.turnedChannels().map { ($0, matrix.part(of: $0).values) }
    }

    public static func == (a: Head, b: Head) -> Bool {
        a.channelMap == b.channelMap && a.classifier == b.classifier && a.sides == b.sides
            && a.channelsPerImage == b.channelsPerImage && a.reading == b.reading && a.loss == b.loss
    }

    /// The epsilon of a head that standardises pixels first (`ChannelReading.mean`).
    public var epsilon: Float? { if case .mean(let epsilon) = reading { epsilon } else { nil } }

    /// Pooled activations and logits of feature maps [N, ..., D].
    /// - Throws: `HeadError.shapeMismatch`, or `.notFinite` if a feature or a logit is not finite.
    public func forward(_ features: Tensor, team: WorkerTeam) throws -> HeadForward {
        try withBatch(features) { try forward($0, team: team) }
    }

    /// `forward(_:team:)` of features on loan.
    package func forward(_ batch: FeatureBatch<Float>, team: WorkerTeam) throws -> HeadForward {
        let pooled = try pooledActivations(batch, team: team)
        let logits = try classifier.logits(ofPooled: pooled.values, imageCount: batch.imageCount, team: team)
        guard areFinite(logits, team: team) else { throw HeadError.notFinite(tensor: "logits", step: nil) }
        return HeadForward(pooled: pooled, logits: logits)
    }

    /// Pooled activations of feature maps [N, ..., D].
    /// - Throws: `HeadError.shapeMismatch`, or `.notFinite` if a feature is not finite.
    public func pooledActivations(_ features: Tensor, team: WorkerTeam) throws -> PooledActivations {
        try withBatch(features) { try pooledActivations($0, team: team) }
    }

    /// `pooledActivations(_:team:)` of features on loan.
    package func pooledActivations(_ batch: FeatureBatch<Float>, team: WorkerTeam) throws -> PooledActivations {
        let map = turned?.map ?? channelMap
        var sideMeans: [Float] = []
        if reading != .extrema { sideMeans = Array(repeating: 0, count: 2 * batch.imageCount * channelCount) }
        let extrema = sideMeans.withUnsafeMutableBufferPointer { means in
            batch.withStandardisedPixels(epsilon: epsilon, team: team) {
                $0.extrema(
                    channelMap: map, turned: turned?.channels, sides: sides,
                    means: means.isEmpty ? nil : means.baseAddress, team: team)
            }
        }
        guard let extrema else {
            throw HeadError.notFinite(tensor: "features", step: nil)
        }
        guard reading == .extrema else {
            return PooledActivations(extrema, imageCount: batch.imageCount, sideMeans: sideMeans)
        }
        return PooledActivations(extrema, imageCount: batch.imageCount, selection: selection)
    }

    private var selection: ChannelSelection<Float>? {
        guard let channelsPerImage, channelsPerImage < channelCount else { return nil }
        return ChannelSelection(
            count: channelsPerImage, classifier: classifier.weights, sides: sides, channelCount: channelCount,
            classCount: classCount)
    }

    /// All activations J = X U^T of feature maps [N, ..., D], in the same shape: what heatmaps are made of. Of standardised pixels,
    /// if the head standardises them (`ChannelReading.mean`).
    /// - Throws: `HeadError.shapeMismatch`, or `.notFinite` if a feature is not finite.
    public func activations(_ features: Tensor, team: WorkerTeam) throws -> Tensor {
        try withBatch(features) { batch in
            let map = turned?.map ?? channelMap
            let activations = batch.withStandardisedPixels(epsilon: epsilon, team: team) {
                $0.activations(channelMap: map, turned: turned?.channels, team: team)
            }
            guard let values = activations else {
                throw HeadError.notFinite(tensor: "features", step: nil)
            }
            return Tensor(shape: features.shape, values: values)
        }
    }

    /// max|U^T U - I|. D^3 multiplications.
    public func orthogonalityError(team: WorkerTeam) -> Float {
        SquareMatrix(size: channelCount, values: channelMap).orthogonalityError(team: team)
    }

    private func withBatch<Result>(
        _ features: Tensor, _ body: (FeatureBatch<Float>) throws -> Result
    ) throws -> Result {
        try FeatureBatch.withFeatures(features, channelCount: channelCount, body)
    }
}

extension FeatureBatch<Float> {
    /// Lends the feature maps [N, ..., D] of a tensor.
    /// - Throws: `HeadError.shapeMismatch` if the last axis is not D or there is no pixel.
    static func withFeatures<Result>(
        _ features: Tensor, channelCount: Int, _ body: (FeatureBatch<Float>) throws -> Result
    ) throws -> Result {
        let shape = features.shape
        let pixelCount = shape.dropFirst().dropLast().reduce(1, *)
        guard shape.count >= 3, shape.last == channelCount, pixelCount > 0, pixelCount < 1 << 24 else {
            let expected = [shape.first ?? 0] + (shape.count > 3 ? shape[1...2] : [pixelCount]) + [channelCount]
            throw HeadError.shapeMismatch(tensor: "features", expected: expected, found: shape)
        }
        return try features.values.withUnsafeBufferPointer { buffer in
            // An empty array may have no address; nothing is read through this one then.
            let start = buffer.baseAddress ?? UnsafePointer(bitPattern: MemoryLayout<Float>.alignment)!
            return try body(
                FeatureBatch(
                    features: start, imageCount: shape[0], pixelCount: pixelCount, channelCount: channelCount))
        }
    }
}
