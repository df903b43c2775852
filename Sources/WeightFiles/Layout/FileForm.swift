/// What a file is, told by its first bytes and never by its name.
enum FileForm: Equatable {
    case safetensors
    case torchZip
    case torchStream
    case other(UnrecognisedFile)

    init(of file: UnsafeRawBufferPointer) {
        if file.count > 8, file[8] == UInt8(ascii: "{") {
            self = .safetensors
        } else if file.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
            self = .torchZip
        } else if file.first == 0x80, Self.holdsMagicNumber(file.prefix(32)) {
            self = .torchStream
        } else {
            self = .other(UnrecognisedFile(file))
        }
    }

    /// It is the value of the first pickle, whose protocol decides what stands before it.
    private static func holdsMagicNumber(_ front: Slice<UnsafeRawBufferPointer>) -> Bool {
        let magic = TorchContents.magicNumber
        return front.indices.contains { front[$0...].starts(with: magic) }
    }
}

/// What a file that holds no weights in a form that can be read seems to be.
public enum UnrecognisedFile: Error, Equatable, Sendable {
    case empty
    case gzip
    case otherCompression
    case gitLFSPointer
    case webPage
    case hdf5
    case tensorsInTar
    case otherPickle
    case unknown

    init(_ file: UnsafeRawBufferPointer) {
        if file.isEmpty {
            self = .empty
        } else if let known = Self.signatures.first(where: { file.starts(with: $0.bytes) }) {
            self = known.kind
        } else if file.count > 262, file[257..<262].elementsEqual("ustar".utf8) {
            self = .tensorsInTar
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
        (Array("version https://git-lfs".utf8), .gitLFSPointer),
        (Array("<".utf8), .webPage),
        ([0x89, 0x48, 0x44, 0x46], .hdf5),
        ([0x80], .otherPickle),
    ]
}

extension UnrecognisedFile: CustomStringConvertible {
    public var description: String {
        switch self {
        case .empty: "it is empty. Get it again"
        case .gzip: "it is compressed with gzip. Unpack it with gunzip first"
        case .otherCompression: "it is compressed (xz, bzip2 or zstd). Unpack it first"
        case .gitLFSPointer: "it is a Git LFS pointer. Get the file it points to with `git lfs pull`"
        case .webPage: "it is a web page or XML, so the download went wrong. Get it again"
        case .hdf5: "it is an HDF5 file (Keras). Convert it to safetensors"
        case .tensorsInTar:
            "it is a tar archive; torch.save wrote those before version 0.2. Load it with PyTorch and save the state "
                + "dictionary again"
        case .otherPickle:
            "it is a pickle, but not one that torch.save wrote. Load it with the program that made it and save the state "
                + "dictionary with torch.save or as safetensors"
        case .unknown:
            "it is neither safetensors nor a PyTorch file, or it is damaged. Check that it is the right file, or get it "
                + "again"
        }
    }
}
