import WeightFiles

extension BackboneRegistry {
    /// The names of the backbones that these tensors are the weights of, by the tensors' names and shapes alone: mostly one,
    /// none for the weights of something else.
    ///
    /// Reads no tensor and makes no network, so it takes milliseconds.
    public static func backbones(fitting weights: any WeightSource) -> [String] {
        families.flatMap { family in
            let tensors = CanonicalTensors(of: weights, family: family)
            return family.entries.filter { $0.fits(tensors) }.map(\.name)
        }
    }
}

extension BackboneEntry {
    /// Whether every tensor is there in its shape and none is left over.
    func fits(_ tensors: CanonicalTensors) -> Bool {
        var loader = ParameterLoader(tensors, backbone: name, isDryRun: true)
        return (try? read(from: &loader)) != nil
    }

    /// Network and classifier; nothing of `loader` is left over.
    func read(from loader: inout ParameterLoader) throws -> (network: any BackboneNetwork, LinearClassifierWeights?) {
        let network = try make(&loader)
        let classifier = try loader.classifier(classifier, channelCount: channelCount)
        try loader.finish()
        return (network, classifier)
    }
}
