import ImageCoding
import NameSuggestions
import Tensors
import WeightFiles

/// What is known about a backbone before any weights are read.
public struct BackboneDescription: Equatable, Sendable {
    public let name: String
    /// The architecture it is a member of.
    public let family: String
    /// How images may be prepared; the first is the default.
    public let presets: [InputPreset]
    /// At the default input.
    public let featureMap: FeatureMapShape

    public var defaultInput: InputTransform { presets[0].input }

    /// How images are prepared by the preset of this name; by the default one if nil.
    ///
    /// - Throws: `BackboneError.unknownPreset` with the names there are.
    public func input(preset: String?) throws -> InputTransform {
        try presets.input(named: preset, backbone: name)
    }

    init(_ entry: BackboneEntry, of family: BackboneFamily) {
        let size = entry.featureMapSize(SpatialSize(entry.presets[0].input.crop))
        name = entry.name
        self.family = family.name
        presets = entry.presets
        featureMap = FeatureMapShape(size: size, channelCount: entry.channelCount)
    }
}

/// All backbones by name.
public enum BackboneRegistry {
    /// Every family, each described in its own folder. A new one is a line here.
    package static let families: [BackboneFamily] = [
        ResNet.family,
        DenseNet.family,
        ConvNeXt.family,
        VisionTransformer.family,
        SwinTransformer.family,
        SwinTransformer.secondFamily,
    ]

    /// Every backbone, families together, small to large; the demo backbone first.
    public static let all: [BackboneDescription] =
        ((try? [DemoBackbone.description()]) ?? [])
        + families.flatMap { family in family.entries.map { BackboneDescription($0, of: family) } }

    /// The names of `all`, and "demo" in any case.
    public static var names: [String] { [DemoBackbone.name] + families.flatMap(\.entries).map(\.name) }

    /// Names that stand for one of `names`: mostly timm's for what torchvision names otherwise.
    public static var aliases: [String] { families.flatMap(\.entries).flatMap(\.aliases) }

    /// - Throws: `BackboneError.unknownName` with the nearest known names.
    public static func description(named name: String) throws -> BackboneDescription {
        if name == DemoBackbone.name { return try DemoBackbone.description() }
        let (family, entry) = try find(name)
        return BackboneDescription(entry, of: family)
    }

    /// The entry `name`; that of "demo" is what `weights` says about itself.
    static func entry(named name: String, for weights: any WeightSource) throws -> (BackboneFamily, BackboneEntry) {
        guard name == DemoBackbone.name else { return try find(name) }
        do {
            return (ResNet.family, try ResNet.selfDescribedEntry(name: name, weights))
        } catch {
            let fitting = backbones(fitting: weights)
            guard !fitting.isEmpty else { throw error }
            throw BackboneError.otherWeights(
                file: weights.path.string, backbone: name, fittingBackbones: fitting)
        }
    }

    private static func find(_ name: String) throws -> (BackboneFamily, BackboneEntry) {
        for family in families {
            if let entry = family.entries.first(where: { $0.name == name || $0.aliases.contains(name) }) {
                return (family, entry)
            }
        }
        throw BackboneError.unknownName(
            name, nearest: NameSuggestions.nearest(to: name, among: names + aliases, count: 3))
    }
}
