public import SystemPackage

/// What can be wrong with a file of weights. All of these are bad data; a file that is not there or cannot be read is a
/// `DurableFileError`.
public enum WeightFileError: Error, Equatable, Sendable {
    /// The file breaks the rules of its format.
    case malformed(path: FilePath, fault: SafetensorsFault)
    /// A file of PyTorch is damaged, or holds something else than tensors.
    case unreadable(path: FilePath, fault: TorchFault)
    /// An archive of NumPy's arrays is damaged.
    case unreadableArrays(path: FilePath, fault: NumpyFault)
    /// The file is of no form that can be read.
    case unrecognised(path: FilePath, kind: UnrecognisedFile)
    /// The file is sound, and what is looked for is not in it.
    case unsuitable(path: FilePath, fault: LayoutFault)
    /// A list of files and the files do not fit each other.
    case shards(path: FilePath, fault: ShardFault)
    /// The file is one of several that a list beside it names.
    case onePart(path: FilePath, index: FilePath)
    /// A folder without a file of weights, or with several: `files`.
    case folder(path: FilePath, files: [String], isDistributed: Bool)
    /// A tensor that is needed is not in the file.
    case missingTensor(path: FilePath, name: String, tensorNames: [String])
    /// A tensor has another shape than is needed.
    case wrongShape(path: FilePath, name: String, expected: [Int], found: [Int])
    /// A tensor's elements are of a type that cannot be used here.
    case wrongElementType(path: FilePath, name: String, expected: [ElementType], found: ElementType)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 { 65 }

    /// What `body` gives; the faults that it finds in the content of a file become errors that name the file.
    static func naming<Result>(_ path: FilePath, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let fault as SafetensorsFault {
            throw WeightFileError.malformed(path: path, fault: fault)
        } catch let fault as TorchFault {
            throw WeightFileError.unreadable(path: path, fault: fault)
        } catch let fault as NumpyFault {
            throw WeightFileError.unreadableArrays(path: path, fault: fault)
        } catch let fault as LayoutFault {
            throw WeightFileError.unsuitable(path: path, fault: fault)
        } catch let fault as ShardFault {
            throw WeightFileError.shards(path: path, fault: fault)
        } catch let kind as UnrecognisedFile {
            throw WeightFileError.unrecognised(path: path, kind: kind)
        }
    }
}

extension WeightFileError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let path, let fault):
            "\(path) is not a valid safetensors file: \(fault). Get or make the file again."
        case .unreadable(let path, let fault): "\(path) cannot be read as a PyTorch file: \(fault)."
        case .unreadableArrays(let path, let fault): "\(path) cannot be read as an archive of NumPy: \(fault)."
        case .unrecognised(let path, let kind): "\(path) cannot be used as a weight file: \(kind)."
        case .unsuitable(let path, let fault): "\(path) cannot be used as a weight file: \(fault)."
        case .shards(let path, let fault): "\(path) cannot be used as a list of weight files: \(fault)."
        case .onePart(let path, let index):
            "\(path) is one of the files that \(index) lists. Give that one, or the folder of both."
        case .folder(let path, let files, let isDistributed):
            if isDistributed {
                "\(path) is a checkpoint of torch.distributed.checkpoint. Make it one file with "
                    + "torch.distributed.checkpoint.format_utils.dcp_to_torch_save, and give that."
            } else if files.isEmpty {
                "\(path) is a folder without a file of weights. Give the path of the file."
            } else {
                "\(path) is a folder with several files of weights: \(files.prefix(5).joined(separator: ", "))"
                    + "\(files.count > 5 ? ", ..." : ""). Give the path of one."
            }
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
        let some = names.prefix(3).map { "\"\(printable($0))\"" }.joined(separator: ", ")
        return "it has \(names.count): \(some)\(names.count > 3 ? ", ..." : "")"
    }
}
