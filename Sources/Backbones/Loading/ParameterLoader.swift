import Tensors
import WeightFiles

/// Hands an architecture its tensors by name and shape and keeps account of what does not fit.
///
/// Missing and misshapen tensors come back as zeros, so that one pass finds all of them; `finish()` throws them
/// together. Nothing built from a loader is to be used before `finish()` has returned.
package struct ParameterLoader {
    private let source: any WeightSource
    private let backbone: String
    /// From normalised names to those in the file.
    private let fileNames: [String: String]
    private var requested: Set<String> = []
    private var missing: [String] = []
    private var misshapen: [BackboneError.MisshapenTensor] = []

    /// - Parameter backbone: the name to use in errors.
    package init(_ source: any WeightSource, backbone: String) {
        self.source = source
        self.backbone = backbone
        fileNames = Dictionary(
            source.tensorNames.map { (ParameterNames.normalised($0), $0) }, uniquingKeysWith: { first, _ in first })
    }

    package var file: String { source.path.string }

    /// The file's shape of tensor `name`, if it is there.
    package func shape(_ name: String) -> [Int]? { fileNames[name].flatMap { source.entry($0)?.shape } }

    /// The tensor `name`, every element finite.
    package mutating func floats(_ name: String, _ shape: [Int]) throws -> [Float] {
        requested.insert(name)
        let zeros = { [Float](repeating: 0, count: shape.reduce(1, *)) }
        guard let fileName = fileNames[name], let entry = source.entry(fileName) else {
            missing.append(name)
            return zeros()
        }
        guard entry.shape == shape else {
            misshapen.append(.init(name: name, expected: shape, found: entry.shape))
            return zeros()
        }
        let values = try source.floats(fileName)
        try check(values, of: name, expectation: "a finite number", \.isFinite)
        return values
    }

    /// The batch normalisation whose tensors are `prefix`.weight, .bias, .running_mean and .running_var.
    package mutating func batchNormalisation(
        _ prefix: String, channelCount: Int, epsilon: Double = 1e-5
    ) throws -> BatchNormalisation {
        let normalisation = BatchNormalisation(
            weight: try floats(prefix + ".weight", [channelCount]),
            bias: try floats(prefix + ".bias", [channelCount]),
            mean: try floats(prefix + ".running_mean", [channelCount]),
            variance: try floats(prefix + ".running_var", [channelCount]), epsilon: epsilon)
        try check(normalisation.variance, of: prefix + ".running_var", expectation: "a variance, not below 0") {
            $0 >= 0
        }
        return normalisation
    }

    /// A convolution without bias whose weights are `name`.weight, with the batch normalisation that follows it folded
    /// in.
    package mutating func convolution(
        _ name: String, normalisedBy normalisation: String, inputChannelCount: Int, outputChannelCount: Int,
        window: SlidingWindow, groupCount: Int = 1, activation: ActivationFunction
    ) throws -> Convolution2D {
        Convolution2D(
            inputChannelCount: inputChannelCount, outputChannelCount: outputChannelCount, window: window,
            groupCount: groupCount,
            weights: try floats(
                name + ".weight",
                [outputChannelCount, inputChannelCount / groupCount, window.kernel.height, window.kernel.width]),
            normalisation: try batchNormalisation(normalisation, channelCount: outputChannelCount),
            activation: activation)
    }

    /// The classifier `prefix`.weight [C, D] and .bias [C] for any C, or nil if the file has neither.
    package mutating func classifier(_ prefix: String, channelCount: Int) throws -> LinearClassifierWeights? {
        let shapes = (weights: shape(prefix + ".weight"), biases: shape(prefix + ".bias"))
        guard shapes.weights != nil || shapes.biases != nil else { return nil }
        let classCount = (shapes.weights ?? shapes.biases)?.first ?? 1
        return LinearClassifierWeights(
            classCount: classCount, channelCount: channelCount,
            weights: try floats(prefix + ".weight", [classCount, channelCount]),
            biases: try floats(prefix + ".bias", [classCount]))
    }

    /// - Throws: `BackboneError.unfittingWeights` with everything that is missing, misshapen or left over.
    package func finish() throws {
        let unexpected = fileNames.keys.filter { !requested.contains($0) && !ParameterNames.isIgnored($0) }.sorted()
        guard missing.isEmpty && misshapen.isEmpty && unexpected.isEmpty else {
            throw BackboneError.unfittingWeights(
                file: file, backbone: backbone, missing: missing, unexpected: unexpected, misshapen: misshapen)
        }
    }

    private func check(
        _ values: [Float], of name: String, expectation: String, _ isUsable: (Float) -> Bool
    ) throws {
        if let index = values.firstIndex(where: { !isUsable($0) }) {
            throw BackboneError.unusableValue(
                file: file, tensor: name, index: index, value: values[index], expectation: expectation)
        }
    }
}
