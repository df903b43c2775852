import ImageCoding
import Tensors
import WeightFiles

/// One thread's scratch memory for a backbone.
public typealias BackboneWorkspace = Workspace

/// A frozen network that turns normalised images into its last feature maps, the last thing before pooling.
///
/// Immutable: threads share one backbone, each with a workspace of its own.
///
///     let backbone = try Backbone.load(name: "resnet50", weights: SafetensorsFile(path))
///     let workspace = backbone.makeWorkspace()
///     let maps = backbone.featureMaps(of: images, workspace: workspace)
public final class Backbone: Sendable {
    /// Its name in `BackboneRegistry`.
    public let name: String
    /// How images may be prepared for these weights; the first is the default.
    public let presets: [InputPreset]
    /// The layer from feature maps to the classes the weights were trained on, when the file has one that works on them.
    public let classifier: LinearClassifierWeights?
    /// What a user should know of how the weights were taken, a sentence each.
    public let notes: [String]
    private let network: any BackboneNetwork

    init(
        name: String, presets: [InputPreset], classifier: LinearClassifierWeights?, network: any BackboneNetwork,
        notes: [String]
    ) {
        self.name = name
        self.presets = presets
        self.classifier = classifier
        self.network = network
        self.notes = notes
    }

    /// Builds the backbone `name` from `weights`: reads, checks, folds and packs every tensor.
    ///
    /// Names and shapes are checked before any tensor is read.
    /// - Throws: `BackboneError` for an unknown name or weights that do not fit; what `weights` throws on reading.
    public static func load(name: String, weights: some WeightSource) throws -> Backbone {
        let (family, entry) = try BackboneRegistry.entry(named: name, for: weights)
        return try load(entry, of: family, weights: weights)
    }

    /// Builds a backbone that need not be in the registry.
    package static func load(
        _ entry: BackboneEntry, of family: BackboneFamily, weights: some WeightSource
    ) throws -> Backbone {
        let name = entry.name
        let tensors = CanonicalTensors(of: weights, family: family)
        do {
            var dryRun = ParameterLoader(tensors, backbone: name, isDryRun: true)
            _ = try entry.read(from: &dryRun)
        } catch BackboneError.unfittingWeights(var misfit) {
            misfit.fittingBackbones = BackboneRegistry.backbones(fitting: weights)
            throw BackboneError.unfittingWeights(misfit)
        }
        var loader = ParameterLoader(tensors, backbone: name)
        let (network, classifier) = try entry.read(from: &loader)
        return Backbone(
            name: name, presets: entry.presets, classifier: classifier, network: network, notes: loader.notes)
    }

    public var defaultInput: InputTransform { presets[0].input }

    /// How images are prepared by the preset of this name; by the default one if nil.
    ///
    /// - Throws: `BackboneError.unknownPreset` with the names there are.
    public func input(preset name: String?) throws -> InputTransform {
        try presets.input(named: name, backbone: self.name)
    }

    /// D, the number of channels of the feature maps.
    public var channelCount: Int { network.channelCount }

    /// Shape of the feature maps of images of `crop` x `crop` pixels.
    public func featureMapShape(crop: Int) -> FeatureMapShape {
        FeatureMapShape(size: network.featureMapSize(for: SpatialSize(crop)), channelCount: channelCount)
    }

    /// Scratch memory for one thread. It grows to what the first call needs and is used again by later ones.
    public func makeWorkspace() -> BackboneWorkspace { Workspace() }

    /// Feature maps [N, h, w, D] of normalised images [N, H, W, 3], on the calling thread.
    ///
    /// H and W need not be those of `defaultInput`. An image's maps are the same, bit for bit, whatever else is in the
    /// batch. Memory in use does not grow with N, apart from the result.
    public func featureMaps(of images: Tensor, workspace: BackboneWorkspace) -> Tensor {
        precondition(
            images.shape.count == 4 && images.shape[3] == 3,
            "images are [N, H, W, 3], not \(images.shape)")
        let imageCount = images.shape[0]
        let mapSize = network.featureMapSize(for: SpatialSize(height: images.shape[1], width: images.shape[2]))
        precondition(mapSize.area > 0, "images of \(images.shape[1])x\(images.shape[2]) are too small for \(name)")
        let mapLength = mapSize.area * channelCount
        let values = [Float](unsafeUninitializedCapacity: imageCount * mapLength) { values, initialized in
            for first in stride(from: 0, to: imageCount, by: Self.imagesPerPass) {
                let group = first..<min(imageCount, first + Self.imagesPerPass)
                let maps = network(Activations(copying: images, images: group, in: workspace), in: workspace)
                maps.copy(to: values.baseAddress! + first * mapLength)
            }
            initialized = imageCount * mapLength
        }
        return Tensor(shape: [imageCount, mapSize.height, mapSize.width, channelCount], values: values)
    }

    /// Images that go through the layers together: enough that the late layers, whose weights are large and whose maps
    /// are small, do not wait for memory; few enough that the early layers' maps stay in the cache.
    private static let imagesPerPass = 4
}

/// A network up to its last feature maps. Conformers are immutable and made of `Tensors` layers.
package protocol BackboneNetwork: Sendable {
    /// D.
    var channelCount: Int { get }

    /// Size of the feature maps of images of `input` pixels.
    func featureMapSize(for input: SpatialSize) -> SpatialSize

    /// [N, H, W, 3] to [N, h, w, D]. An image's result must not depend on the others.
    func callAsFunction(_ images: Activations, in workspace: Workspace) -> Activations
}
