import WeightFiles

// torchvision's names, which are timm's and MMPretrain's too.

extension ResNet {
    static let layouts: [NameLayout] = [
        .canonical("torchvision and timm", anchor: "layer1.0."),
        .renaming(
            "transformers", anchor: "encoder.stages.0.layers.0.layer.0.", siblings: ["classifier"],
            modelTypes: ["resnet"]
        ) {
            canonicalNameOfTransformers($0)
        },
        .renaming("nn.Sequential of its parts", anchor: "4.0.conv1.") { canonicalNameInSequence($0) },
        // Of iNaturalist, used by papers on prototypes: two copies of the last block, the one for the conventional branch
        // and the one for rare classes, which is left out.
        .renaming("BBN", anchor: "cb_block.") {
            $0.containsPrefix("layer4.1.") && !$0.containsPrefix("layer4.2.")
        } _: {
            $0.hasPrefix("cb_block.") ? "layer4.2." + $0.dropFirst("cb_block.".count) : $0
        },
    ]

    static func isInTrunk(_ name: String) -> Bool {
        let first = name.firstComponent
        if ["stem", "embedder", "encoder"].contains(String(first)) { return true }
        let digits = first.reversed().prefix { $0.isNumber }.count
        return ["conv", "bn", "layer"].contains(String(first.dropLast(digits)))
    }

    /// embedder.embedder.convolution, .normalization; encoder.stages.S.layers.B.layer.I and .shortcut; classifier.1.
    private static func canonicalNameOfTransformers(_ name: String) -> String {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 3 else { return name }
        let kinds = ["convolution": ("conv", "0"), "normalization": ("bn", "1")]
        let kind = kinds[parts[parts.count - 2]]
        let end = parts[parts.count - 1]
        switch (parts[0], parts[1]) {
        case ("embedder", "embedder"):
            guard parts.count == 4, let kind else { return name }
            return "\(kind.0)1.\(end)"
        case ("classifier", "1"): return parts.count == 3 ? "fc.\(end)" : name
        case ("encoder", "stages"):
            guard parts.count > 7, parts[3] == "layers", let stage = Int(parts[2]), 0..<100 ~= stage, let kind else {
                return name
            }
            let block = "layer\(stage + 1).\(parts[4])"
            if parts.count == 8, parts[5] == "shortcut" { return "\(block).downsample.\(kind.1).\(end)" }
            guard parts.count == 9, parts[5] == "layer", let place = Int(parts[6]), 0..<100 ~= place else {
                return name
            }
            return "\(block).\(kind.0)\(place + 1).\(end)"
        default: return name
        }
    }

    /// The parts of torchvision's and timm's networks in their order: convolution, normalisation, ReLU, pooling, stages,
    /// pooling, classifier.
    private static func canonicalNameInSequence(_ name: String) -> String {
        let first = name.firstComponent
        let names = ["0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4", "9": "fc"]
        return names[String(first)].map { $0 + name.dropFirst(first.count) } ?? name
    }
}
