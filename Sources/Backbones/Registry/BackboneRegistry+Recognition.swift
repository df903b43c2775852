import SystemPackage
import WeightFiles

extension BackboneRegistry {
    /// The names of the backbones that these tensors are the weights of, by the tensors' names and shapes alone: mostly one,
    /// none for the weights of something else.
    ///
    /// Reads no tensor and makes no network, so it takes milliseconds.
    public static func backbones(fitting weights: any WeightSource) -> [String] {
        let selfDescribed = [try? ResNet.selfDescribedEntry(name: DemoBackbone.name, weights)].compactMap(\.self)
        return names(of: selfDescribed, in: ResNet.family, fitting: weights)
            + families.flatMap { names(of: $0.entries, in: $0, fitting: weights) }
    }

    /// The same, but weights that are nobody's are an error.
    ///
    /// - Throws: `BackboneError.unknownWeights`.
    public static func backbones(of weights: any WeightSource) throws -> [BackboneDescription] {
        let names = backbones(fitting: weights)
        guard !names.isEmpty else { throw BackboneError.unknownWeights(file: weights.path.string) }
        return try names.map(description(named:))
    }

    private static func names(
        of entries: [BackboneEntry], in family: BackboneFamily, fitting weights: any WeightSource
    ) -> [String] {
        let tensors = CanonicalTensors(of: weights, family: family)
        return entries.filter { $0.fits(tensors) }.map(\.name)
    }
}

extension BackboneEntry {
    /// Whether every tensor is there in its shape, without resampling, and none is left over.
    func fits(_ tensors: CanonicalTensors) -> Bool {
        var loader = ParameterLoader(tensors, backbone: name, isDryRun: true, acceptsOtherSizes: false)
        return (try? read(from: &loader)) != nil
    }

    /// Canonical name and shape of every tensor that the network up to its feature map is made of.
    package func expectedTensors(of family: BackboneFamily) throws -> [String: [Int]] {
        var loader = ParameterLoader(CanonicalTensors(of: NoTensors(), family: family), backbone: name, isDryRun: true)
        _ = try make(&loader)
        return loader.requested
    }

    /// Network and classifier; nothing of `loader` is left over.
    func read(from loader: inout ParameterLoader) throws -> (network: any BackboneNetwork, LinearClassifierWeights?) {
        let network = try make(&loader)
        let classifier = try loader.classifier(classifier, channelCount: channelCount)
        try loader.finish()
        return (network, classifier)
    }
}

/// A file with nothing in it.
struct NoTensors: WeightSource {
    var path: FilePath { "" }
    var tensorNames: [String] { [] }
    func entry(_ name: String) -> TensorEntry? { nil }
    func floats(_ name: String) throws -> [Float] { [] }
}
