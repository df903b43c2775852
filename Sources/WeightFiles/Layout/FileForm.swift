/// What a file is, told by its first bytes and never by its name.
enum FileForm: Equatable {
    case safetensors
    /// Of PyTorch, of NumPy or of something else: its records tell.
    case zip
    case torchStream
    case other(UnrecognisedFile)

    init(of file: UnsafeRawBufferPointer) {
        if file.count > 8, file[8] == UInt8(ascii: "{"), !UnrecognisedFile.isJSON(file) {
            self = .safetensors
        } else if file.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
            self = .zip
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
