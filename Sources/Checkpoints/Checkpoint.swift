public import DurableFiles
public import SystemPackage
import WeightFiles

/// A tensor of the optimizer's state.
public struct OptimizerTensor: Equatable, Sendable {
    public let name: String
    public let shape: [Int]
    public let elements: [Float]

    public init(name: String, shape: [Int], elements: [Float]) {
        precondition(elements.count == shape.reduce(1, *), "\(name): \(elements.count) elements for the shape \(shape)")
        self.name = name
        self.shape = shape
        self.elements = elements
    }
}

/// A checkpoint that was read and found sound.
public struct Checkpoint: Sendable {
    public let directory: FilePath
    public let state: CheckpointState
    /// D, the channels of the feature map.
    public let channelCount: Int
    /// U [D, D].
    public let channelMap: [Float]
    /// A [C, D], or [C, 2 D] for a head whose classes have a weight for each side of a channel: those of the positive sides
    /// first.
    public let classifier: [Float]
    /// b [C]; nil for a head without a bias.
    public let bias: [Float]?
    /// The weights of A that are kept, of its shape; all others are exactly 0. Nil where all may be used.
    public let mask: [Bool]?
    /// Of a head that standardises the mean of the feature map over its channels: what is added to the variance; nil for others.
    public let epsilon: Float?
    /// Sorted by name.
    public let optimizer: [OptimizerTensor]
    /// max|U^T U - I|, at most `orthogonalityLimit`.
    public let orthogonalityError: Double

    /// Whether the head has kept a linear classifier, whose weights may have any sign, and only its channel map was trained
    /// (`head.mode: posthoc`).
    public var keepsClassifier: Bool { state.keepsClassifier }

    /// C, the number of classes.
    public var classCount: Int { state.classNames.count }
    /// Weights of a class: D or 2 D.
    public var weightsPerClass: Int { classifier.count == classCount * channelCount ? channelCount : 2 * channelCount }

    /// SHA-256 of `head.safetensors`; a sound checkpoint states it (`init(reading:)`).
    public var headDigest: ContentDigest { state.headDigest! }

    /// The largest max|U^T U - I| of a sound checkpoint.
    public static let orthogonalityLimit = 1e-5

    static let headName = "head.safetensors"
    static let optimizerName = "optimizer.safetensors"
    static let stateName = "state.json"

    /// Reads the checkpoint in `directory` (the folder of one step) and checks all of it: schema version, digests, shapes,
    /// finite values, A >= 0, orthogonality. Throws `CheckpointError`, `DurableFileError`.
    ///
    /// The product for the orthogonality takes D^3 multiplications, about half a second for D = 2048 on two cores.
    public init(reading directory: FilePath) throws {
        guard DurableDirectory.exists(directory) else { throw CheckpointError.noCheckpoint(path: directory) }
        do {
            try self.init(readingFilesIn: directory)
        } catch  where !DurableDirectory.exists(directory) {
            // Whatever was missing, the reason is that a training removed it.
            throw CheckpointError.removed(path: directory)
        }
    }

    private init(readingFilesIn directory: FilePath) throws {
        self.directory = directory
        state = try Self.state(of: directory)
        let head = try Self.open(Self.headName, in: directory, state)
        let optimizerFile = try Self.open(Self.optimizerName, in: directory, state)
        let tensors = try Self.readHead(head, classCount: state.classNames.count)
        (channelCount, channelMap, classifier) = (tensors.channelCount, tensors.channelMap, tensors.classifier)
        (bias, mask, epsilon) = (tensors.bias, tensors.mask, try Self.readEpsilon(head))
        if let channel = state.channelNames.keys.filter({ [channelCount] in $0 >= channelCount }).min() {
            throw CheckpointError.malformedState(
                path: directory.appending(Self.stateName),
                problem: "it names the channel \(channel), but the head has \(channelCount) channels")
        }
        optimizer = try optimizerFile.entries.map { entry in
            try Self.require(entry.elementType == .float32, optimizerFile, "\"\(entry.name)\" is not F32")
            let elements = try optimizerFile.floats(entry.name)
            try Self.checkFinite(elements, entry.name, optimizerFile.path)
            return OptimizerTensor(name: entry.name, shape: entry.shape, elements: elements)
        }
        if !state.keepsClassifier, let index = classifier.firstIndex(where: { $0 < 0 }) {
            let weightsPerClass = classifier.count / state.classNames.count
            throw CheckpointError.negativeWeight(
                path: head.path, classIndex: index / weightsPerClass, channel: index % weightsPerClass % channelCount,
                value: classifier[index])
        }
        orthogonalityError = ColumnProducts.orthogonalityError(of: channelMap, side: channelCount)
        guard orthogonalityError <= Self.orthogonalityLimit else {
            throw CheckpointError.notOrthogonal(
                path: head.path, deviation: orthogonalityError, limit: Self.orthogonalityLimit)
        }
    }

    /// Reads and checks only the state of the checkpoint in `directory`. Throws `CheckpointError`, `DurableFileError`.
    public static func state(of directory: FilePath) throws -> CheckpointState {
        guard DurableDirectory.exists(directory) else { throw CheckpointError.noCheckpoint(path: directory) }
        do {
            return try CheckpointState(reading: directory.appending(stateName))
        } catch  where !DurableDirectory.exists(directory) {
            throw CheckpointError.removed(path: directory)
        }
    }

    init(
        directory: FilePath, state: CheckpointState, channelCount: Int, channelMap: [Float], classifier: [Float],
        bias: [Float]?, mask: [Bool]?, epsilon: Float?, optimizer: [OptimizerTensor], orthogonalityError: Double
    ) {
        self.directory = directory
        self.state = state
        self.channelCount = channelCount
        self.channelMap = channelMap
        self.classifier = classifier
        self.bias = bias
        self.mask = mask
        self.epsilon = epsilon
        self.optimizer = optimizer
        self.orthogonalityError = orthogonalityError
    }

    private static func open(_ name: String, in directory: FilePath, _ state: CheckpointState) throws -> SafetensorsFile
    {
        let path = directory.appending(name)
        guard let expected = state.files[name] else {
            throw CheckpointError.malformedState(
                path: directory.appending(stateName), problem: "it does not state the digest of \(name)")
        }
        do {
            let found = try ContentDigest.ofFile(path)
            guard found == expected else {
                throw CheckpointError.wrongDigest(path: path, expected: expected, found: found)
            }
            return try SafetensorsFile(path)
        } catch DurableFileError.missing {
            throw CheckpointError.incomplete(path: path)
        } catch WeightFileError.malformed(_, let fault) {
            throw CheckpointError.malformedTensors(path: path, problem: "\(fault)")
        }
    }

    private static func readHead(
        _ file: SafetensorsFile, classCount: Int
    ) throws -> (channelCount: Int, channelMap: [Float], classifier: [Float], bias: [Float]?, mask: [Bool]?) {
        for name in ["channel_map", "classifier"] {
            try require(file.entry(name) != nil, file, "it does not hold \(name)")
        }
        let optional = ["classifier_bias", "classifier_mask", epsilonName]
        if let name = file.tensorNames.first(where: { !(["channel_map", "classifier"] + optional).contains($0) }) {
            try require(false, file, "it holds \"\(name)\", which no head has")
        }
        let (map, classifier) = (file.entry("channel_map")!, file.entry("classifier")!)
        try require(map.elementType == .float32 && classifier.elementType == .float32, file, "its tensors are not F32")
        try require(
            map.shape.count == 2 && map.shape[0] == map.shape[1] && map.shape[0] > 0, file,
            "channel_map has the shape \(map.shape), expected [D, D]")
        let channelCount = map.shape[0]
        try require(
            classifier.shape == [classCount, channelCount] || classifier.shape == [classCount, 2 * channelCount], file,
            "classifier has the shape \(classifier.shape), expected [\(classCount), \(channelCount)] for "
                + "\(classCount) classes and \(channelCount) channels, or twice as many columns")
        let tensors = try (file.floats("channel_map"), file.floats("classifier"))
        try checkFinite(tensors.0, "channel_map", file.path)
        try checkFinite(tensors.1, "classifier", file.path)
        let mask = try readMask(file, of: tensors.1, shape: classifier.shape, channelCount: channelCount)
        return (channelCount, tensors.0, tensors.1, try readBias(file, classCount: classCount), mask)
    }

    /// `classifier_mask` of the classifier's shape, checked against the weights; nil if there is none.
    private static func readMask(
        _ file: SafetensorsFile, of classifier: [Float], shape: [Int], channelCount: Int
    ) throws -> [Bool]? {
        guard let entry = file.entry("classifier_mask") else { return nil }
        try require(
            entry.elementType == .uint8 && entry.shape == shape, file,
            "classifier_mask is not \(shape) of U8, as the classifier is")
        let bytes = try file.withBytes(of: "classifier_mask") { Array($0) }
        try require(bytes.allSatisfy { $0 <= 1 }, file, "classifier_mask holds something else than 0 and 1")
        if let index = classifier.indices.first(where: { bytes[$0] == 0 && classifier[$0] != 0 }) {
            throw CheckpointError.weightOutsideMask(
                path: file.path, classIndex: index / shape[1], channel: index % shape[1] % channelCount,
                value: classifier[index])
        }
        return bytes.map { $0 == 1 }
    }

    /// `classifier_bias` [C]; nil if there is none.
    private static func readBias(_ file: SafetensorsFile, classCount: Int) throws -> [Float]? {
        guard let entry = file.entry("classifier_bias") else { return nil }
        try require(
            entry.elementType == .float32 && entry.shape == [classCount], file,
            "classifier_bias is not [\(classCount)] of F32 for \(classCount) classes")
        let bias = try file.floats("classifier_bias")
        try checkFinite(bias, "classifier_bias", file.path)
        return bias
    }

    /// The name of `epsilon` in the head's file.
    static let epsilonName = "standardisation_epsilon"

    /// `standardisation_epsilon` [1]; nil if there is none.
    private static func readEpsilon(_ file: SafetensorsFile) throws -> Float? {
        guard let entry = file.entry(epsilonName) else { return nil }
        try require(entry.elementType == .float32 && entry.shape == [1], file, "\(epsilonName) is not [1] of F32")
        let epsilon = try file.floats(epsilonName)[0]
        try require(epsilon > 0 && epsilon.isFinite, file, "\(epsilonName) is \(epsilon), expected a positive number")
        return epsilon
    }

    private static func require(_ condition: Bool, _ file: SafetensorsFile, _ problem: @autoclosure () -> String) throws
    {
        guard condition else { throw CheckpointError.malformedTensors(path: file.path, problem: problem()) }
    }

    static func checkFinite(_ elements: [Float], _ tensor: String, _ path: FilePath) throws {
        if let index = elements.firstIndex(where: { !$0.isFinite }) {
            throw CheckpointError.notFinite(path: path, tensor: tensor, index: index)
        }
    }
}
