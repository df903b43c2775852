import Tensors
import WeightFiles

/// Hands an architecture its tensors by canonical name and shape and keeps account of what does not fit.
///
/// Missing and misshapen tensors come back as zeros, so that one pass finds all of them; `finish()` throws them
/// together. Nothing built from a loader is to be used before `finish()` has returned.
///
/// A dry run checks names and shapes only: it reads nothing and its layers are empty. It is what makes recognising a file
/// cheap, so networks should take their layers from the loader's methods (ParameterLoader+Layers.swift), not make them from
/// `floats`.
package struct ParameterLoader {
    private let tensors: CanonicalTensors
    private let backbone: String
    /// Whether nothing is read and layers are placeholders.
    package let isDryRun: Bool
    /// Whether what was learned for images or windows of another size may be taken and resampled.
    let acceptsOtherSizes: Bool
    /// What has been asked for, by canonical name.
    private(set) var requested: [String: [Int]] = [:]
    /// What a user should know of how the tensors were taken, a sentence each.
    private(set) var notes: [String] = []
    private var missing: [String] = []
    private var misshapen: [BackboneError.MisshapenTensor] = []

    /// - Parameter backbone: the name to use in errors.
    init(
        _ tensors: CanonicalTensors, backbone: String, isDryRun: Bool = false, acceptsOtherSizes: Bool = true
    ) {
        self.tensors = tensors
        self.backbone = backbone
        self.isDryRun = isDryRun
        self.acceptsOtherSizes = acceptsOtherSizes
    }

    /// Tensors of a residual network.
    package init(_ source: any WeightSource, backbone: String) {
        self.init(CanonicalTensors(of: source, family: ResNet.family), backbone: backbone)
    }

    package var file: String { tensors.source.path.string }

    /// The shape of the tensor `name`, if the file has it.
    package func shape(_ name: String) -> [Int]? { tensors[name]?.shape(in: tensors.source) }

    /// The tensor `name`, every element finite; zeros in a dry run.
    package mutating func floats(_ name: String, _ shape: [Int]) throws -> [Float] {
        try values(name, shape) ?? Array(repeating: 0, count: shape.reduce(1, *))
    }

    /// The tensor `name`, or nil where there are only zeros to give.
    mutating func values(_ name: String, _ shape: [Int]) throws -> [Float]? {
        guard let recipe = note(name, shape), !isDryRun else { return nil }
        let values = try recipe.floats(from: tensors.source)
        try check(values, of: name, expectation: "a finite number", \.isFinite)
        return values
    }

    /// Takes down that `name` was asked for; returns how it is made if it fits.
    private mutating func note(_ name: String, _ shape: [Int]) -> TensorRecipe? {
        requested[name] = shape
        guard let recipe = tensors[name], let found = recipe.shape(in: tensors.source) else {
            missing.append(name)
            return nil
        }
        guard found == shape else {
            misshapen.append(.init(name: name, expected: shape, found: found))
            return nil
        }
        return recipe
    }

    /// Adds to `notes`, once.
    mutating func remark(_ note: String) {
        if !notes.contains(note) { notes.append(note) }
    }

    /// - Throws: `BackboneError.unfittingWeights` with everything that is missing, misshapen or left over.
    package func finish() throws {
        let unexpected = tensors.leftOver(requested: requested.keys)
        guard missing.isEmpty && misshapen.isEmpty && unexpected.isEmpty else {
            throw BackboneError.unfittingWeights(
                .init(
                    file: file, backbone: backbone, layout: tensors.layout, knownLayouts: tensors.knownLayouts,
                    missing: missing, unexpected: unexpected, misshapen: misshapen))
        }
    }

    func check(
        _ values: [Float], of name: String, expectation: String, _ isUsable: (Float) -> Bool
    ) throws {
        if let index = values.firstIndex(where: { !isUsable($0) }) {
            throw BackboneError.unusableValue(
                file: file, tensor: name, index: index, value: values[index], expectation: expectation)
        }
    }
}

// MARK: - Classifiers

extension ParameterLoader {
    /// The classifier, for any number of classes; nil if the file has none or if it cannot be used.
    mutating func classifier(_ rule: ClassifierRule, channelCount: Int) throws -> LinearClassifierWeights? {
        switch rule {
        case .linear(let name): return try linearClassifier(name, channelCount: channelCount)
        case .normalisedLinear(let name, let norm, let epsilon):
            let parts = [norm + ".weight", norm + ".bias"]
            let classifier = try linearClassifier(name, channelCount: channelCount)
            if requested[name + ".weight"] == nil {
                // A file without its classifier may have kept the normalisation.
                for part in parts where shape(part) != nil { _ = note(part, [channelCount]) }
                return nil
            }
            let scale = try floats(parts[0], [channelCount])
            let shift = try floats(parts[1], [channelCount])
            return classifier?.standardising(scale: scale, shift: shift, epsilon: epsilon)
        case .unusable(let prefixes):
            for name in tensors.names where prefixes.contains(where: { name.hasPrefix($0 + ".") }) {
                requested[name] = shape(name) ?? []
            }
            return nil
        }
    }

    /// `prefix`.weight [C, D] and .bias [C] for any C, or nil if the file has neither.
    private mutating func linearClassifier(
        _ prefix: String, channelCount: Int
    ) throws -> LinearClassifierWeights? {
        let shapes = (weights: shape(prefix + ".weight"), biases: shape(prefix + ".bias"))
        guard shapes.weights != nil || shapes.biases != nil else { return nil }
        let classCount = (shapes.weights ?? shapes.biases)?.first ?? 1
        let weights = try values(prefix + ".weight", [classCount, channelCount])
        let biases = try values(prefix + ".bias", [classCount])
        guard let weights, let biases else { return nil }
        return LinearClassifierWeights(
            classCount: classCount, channelCount: channelCount, weights: weights, biases: biases)
    }
}
