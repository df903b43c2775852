public import SystemPackage

/// What can be wrong with a file of weights. All of these are bad data; a file that is not there or cannot be read is a
/// `DurableFileError`.
public enum WeightFileError: Error, Equatable, Sendable {
    /// The file breaks the rules of its format.
    case malformed(path: FilePath, fault: SafetensorsFault)
    /// A file of PyTorch is damaged, or holds something else than tensors.
    case unreadable(path: FilePath, fault: TorchFault)
    /// The file is of no form that can be read.
    case unrecognised(path: FilePath, kind: UnrecognisedFile)
    /// The file is sound, and the network that is looked for is not in it.
    case unsuitable(path: FilePath, fault: LayoutFault)
    /// A tensor that is needed is not in the file.
    case missingTensor(path: FilePath, name: String, tensorNames: [String])
    /// A tensor has another shape than is needed.
    case wrongShape(path: FilePath, name: String, expected: [Int], found: [Int])
    /// A tensor's elements are of a type that cannot be used here.
    case wrongElementType(path: FilePath, name: String, expected: [ElementType], found: ElementType)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 { 65 }

    /// The error of a file whose content gave rise to `fault`.
    init(_ fault: any Error, in path: FilePath) {
        switch fault {
        case let fault as SafetensorsFault: self = .malformed(path: path, fault: fault)
        case let fault as TorchFault: self = .unreadable(path: path, fault: fault)
        case let fault as LayoutFault: self = .unsuitable(path: path, fault: fault)
        case let kind as UnrecognisedFile: self = .unrecognised(path: path, kind: kind)
        default: preconditionFailure("reading a weight file cannot fail with \(fault)")
        }
    }
}

extension WeightFileError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let path, let fault):
            "\(path) is not a valid safetensors file: \(fault). Get or make the file again."
        case .unreadable(let path, let fault): "\(path) cannot be read as a PyTorch file: \(fault)."
        case .unrecognised(let path, let kind): "\(path) cannot be used as a weight file: \(kind)."
        case .unsuitable(let path, let fault): "\(path) cannot be used as a weight file: \(fault)."
        case .missingTensor(let path, let name, let tensorNames):
            "\(path) has no tensor \"\(name)\"; \(Self.list(tensorNames)). Check that it is the right file."
        case .wrongShape(let path, let name, let expected, let found):
            "\(path): the tensor \"\(name)\" has the shape \(found) where \(expected) is expected. "
                + "Check that it is the right file."
        case .wrongElementType(let path, let name, let expected, let found):
            "\(path): the tensor \"\(name)\" holds \(found.rawValue) where "
                + "\(expected.map(\.rawValue).joined(separator: ", ")) is expected. Convert it or use another file."
        }
    }

    private static func list(_ names: [String]) -> String {
        guard !names.isEmpty else { return "it has none at all" }
        let some = names.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
        return "it has \(names.count): \(some)\(names.count > 3 ? ", ..." : "")"
    }
}
