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

    /// The name of a residual network that its file describes in its metadata.
    public static let describedName = "resnet_described"

    /// The names of `all`, "demo" in any case, and the one of networks that their files describe.
    public static var names: [String] {
        [DemoBackbone.name] + families.flatMap(\.entries).map(\.name) + [describedName]
    }

    /// Names that stand for one of `names`: mostly timm's for what torchvision names otherwise.
    public static var aliases: [String] { families.flatMap(\.entries).flatMap(\.aliases) }

    /// - Throws: `BackboneError.unknownName` with the nearest known names; `.undescribed` for networks that their files
    ///   describe.
    public static func description(named name: String) throws -> BackboneDescription {
        if name == DemoBackbone.name { return try DemoBackbone.description() }
        if name == describedName { throw BackboneError.undescribed(backbone: name) }
        let (family, entry) = try find(name)
        return BackboneDescription(entry, of: family)
    }

    /// Checks what can be checked of a backbone's name and of the name of a preset before weights are read.
    ///
    /// - Throws: `BackboneError.unknownName`, `BackboneError.unknownPreset`.
    public static func check(name: String, preset: String?) throws {
        guard name != describedName else { return }
        let description = try description(named: name)
        if preset != InputPreset.ownName { _ = try description.input(preset: preset) }
    }

    /// The entry `name`; that of a network which its file describes is what `weights` says about itself.
    static func entry(named name: String, for weights: any WeightSource) throws -> (BackboneFamily, BackboneEntry) {
        guard name == DemoBackbone.name || name == describedName else { return try find(name) }
        let file = weights.path.string
        let entry: BackboneEntry
        do {
            entry = try ResNet.selfDescribedEntry(name: name, weights)
        } catch {
            // For measurements without a file.
            if name == describedName, weights.tensorNames.isEmpty { throw BackboneError.undescribed(backbone: name) }
            let fitting = backbones(fitting: weights)
            guard !fitting.isEmpty else { throw error }
            throw BackboneError.otherWeights(file: file, backbone: name, fittingBackbones: fitting)
        }
        guard name == describedName || DemoBackbone.isFile(of: weights) else {
            throw BackboneError.describedByFile(file: file, backbone: name, name: describedName)
        }
        return (ResNet.family, entry)
    }

    /// What a network that `weights` describes is called.
    static func nameOfDescribed(by weights: any WeightSource) -> String {
        DemoBackbone.isFile(of: weights) ? DemoBackbone.name : describedName
    }

    private static func find(_ name: String) throws -> (BackboneFamily, BackboneEntry) {
        for family in families {
            if let entry = family.entries.first(where: { $0.name == name || $0.aliases.contains(name) }) {
                return (family, entry)
            }
        }
        throw BackboneError.unknownName(
            name, nearest: NameSuggestions.near(name, among: names + aliases))
    }
}
