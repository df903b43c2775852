import Tensors

/// The backbones of one architecture: what a family's folder hands to the registry.
package struct BackboneFamily: Sendable {
    /// As `infodisent backbones` prints it.
    package let name: String
    /// How files name the tensors. The first is the canonical one: its names are those that `BackboneEntry.make` asks for.
    package let layouts: [NameLayout]
    /// Tensors, by their canonical names or the file's own, that evaluation does not need; they may be there or not.
    package let isIgnored: @Sendable (String) -> Bool
    /// Whether a tensor of this canonical name, or of a name that no layout knows, would be a part of the network up to its
    /// feature map. A tensor that is one and that the network does not ask for is an error: it would compute something else.
    /// All others lie behind the feature map or beside it, and may be anything.
    package let isInTrunk: @Sendable (String) -> Bool
    /// Small to large.
    package let entries: [BackboneEntry]

    package init(
        name: String, layouts: [NameLayout], isIgnored: @escaping @Sendable (String) -> Bool = { _ in false },
        isInTrunk: @escaping @Sendable (String) -> Bool, entries: [BackboneEntry]
    ) {
        self.name = name
        self.layouts = layouts
        self.isIgnored = isIgnored
        self.isInTrunk = isInTrunk
        self.entries = entries
    }
}

/// One named backbone: everything that is known before weights are read, and how they become a network.
package struct BackboneEntry: Sendable {
    package let name: String
    /// Other names that it goes by.
    package let aliases: [String]
    /// The first is the default.
    package let presets: [InputPreset]
    /// D.
    package let channelCount: Int
    /// Size of the feature map of images of the given size.
    package let featureMapSize: @Sendable (SpatialSize) -> SpatialSize
    package let classifier: ClassifierRule
    /// Asks for every tensor up to the feature map, always the same ones.
    package let make: @Sendable (inout ParameterLoader) throws -> any BackboneNetwork

    package init(
        name: String, aliases: [String] = [], presets: [InputPreset], channelCount: Int,
        featureMapSize: @escaping @Sendable (SpatialSize) -> SpatialSize, classifier: ClassifierRule,
        make: @escaping @Sendable (inout ParameterLoader) throws -> any BackboneNetwork
    ) {
        self.name = name
        self.aliases = aliases
        self.presets = presets
        self.channelCount = channelCount
        self.featureMapSize = featureMapSize
        self.classifier = classifier
        self.make = make
    }
}

extension String {
    /// What stands before the first dot.
    var firstComponent: Substring { prefix { $0 != "." } }
}

/// What a file's classifier is applied to, and so whether it says anything about channels of the feature map. All of its
/// tensors may be absent.
package enum ClassifierRule: Sendable {
    /// The linear layer of this name on the map's mean.
    case linear(String)
    /// The linear layer `name` on the layer normalisation `norm` of the map's mean.
    case normalisedLinear(name: String, norm: String, epsilon: Double)
    /// It looks at something else, such as a class token: tensors that begin with these prefixes and a dot may be there and
    /// are not read.
    case unusable([String])
}
