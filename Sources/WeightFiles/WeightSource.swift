public import DurableFiles
public import SystemPackage

/// Named tensors that a network can be loaded from.
public protocol WeightSource: Sendable {
    /// The file they come from; errors name it.
    var path: FilePath { get }

    /// All names, sorted by code point.
    var tensorNames: [String] { get }

    /// What is known about a tensor; nil when there is none of that name.
    func entry(_ name: String) -> TensorEntry?

    /// The elements of a floating-point tensor, slowest axis first. F16, BF16 and F32 convert exactly, F64 is rounded
    /// to nearest. Throws `WeightFileError` when there is no such tensor or it holds other things.
    func floats(_ name: String) throws -> [Float]

    /// What the file says about its tensors beside them; empty for forms that have no room for it.
    var metadata: [String: String] { get }

    /// What a `config.json` beside the file says; nil where there is none that can be read.
    var configuration: SavedConfiguration? { get }

    /// What a `preprocessor_config.json` beside the file says; nil where there is none that can be read.
    var preprocessing: SavedConfiguration? { get }

    /// Whether two names stand for the same elements.
    func isSameTensor(_ name: String, _ other: String) -> Bool

    /// Whether a tensor lies in a pickled network rather than in a dictionary of tensors.
    func isInPickledNetwork(_ name: String) -> Bool

    /// The SHA-256 of the file. Throws `DurableFileError`.
    func digest() throws -> ContentDigest
}

extension WeightSource {
    public var metadata: [String: String] { [:] }

    public var configuration: SavedConfiguration? { nil }

    public var preprocessing: SavedConfiguration? { nil }

    public func isSameTensor(_ name: String, _ other: String) -> Bool { name.utf8.elementsEqual(other.utf8) }

    public func isInPickledNetwork(_ name: String) -> Bool { false }

    /// The entry of a tensor that must be there. Throws `WeightFileError.missingTensor`.
    public func requiredEntry(_ name: String) throws -> TensorEntry {
        guard let entry = entry(name) else {
            throw WeightFileError.missingTensor(path: path, name: name, tensorNames: tensorNames)
        }
        return entry
    }

    /// The elements of a tensor that must be there with exactly this shape. Throws `WeightFileError`.
    public func floats(_ name: String, shape: [Int]) throws -> [Float] {
        let entry = try requiredEntry(name)
        guard entry.shape == shape else {
            throw WeightFileError.wrongShape(path: path, name: name, expected: shape, found: entry.shape)
        }
        return try floats(name)
    }

    public func digest() throws -> ContentDigest {
        try ContentDigest.ofFile(path)
    }
}
