/// Why a file that `torch.save` seems to have written cannot be used.
public enum TorchFault: Error, Equatable, Sendable {
    /// The archive around the data is damaged.
    case zip(ZipFault)
    /// The pickle that describes the data is damaged, or made to do harm.
    case pickle(PickleFault)
    /// The pickle wants a function by which a program would be run wherever Python opens the file.
    case refusedName(String)
    /// An archive with several `data.pkl`.
    case noPickle
    /// An archive that holds a program (`torch.jit.save`).
    case torchScript
    /// The numbers are stored with the highest byte first.
    case bigEndian
    /// The file says it is of another version of the format.
    case unknownVersion
    /// The front of a stream of pickles is not what torch.save writes.
    case badPreamble
    /// A storage that tensors are views of is not in the file.
    case missingStorage(String)
    /// A storage has another number of bytes than the tensors' descriptions say.
    case wrongStorageLength(String, expected: Int, found: Int)
    /// The file ends within its data, or goes on behind it.
    case wrongLength(expected: Int, found: Int)
}

extension TorchFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .zip(let fault): "\(fault). Get or make the file again"
        case .pickle(let fault): "\(fault). Get or make the file again"
        case .refusedName(let name):
            "it asks for \(printable(name)), by which it would run a program or remove files wherever Python opens it. Nothing of "
                + "it was run here. It is not what it seems: get the weights from elsewhere, as safetensors"
        case .noPickle:
            "it is a zip archive without one data.pkl, so torch.save did not write it. Check that it is the right file"
        case .torchScript:
            "it is a TorchScript program. Load it with torch.jit.load and save model.state_dict() with torch.save"
        case .bigEndian: "its numbers have their highest byte first. Save it again on a little-endian machine"
        case .unknownVersion: "it is of an unknown version of the format. Save it again with a released PyTorch"
        case .badPreamble: "it begins like a file of torch.save and goes on otherwise. Get or make the file again"
        case .missingStorage(let name):
            "the data \"\(printable(name))\" that a tensor refers to is not in it. Get or make the file again"
        case .wrongStorageLength(let name, let expected, let found):
            "the data \"\(printable(name))\" has \(found) bytes where its tensors need \(expected). Get or make the file again"
        case .wrongLength(let expected, let found):
            "it has \(found) bytes where its content asks for \(expected); it was cut short or damaged. Get or make the file "
                + "again"
        }
    }
}
