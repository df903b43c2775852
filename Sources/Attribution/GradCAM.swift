public import DisentangledHead
public import Tensors

/// Grad-CAM on the last feature map, in closed form, for a classifier that is linear on its mean.
///
/// The gradient of logit_y with respect to x_pk is A_yk / P for every pixel p, so the weights of the channels are A_yk (up to a
/// factor that is the same for all), and the map is ReLU(sum_k A_yk x_pk).
///
/// Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017, equations 1
/// and 2.
public struct GradCAM: AttributionMethod {
    private let classifier: Classifier

    /// - Parameter classifier: on the mean of the feature map; a standardisation is folded into it.
    public init(_ classifier: Classifier) {
        self.classifier = classifier.foldingStandardisation()
    }

    public var name: String { "grad-cam" }

    public func map(of features: Tensor, sample: Int, for label: Int, team: WorkerTeam) throws -> PlaceMap {
        let size = try features.mapSize(channelCount: classifier.channelCount)
        guard (0..<classifier.classCount).contains(label) else {
            throw HeadError.labelOutOfRange(label: label, classCount: classifier.classCount)
        }
        let weights = classifier.weights(of: label)
        let values = (0..<size.area).map { pixel in
            var sum = 0.0
            for (weight, feature) in zip(weights, features.values[(pixel * weights.count)...]) {
                sum += Double(weight) * Double(feature)
            }
            return max(0, Float(sum / Double(size.area)))
        }
        return PlaceMap(size: size, values: values)
    }
}
