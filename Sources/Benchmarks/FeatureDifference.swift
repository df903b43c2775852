import Tensors

/// How far feature maps are from those of the same images in single precision.
public struct FeatureDifference: Equatable, Sendable {
    /// The largest difference, of the largest feature.
    public let largest: Double
    /// The root mean square of the differences, of that of the features.
    public let rootMeanSquare: Double

    /// - Parameter reference: maps of the same shape.
    public init(of maps: Tensor, from reference: Tensor) {
        precondition(maps.shape == reference.shape, "\(maps.shape) and \(reference.shape) are not of the same images")
        var (difference, feature, differences, features) = (0.0, 0.0, 0.0, 0.0)
        for (value, expected) in zip(maps.values, reference.values) {
            let (distance, expected) = (Double(value) - Double(expected), Double(expected))
            difference = max(difference, abs(distance))
            feature = max(feature, abs(expected))
            differences += distance * distance
            features += expected * expected
        }
        largest = feature > 0 ? difference / feature : difference
        rootMeanSquare = features > 0 ? (differences / features).squareRoot() : differences.squareRoot()
    }
}
