/// The deterministic pooling of N images: per image and channel the largest and smallest activation, [N, D] each; both are 0 for
/// the channels that do not count in an image (`Head.channelsPerImage`).
public struct PooledActivations: Sendable, Equatable {
    public let imageCount: Int
    public let channelCount: Int
    /// M_k = max_p J_pk. The positive activation is max(0, M_k).
    public let maxima: [Float]
    /// The pixel where the maximum is reached; the lowest if there are several.
    public let maximumPixels: [Int32]
    /// m_k = min_p J_pk. The negative activation is min(0, m_k).
    public let minima: [Float]
    /// The pixel where the minimum is reached; the lowest if there are several.
    public let minimumPixels: [Int32]
    /// What the classifier is given: v_k = max(0, M_k) + min(0, m_k) [N, D], or what else the head's sides say: max(0, M_k)
    /// [N, D], or of each image this and then min(0, m_k), [N, 2 D] (`ChannelSides`); or mean_p J_pk [N, D] (`ChannelReading`).
    public let values: [Float]
    /// Of a head that reads channels by their means: those of ReLU(J_pk) [N, D], then those of -ReLU(-J_pk) [N, D].
    private let sideMeans: [Float]?

    /// What the positive side of a channel is to the classifier: max(0, M_k), or the mean of ReLU(J_pk).
    public func positiveActivation(of channel: Int, image: Int = 0) -> Float {
        let index = image * channelCount + channel
        return sideMeans.map { $0[index] } ?? max(0, maxima[index])
    }

    /// What the negative side of a channel is to the classifier: min(0, m_k), or the mean of -ReLU(-J_pk).
    public func negativeActivation(of channel: Int, image: Int = 0) -> Float {
        let index = image * channelCount + channel
        return sideMeans.map { $0[imageCount * channelCount + index] } ?? min(0, minima[index])
    }

    /// - Parameter sideMeans: of a head that reads channels by their means; `values` are then their sums.
    init(_ extrema: Extrema<Float>, imageCount: Int, sideMeans: [Float]) {
        self.imageCount = imageCount
        channelCount = extrema.channelCount
        maxima = extrema.maxima
        maximumPixels = extrema.maximumPixels
        minima = extrema.minima
        minimumPixels = extrema.minimumPixels
        values = (0..<sideMeans.count / 2).map { sideMeans[$0] + sideMeans[sideMeans.count / 2 + $0] }
        self.sideMeans = sideMeans
    }

    init(_ extrema: Extrema<Float>, imageCount: Int, selection: ChannelSelection<Float>?) {
        var (extrema, values) = (extrema, extrema.pooledValues())
        if let selection {
            let selected = selection.selected(values)
            selection.clear(&values, outside: selected)
            for index in selected.indices where !selected[index] {
                (extrema.maxima[index], extrema.minima[index]) = (0, 0)
            }
        }
        self.imageCount = imageCount
        channelCount = extrema.channelCount
        maxima = extrema.maxima
        maximumPixels = extrema.maximumPixels
        minima = extrema.minima
        minimumPixels = extrema.minimumPixels
        self.values = values
        sideMeans = nil
    }
}

/// What the head says about N images.
public struct HeadForward: Sendable, Equatable {
    public let pooled: PooledActivations
    /// A v, [N, C].
    public let logits: [Float]

    /// The logits of an image, by class.
    public func logits(ofImage image: Int) -> ArraySlice<Float> {
        let classCount = logits.count / max(pooled.imageCount, 1)
        return logits[image * classCount..<(image + 1) * classCount]
    }

    /// The class with the largest logit of each image; ties go to the lowest class.
    public func predictions() -> [Int] {
        (0..<pooled.imageCount).map { Ranking.first(of: logits(ofImage: $0)) ?? 0 }
    }
}
