import ImageCoding
import WeightFiles

/// What is known about a backbone before any weights are read.
public struct BackboneDescription: Equatable, Sendable {
    /// Extent of a feature map.
    public struct FeatureMap: Equatable, Sendable {
        public let height: Int
        public let width: Int
        public let channelCount: Int

        public init(height: Int, width: Int, channelCount: Int) {
            self.height = height
            self.width = width
            self.channelCount = channelCount
        }
    }

    public let name: String
    /// The architecture it is a member of.
    public let family: String
    public let defaultInput: InputTransform
    /// At the default input.
    public let featureMap: FeatureMap
}

/// All backbones by name.
public enum BackboneRegistry {
    /// Every backbone, families together, small to large; the demo backbone first.
    public static let all: [BackboneDescription] =
        ((try? [DemoBackbone.description()]) ?? []) + ResNet.named.map(ResNet.description)

    /// The names of `all`, and "demo" in any case.
    public static var names: [String] { [DemoBackbone.name] + ResNet.named.map(\.name) }

    /// - Throws: `BackboneError.unknownName` with the nearest known names.
    public static func description(named name: String) throws -> BackboneDescription {
        if name == DemoBackbone.name { return try DemoBackbone.description() }
        if let found = all.first(where: { $0.name == name }) { return found }
        throw unknown(name)
    }

    /// How a name becomes a backbone.
    struct Entry {
        let load: (any WeightSource) throws -> Backbone
    }

    static func entry(named name: String) throws -> Entry {
        if name == DemoBackbone.name { return Entry { try ResNet.describedByItself(name: name, weights: $0) } }
        if let named = ResNet.named.first(where: { $0.name == name }) {
            return Entry { weights in
                try ResNet.load(
                    name: name, configuration: named.configuration, input: ResNet.imageNetInput, weights: weights)
            }
        }
        throw unknown(name)
    }

    private static func unknown(_ name: String) -> BackboneError {
        .unknownName(name, nearest: nearest(to: name, among: names))
    }
}
