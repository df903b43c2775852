public import Tensors

/// The class activation map of a classifier that is linear on the mean of the feature map: sum_k A_yk x_pk / P, signed. It adds
/// up to the logit (without the classifier's offset).
///
/// Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016, equation 2 (theirs is P times this).
public struct ClassActivationMap: AttributionMethod {
    private let classifier: MeanClassifier

    /// - Throws: `AttributionError.notLinear` behind a layer normalisation, whose deviation depends on all cells at once.
    public init(_ classifier: MeanClassifier) throws {
        guard classifier.normalisationEpsilon == nil else {
            throw AttributionError.notLinear(
                method: "cam",
                reason: "a layer normalisation stands between the mean of the feature map and its weights")
        }
        self.classifier = classifier
    }

    public var name: String { "cam" }
    public var explainedModel: ExplainedModel? { .blackBox }
    public var isAdditive: Bool { true }

    public func maps(of features: Tensor, sample: Int, for labels: [Int], team: WorkerTeam) throws -> [PlaceMap] {
        let size = try features.mapSize(channelCount: classifier.classifier.channelCount)
        try requireLabels(labels, classCount: classifier.classifier.classCount)
        return labels.map { label in
            PlaceMap(
                size: size,
                values: features.weighted(by: classifier.classifier.weights(of: label).map(Double.init), size))
        }
    }
}
