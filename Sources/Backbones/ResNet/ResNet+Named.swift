import ImageCoding
import Tensors

extension ResNet {
    /// The published networks, by the names that torchvision and timm share.
    static let named: [(name: String, configuration: ResNetConfiguration)] = [
        ("resnet18", ResNetConfiguration(block: .basic, blockCounts: [2, 2, 2, 2])),
        ("resnet34", ResNetConfiguration(block: .basic, blockCounts: [3, 4, 6, 3])),
        ("resnet50", ResNetConfiguration(block: .bottleneck, blockCounts: [3, 4, 6, 3])),
        ("resnet101", ResNetConfiguration(block: .bottleneck, blockCounts: [3, 4, 23, 3])),
        ("resnet152", ResNetConfiguration(block: .bottleneck, blockCounts: [3, 8, 36, 3])),
    ]

    /// How torchvision's first ImageNet weights (V1) were evaluated. Its V2 weights want `resize` 232.
    static let imageNetInput = InputTransform(
        resize: 256, crop: 224, interpolation: .bilinear, mean: InputTransform.imageNetMean,
        standardDeviation: InputTransform.imageNetStandardDeviation)

    static func description(name: String, configuration: ResNetConfiguration) -> BackboneDescription {
        description(name: name, configuration: configuration, input: imageNetInput)
    }

    static func description(
        name: String, configuration: ResNetConfiguration, input: InputTransform
    ) -> BackboneDescription {
        let size = configuration.featureMapSize(for: SpatialSize(input.crop))
        return BackboneDescription(
            name: name, family: "ResNet", defaultInput: input,
            featureMap: .init(height: size.height, width: size.width, channelCount: configuration.channelCount))
    }
}
