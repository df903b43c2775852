import Tensors

extension DenseNet {
    /// The published networks, by the names that torchvision and timm share.
    package static let family = BackboneFamily(
        name: "DenseNet",
        layouts: [
            .canonical("torchvision and timm", anchor: "features.denseblock1.denselayer1.norm1."),
            .renaming("torchvision's files of 2017 (norm.1)", anchor: "features.denseblock1.denselayer1.norm.1.") {
                joiningNumbers($0)
            },
            .renaming("its features alone", anchor: "denseblock1.denselayer1.norm1.") { nameOfFeature($0) },
        ],
        isInTrunk: { $0.hasPrefix("features.") },
        entries: [
            entry(
                "densenet121", DenseNetConfiguration(growth: 32, layerCounts: [6, 12, 24, 16], stemWidth: 64),
                presets: [torchvision, InputPreset("ra_in1k", resize: 256, .bicubic)]),
            entry(
                "densenet161", DenseNetConfiguration(growth: 48, layerCounts: [6, 12, 36, 24], stemWidth: 96),
                presets: [torchvision]),
            entry(
                "densenet169", DenseNetConfiguration(growth: 32, layerCounts: [6, 12, 32, 32], stemWidth: 64),
                presets: [torchvision]),
            entry(
                "densenet201", DenseNetConfiguration(growth: 32, layerCounts: [6, 12, 48, 32], stemWidth: 64),
                presets: [torchvision]),
        ])

    package static func entry(
        _ name: String, _ configuration: DenseNetConfiguration, presets: [InputPreset]
    ) -> BackboneEntry {
        BackboneEntry(
            name: name, presets: presets, channelCount: configuration.channelCount,
            featureMapSize: configuration.featureMapSize, classifier: .linear("classifier"),
            make: { try DenseNet(configuration, from: &$0) })
    }

    private static let torchvision = InputPreset("torchvision-v1", resize: 256)

    /// In the layers of the files that torchvision still distributes, `norm.1.weight` stands for `norm1.weight`.
    private static func joiningNumbers(_ name: String) -> String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 6, parts[2].hasPrefix("denselayer"), ["norm", "conv"].contains(parts[3]),
            ["1", "2"].contains(parts[4])
        else { return name }
        return (parts[..<3] + [parts[3] + parts[4]] + parts[5...]).joined(separator: ".")
    }

    /// `features` saved by itself, or in an nn.Sequential.
    private static func nameOfFeature(_ name: String) -> String {
        ["conv0", "norm0", "denseblock", "transition", "norm5"].contains { name.hasPrefix($0) }
            ? "features." + name : name
    }
}
