public import Tensors

/// Grad-CAM on the last feature map, in closed form, for a classifier on its mean.
///
/// The gradient of logit_y with respect to x_pk is g_k / P for every pixel p, g being the gradient with respect to the mean (A_yk
/// where the classifier is linear), so that the map is ReLU(sum_k g_k x_pk) / P.
///
/// Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017, equations 1
/// and 2.
public struct GradCAM: AttributionMethod {
    private let classifier: MeanClassifier

    public init(_ classifier: MeanClassifier) { self.classifier = classifier }

    public var name: String { "grad-cam" }
    public var explainedModel: ExplainedModel? { .blackBox }

    public func maps(of features: Tensor, sample: Int, for labels: [Int], team: WorkerTeam) throws -> [PlaceMap] {
        let width = classifier.classifier.channelCount
        let size = try features.mapSize(channelCount: width)
        try requireLabels(labels, classCount: classifier.classifier.classCount)
        let mean = MeanClassifier.mean(of: features, pixelCount: size.area, channelCount: width)
        return labels.map { label in
            let values = features.weighted(by: classifier.gradient(of: label, atMean: mean), size)
            return PlaceMap(size: size, values: values.map { max(0, $0) })
        }
    }
}

extension Tensor {
    /// sum_k g_k x_pk / P of each pixel of a feature map [1, H, W, D].
    func weighted(by weights: [Double], _ size: SpatialSize) -> [Float] {
        (0..<size.area).map { pixel in
            var sum = 0.0
            for (channel, weight) in weights.enumerated() {
                sum += weight * Double(values[pixel * weights.count + channel])
            }
            return Float(sum / Double(size.area))
        }
    }
}
