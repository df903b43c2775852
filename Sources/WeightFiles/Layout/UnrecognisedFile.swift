/// What a file that holds no weights in a form that can be read seems to be.
public enum UnrecognisedFile: Error, Equatable, Sendable {
    case empty
    case gzip
    case otherCompression
    case gitLFSPointer
    case webPage
    case json
    /// Begins so.
    case text(String)
    case hdf5
    case keras
    case onnx
    case torchExport
    case tensorFlow
    case numpyArray
    case gguf
    case image
    case tar
    case otherPickle
    /// With these names among others.
    case otherZip([String])
    case unknown

    init(_ file: UnsafeRawBufferPointer) {
        if file.isEmpty {
            self = .empty
        } else if let known = Self.signatures.first(where: { file.starts(with: $0.bytes) }) {
            self = known.kind
        } else if file.count > 262, file[257..<262].elementsEqual("ustar".utf8) {
            self = .tar
        } else if Self.isJSON(file) {
            self = .json
        } else if Self.isTensorFlow(file) {
            self = .tensorFlow
        } else if Self.isONNX(file) {
            self = .onnx
        } else if file.first == 0x80 {
            self = .otherPickle
        } else if let text = Self.text(at: file) {
            self = .text(text)
        } else {
            self = .unknown
        }
    }

    /// First bytes of files that are taken for weights by mistake.
    private static let signatures: [(bytes: [UInt8], kind: UnrecognisedFile)] = [
        ([0x1F, 0x8B], .gzip),
        ([0xFD, 0x37, 0x7A], .otherCompression),
        ([0x42, 0x5A, 0x68], .otherCompression),
        ([0x28, 0xB5, 0x2F, 0xFD], .otherCompression),
        ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], .otherCompression),
        (Array("Rar!".utf8), .otherCompression),
        (Array("version https://git-lfs".utf8), .gitLFSPointer),
        (Array("<".utf8), .webPage),
        ([0x89, 0x48, 0x44, 0x46], .hdf5),
        (NumpyHeader.magic, .numpyArray),
        (Array("GGUF".utf8), .gguf),
        ([0x89, 0x50, 0x4E, 0x47], .image),
        ([0xFF, 0xD8, 0xFF], .image),
        (Array("GIF8".utf8), .image),
    ]

    /// An object or a list, and text as far as one looks.
    static func isJSON(_ file: UnsafeRawBufferPointer) -> Bool {
        guard let first = file.prefix(64).first(where: { ![0x20, 0x0A, 0x0D, 0x09].contains($0) }) else { return false }
        return [UInt8(ascii: "{"), UInt8(ascii: "[")].contains(first)
            && file.prefix(64).allSatisfy { $0 >= 0x20 || [0x0A, 0x0D, 0x09].contains($0) }
    }

    /// A protocol buffer whose first field is the number of a version of the format, below 32, and whose second is the name
    /// or the version of the program that wrote it, or the graph or its operators.
    private static func isONNX(_ file: UnsafeRawBufferPointer) -> Bool {
        file.count > 16 && file[0] == 0x08 && (1...31).contains(file[1])
            && [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42].contains(file[2])
    }

    /// A saved model (version 1, then a graph), a graph (a node with a name), a flat model for small machines, or the list of
    /// a checkpoint.
    private static func isTensorFlow(_ file: UnsafeRawBufferPointer) -> Bool {
        guard file.count > 16 else { return false }
        if file.starts(with: [0x08, 0x01, 0x12]) { return true }
        if file[4..<8].elementsEqual("TFL3".utf8) { return true }
        if file.suffix(8).elementsEqual([0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]) { return true }
        guard file[0] == 0x0A else { return false }
        // The length of the node takes one byte or two.
        let name = file[1] < 0x80 ? 2 : 3
        let length = Int(file[name + 1])
        return file[name] == 0x0A && (1...127).contains(length) && file.count > name + 2 + length
            && file[name + 2..<name + 2 + length].allSatisfy { (0x20...0x7E).contains($0) }
    }

    /// The front of a file that is nothing but text: what a server says instead of a file, a script, a list.
    private static func text(at file: UnsafeRawBufferPointer) -> String? {
        let front = file.prefix(512)
        guard front.allSatisfy({ (0x20...0x7E).contains($0) || [0x0A, 0x0D, 0x09].contains($0) }), file.count > 3 else {
            return nil
        }
        let line = front.split(separator: 0x0A).first ?? front[...]
        return printable(String(decoding: line.prefix(60), as: UTF8.self))
    }

    /// What an archive is by its records; nil if it may be one of PyTorch.
    init?(_ archive: ZipArchive) {
        let names = archive.records.map(\.name)
        func isThere(_ name: String) -> Bool {
            let path = Array("/\(name)".utf8)
            return names.contains { $0.utf8.elementsEqual(name.utf8) || $0.utf8.suffix(path.count).elementsEqual(path) }
        }
        if isThere("data.pkl") { return nil }
        if isThere("model.weights.h5") {
            self = .keras
        } else if isThere("archive_format") || isThere("serialized_exported_program.json") {
            self = .torchExport
        } else {
            self = .otherZip(names.prefix(3).map { printable($0, limit: 40) })
        }
    }
}

extension UnrecognisedFile: CustomStringConvertible {
    public var description: String {
        switch self {
        case .empty: "it is empty. Get it again"
        case .gzip: "it is compressed with gzip. Unpack it with gunzip first"
        case .otherCompression: "it is compressed (xz, bzip2, zstd, 7z or rar). Unpack it first"
        case .gitLFSPointer: "it is a Git LFS pointer. Get the file it points to with `git lfs pull`"
        case .webPage: "it is a web page or XML, so the download went wrong. Get it again"
        case .json: "it is JSON, which holds no weights. Give the file of weights that it belongs to"
        case .text(let front): "it is text, which begins with \"\(front)\". Check that the download went right"
        case .hdf5: "it is an HDF5 file (Keras, TensorFlow). Convert it to safetensors"
        case .keras: "it is a model of Keras. Convert its weights to safetensors"
        case .onnx: "it is an ONNX model. Get the weights that it was exported from, or convert it to safetensors"
        case .torchExport:
            "it is an exported program (torch.export, .pt2). Load it with torch.export.load and save its state_dict with "
                + "torch.save"
        case .tensorFlow: "it is a file of TensorFlow. Convert its weights to safetensors"
        case .numpyArray: "it is a single NumPy array. Give a file of all the network's tensors"
        case .gguf: "it is a GGUF file, whose numbers are mostly quantised. Get the weights as safetensors"
        case .image: "it is an image. Give a file of weights"
        case .tar:
            "it is a tar archive; torch.save wrote those before version 0.2. Unpack it if there are weights in it, or load "
                + "it with PyTorch and save the state dictionary again"
        case .otherPickle:
            "it is a pickle, but not one that torch.save wrote. Load it with the program that made it and save the state "
                + "dictionary with torch.save or as safetensors"
        case .otherZip(let names):
            "it is a zip archive that is none of torch.save and none of numpy.savez; it holds \(names.joined(separator: ", "))"
                + (names.count == 3 ? ", ..." : "") + ". Unpack it if there are weights in it"
        case .unknown:
            "it is neither safetensors nor a PyTorch file, or it is damaged. Check that it is the right file, or get it "
                + "again"
        }
    }
}
