import SystemPackage
import WeightFiles

/// A network that was recognised in a file.
public struct RecognisedBackbone: Equatable, Sendable {
    public let description: BackboneDescription
    /// What the names of its tensors begin with in the file.
    public let prefix: String
    /// Whether it is a moving average of the weights by what it is called.
    public let isAveraged: Bool
}

extension BackboneRegistry {
    /// The names of the backbones that these tensors are the weights of, by the tensors' names and shapes alone: mostly one,
    /// none for the weights of something else.
    ///
    /// Reads no tensor and makes no network, so it takes milliseconds.
    public static func backbones(fitting weights: any WeightSource) -> [String] {
        recognise(weights).reduce(into: []) { names, found in
            if !names.contains(found.entry.name) { names.append(found.entry.name) }
        }
    }

    /// The networks in a file, each with where it is; those whose names begin with `prefix`, if it is given.
    ///
    /// - Throws: `BackboneError.unknownWeights` if there is none.
    public static func backbones(of weights: any WeightSource, prefix: String? = nil) throws -> [RecognisedBackbone] {
        let search = NetworkSearch(weights)
        let wanted = prefix.map(TensorNames.prefix) ?? ""
        let found = recognise(weights).filter { $0.fit.prefix.utf8.starts(with: wanted.utf8) }
        guard !found.isEmpty else {
            throw BackboneError.unknownWeights(file: weights.path.string, names: search.namesInFile)
        }
        return found.map {
            RecognisedBackbone(
                description: BackboneDescription($0.entry, of: $0.family), prefix: $0.fit.prefixInFile,
                isAveraged: $0.fit.isAveraged)
        }
    }

    private static func recognise(
        _ weights: any WeightSource
    ) -> [(entry: BackboneEntry, family: BackboneFamily, fit: NetworkSearch.Fit)] {
        let search = NetworkSearch(weights)
        let described =
            weights.metadata.isEmpty
            ? [] : [try? ResNet.selfDescribedEntry(name: nameOfDescribed(by: weights), weights)].compactMap(\.self)
        return families.flatMap { family in
            let places = search.places(of: family)
            guard !places.isEmpty else { return [(BackboneEntry, BackboneFamily, NetworkSearch.Fit)]() }
            let entries = (family.name == ResNet.family.name ? described : []) + family.entries
            return entries.flatMap { entry in
                search.fits(of: entry, at: places, acceptingOtherSizes: false).map { (entry, family, $0) }
            }
        }
    }
}

extension BackboneEntry {
    /// Canonical name and shape of every tensor that the network up to its feature map is made of.
    package func expectedTensors(of family: BackboneFamily) throws -> [String: [Int]] {
        var loader = ParameterLoader(CanonicalTensors(of: NoTensors(), family: family), backbone: name, isDryRun: true)
        _ = try make(&loader)
        return loader.requested
    }

    /// A network that was made from a file.
    struct Read {
        let network: any BackboneNetwork
        let classifier: LinearClassifierWeights?
        /// Canonical names of the tensors of the network up to its feature map, sorted.
        let trunkNames: [String]
    }

    /// Network and classifier.
    /// - Throws: `BackboneError`, and what reading throws.
    func read(from loader: inout ParameterLoader) throws -> Read {
        let network = try make(&loader)
        let trunkNames = loader.requested.keys.sorted()
        let classifier = try loader.classifier(classifier, channelCount: channelCount)
        try loader.finish()
        return Read(network: network, classifier: classifier, trunkNames: trunkNames)
    }
}

/// A file with nothing in it.
struct NoTensors: WeightSource {
    var path: FilePath { "" }
    var tensorNames: [String] { [] }
    func entry(_ name: String) -> TensorEntry? { nil }
    func floats(_ name: String) throws -> [Float] { [] }
}
