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
    private var contradictions: [String] = []

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

    /// - Throws: `BackboneError.unfittingWeights` with everything that is missing or misshapen, what is left over inside of the
    ///   network, and what is said of another network beside the file.
    package mutating func finish() throws {
        if let problem = tensors.problem { contradictions.append(problem) }
        // To recognise a file it is enough to know that something is wrong.
        let isDecided = !acceptsOtherSizes && !(missing.isEmpty && misshapen.isEmpty)
        let unexpected = isDecided ? [] : tensors.leftOver(requested: requested.keys).inside
        guard missing.isEmpty && misshapen.isEmpty && unexpected.isEmpty && contradictions.isEmpty else {
            throw BackboneError.unfittingWeights(
                .init(
                    file: file, backbone: backbone, layout: tensors.layout?.name, knownLayouts: tensors.knownLayouts,
                    missing: missing, unexpected: unexpected, misshapen: misshapen, contradictions: contradictions,
                    prefix: tensors.source.prefix))
        }
    }

    /// How many of the tensors that were asked for are there in their shapes.
    var fittingCount: Int { requested.count - missing.count - misshapen.count }

    func check(
        _ values: [Float], of name: String, expectation: String, _ isUsable: (Float) -> Bool
    ) throws {
        if let index = values.firstIndex(where: { !isUsable($0) }) {
            throw BackboneError.unusableValue(
                file: file, tensor: name, index: index, value: values[index], expectation: expectation)
        }
    }
}

// MARK: - What is said beside the file

extension ParameterLoader {
    /// What is added to variances: what the library of the file adds, or what `config.json` says, or else `usual`.
    package func epsilon(otherwise usual: Double) -> Double { tensors.epsilon ?? usual }

    /// What `config.json` says under `key`, if it is the network's.
    func integers(saidOf key: String) -> [Int]? { tensors.configuration?.integers(key) }

    /// Where `config.json` says anything else of `key` than `expected`, the file is of another network, whatever its tensors.
    package mutating func expect(_ key: String, _ expected: [Int]) {
        guard let found = tensors.configuration?.integers(key), found != expected,
            // One number stands for all.
            !(found.count == 1 && expected.allSatisfy { $0 == found[0] })
        else { return }
        contradict(
            key, found.count == 1 ? "\(found[0])" : "\(found)", expected.count == 1 ? "\(expected[0])" : "\(expected)")
    }

    package mutating func expect(_ key: String, _ expected: String) {
        guard let found = tensors.configuration?.text(key), found != expected else { return }
        contradict(key, found, expected)
    }

    package mutating func expect(_ key: String, _ expected: Bool) {
        guard let found = tensors.configuration?.flag(key), found != expected else { return }
        contradict(key, "\(found)", "\(expected)")
    }

    private mutating func contradict(_ key: String, _ found: String, _ expected: String) {
        contradictions.append("\(key) is \(printable(found)) instead of \(expected)")
    }
}

// MARK: - Classifiers

extension ParameterLoader {
    /// The classifier, for any number of classes; nil if the file has none that can be used. What it has instead is behind the
    /// feature map, and is left out like everything there.
    mutating func classifier(_ rule: ClassifierRule, channelCount: Int) throws -> LinearClassifierWeights? {
        switch rule {
        case .linear(let name): return try linearClassifier(name, channelCount: channelCount)
        case .normalisedLinear(let name, let norm, let epsilon):
            let parts = [norm + ".weight", norm + ".bias"]
            guard parts.allSatisfy({ shape($0) == [channelCount] }),
                let classifier = try linearClassifier(name, channelCount: channelCount)
            else { return nil }
            let scale = try floats(parts[0], [channelCount])
            let shift = try floats(parts[1], [channelCount])
            return classifier.standardising(scale: scale, shift: shift, epsilon: self.epsilon(otherwise: epsilon))
        case .unusable(let prefixes):
            for name in tensors.names where prefixes.contains(where: { name.hasPrefix($0 + ".") }) {
                requested[name] = shape(name) ?? []
            }
            return nil
        }
    }

    /// `prefix`.weight [C, D], for any C, and .bias [C], if the file has one; nil if the file has something else.
    private mutating func linearClassifier(
        _ prefix: String, channelCount: Int
    ) throws -> LinearClassifierWeights? {
        guard let found = shape(prefix + ".weight"), found.count == 2, found[0] > 0, found[1] == channelCount,
            [nil, [found[0]]].contains(shape(prefix + ".bias"))
        else { return nil }
        let weights = try values(prefix + ".weight", found)
        let hasBias = shape(prefix + ".bias") != nil
        let biases = hasBias ? try values(prefix + ".bias", [found[0]]) : nil
        guard let weights, let biases = hasBias ? biases : Array(repeating: 0, count: found[0]) else { return nil }
        return LinearClassifierWeights(
            classCount: found[0], channelCount: channelCount, weights: weights, biases: biases)
    }
}
