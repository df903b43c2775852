public import DurableFiles
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
    /// How images may be prepared for these weights; the first is the default: what is said beside the file, if anything is, and
    /// then what the registry knows.
    public let presets: [InputPreset]
    /// The layer from feature maps to the classes the weights were trained on, when the file has one that works on them.
    public let classifier: LinearClassifierWeights?
    /// What a user should know of how the weights were taken, a sentence each.
    public let notes: [String]
    /// The names of the classes the weights were trained on, in the order of the classifier's rows, where a `config.json`
    /// beside the file has them. The classifier itself may be missing.
    public let labelNames: [String]?
    /// What decides what the network computes and is not seen in the file's bytes.
    private let decisions: [String]
    private let network: any BackboneNetwork
    /// What the products of its layers are made of.
    public let compute: ComputePrecision

    init(
        name: String, presets: [InputPreset], classifier: LinearClassifierWeights?, network: any BackboneNetwork,
        notes: [String], labelNames: [String]? = nil, decisions: [String] = [], compute: ComputePrecision = .f32
    ) {
        self.name = name
        self.compute = compute
        self.presets = presets
        self.classifier = classifier
        self.network = network
        self.notes = notes
        self.labelNames = labelNames
        self.decisions = decisions
    }

    /// Builds the backbone `name` from `weights`: finds its tensors, reads, checks, folds and packs every one.
    ///
    /// Names and shapes are checked before any tensor is read.
    /// - Parameters:
    ///   - choice: which network to take from a file that has several.
    ///   - compute: what the products of its layers are made of.
    /// - Throws: `BackboneError` for an unknown name, weights that do not fit, or products that this processor cannot make;
    ///   what `weights` throws on reading.
    public static func load(
        name: String, weights: some WeightSource, choice: NetworkChoice = NetworkChoice(),
        compute: ComputePrecision = .f32
    ) throws -> Backbone {
        try compute.requireProcessor()
        let (family, entry) = try BackboneRegistry.entry(named: name, for: weights)
        return try load(entry, of: family, weights: weights, choice: choice, compute: compute)
    }

    /// Builds a backbone that need not be in the registry.
    package static func load(
        _ entry: BackboneEntry, of family: BackboneFamily, weights: some WeightSource,
        choice: NetworkChoice = NetworkChoice(), compute: ComputePrecision = .f32
    ) throws -> Backbone {
        let search = NetworkSearch(weights)
        let (chosen, others, decisions) = try search.find(entry, of: family, choice: choice)
        var loader = ParameterLoader(chosen.tensors, backbone: entry.name)
        let read = try entry.read(from: &loader)
        let presets = (chosen.tensors.ownPreset.map { [$0] } ?? []) + entry.presets
        return Backbone(
            name: entry.name, presets: presets, classifier: read.classifier, network: read.network,
            notes: search.notes(on: chosen, others: others, requested: loader.requested.keys) + loader.notes
                + notes(onImagesOf: chosen.tensors, default: presets[0]),
            labelNames: labelNames(chosen.tensors, classCount: read.classifier?.classCount), decisions: decisions,
            compute: compute)
    }

    /// What is said of images beside the file.
    private static func notes(onImagesOf tensors: CanonicalTensors, default preset: InputPreset) -> [String] {
        if preset == tensors.ownPreset {
            return [
                "\(SavedConfiguration.preprocessingFileName) beside it says how images are prepared: that is the default, and the "
                    + "preset \"\(preset.name)\"."
            ]
        }
        guard let side = tensors.trainedSide, side != preset.input.crop else { return [] }
        return [
            "\(SavedConfiguration.fileName) beside it says that it was trained on images of \(side) x \(side) pixels; the default "
                + "preset, \(preset.name), makes \(preset.input.crop) x \(preset.input.crop). Choose another with input.preset, or "
                + "input.resize and input.crop."
        ]
    }

    /// The names of classes in a `config.json` that belongs to the file: transformers', of the file's architecture, or timm's.
    private static func labelNames(_ tensors: CanonicalTensors, classCount: Int?) -> [String]? {
        let timms = tensors.source.configuration.flatMap { $0.text("architecture") == nil ? nil : $0 }
        guard let names = (tensors.configuration ?? timms)?.labelNames, names.count == classCount ?? names.count else {
            return nil
        }
        return names
    }

    /// What identifies the features that this backbone computes, given the digest of its weight file: that digest, unless
    /// the file's bytes leave something open, such as which of two networks was taken.
    public func identity(ofFile digest: ContentDigest) -> ContentDigest {
        decisions.isEmpty ? digest : ContentDigest(of: ([digest.hexadecimal] + decisions).joined(separator: "\n"))
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
    ///
    /// - Parameters:
    ///   - engine: what multiplies matrices in it. Feature maps of the two agree to rounding, not in their bits.
    ///   - compute: what products are made of, one without an `obstacle` on this processor; the backbone's own if nil.
    ///   - expectsSimilarImages: that batches are changed copies of an image. The same maps, sooner.
    public func makeWorkspace(
        engine: MatrixEngine = .packed, compute: ComputePrecision? = nil, expectsSimilarImages: Bool = false
    ) -> BackboneWorkspace {
        Workspace(
            engine: engine, compute: compute ?? self.compute, expectsSimilarImages: expectsSimilarImages)
    }

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
            let imagesPerPass = imagesPerPass(area: images.shape[1] * images.shape[2], workspace)
            for first in stride(from: 0, to: imageCount, by: imagesPerPass) {
                let group = first..<min(imageCount, first + imagesPerPass)
                let maps = Activations.withView(of: images, images: group) { network($0, in: workspace) }
                maps.copy(to: values.baseAddress! + first * mapLength)
            }
            initialized = imageCount * mapLength
        }
        return Tensor(shape: [imageCount, mapSize.height, mapSize.width, channelCount], values: values)
    }

    /// Images of `area` pixels that go through the layers together: enough that the late layers, whose weights are large and whose maps
    /// are small, do not wait for memory; few enough that the early layers' maps stay in the cache.
    ///
    /// Changed copies of an image make up for the room by what they have in common with the one before.
    private func imagesPerPass(area: Int, _ workspace: Workspace) -> Int {
        let usual = network.imagesPerPass(workspace.compute)
        let count = workspace.expectsSimilarImages ? max(4, usual) : usual
        return max(count, min(4 * count, count * 224 * 224 / area))
    }
}

/// A network up to its last feature maps. Conformers are immutable and made of `Tensors` layers.
package protocol BackboneNetwork: Sendable {
    /// D.
    var channelCount: Int { get }

    /// Images of 224 x 224 pixels that go through the layers together.
    func imagesPerPass(_ compute: ComputePrecision) -> Int

    /// Size of the feature maps of images of `input` pixels.
    func featureMapSize(for input: SpatialSize) -> SpatialSize

    /// [N, H, W, 3] to [N, h, w, D]. An image's result must not depend on the others.
    func callAsFunction(_ images: Activations, in workspace: Workspace) -> Activations
}

extension BackboneNetwork {
    /// Products of brain floats are twice as fast, and memory is not: more images share the weights.
    package func imagesPerPass(_ compute: ComputePrecision) -> Int { compute == .f32 ? 4 : 8 }
}

extension Activations {
    /// What `layers` make of the images, one by one where they have 224 x 224 pixels and more, and in groups of as many pixels where
    /// they have fewer: for the first stages, whose maps of several images would not stay in the caches. (On two cores of Zen 5 with
    /// 32 MB, that makes ResNet-50 6 % faster and ConvNeXt-T 2 %.)
    func imageByImage(in workspace: Workspace, _ layers: (Activations) -> Activations) -> Activations {
        // Changed copies of an image are compared with the one before.
        guard !workspace.expectsSimilarImages else { return layers(self) }
        return inGroups(of: max(1, 224 * 224 / max(1, size.area)), in: workspace, layers)
    }
}
