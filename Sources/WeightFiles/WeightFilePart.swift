import DurableFiles
import Synchronization
import SystemPackage

/// One file of weights.
final class WeightFilePart: Sendable {
    let file: MappedFile
    let contents: WeightContents
    /// What is known of the storages that had to be looked at before they could be used.
    private let prepared = Mutex<[Int: Prepared]>([:])

    private enum Prepared {
        /// The checksum is right.
        case checked
        case inflated([UInt8])
    }

    /// - Throws: `DurableFileError`, `WeightFileError`.
    init(_ path: FilePath) throws {
        // Opening a pipe would wait for somebody to write into it.
        _ = try DurableFile.byteCount(of: path)
        let file = try MappedFile(path)
        self.file = file
        contents = try WeightFileError.naming(path) {
            try file.withBytes { bytes throws in try Self.contents(of: bytes, at: path) }
        }
    }

    /// What the file holds. Of a file whose content says nothing, its name says what it should have been.
    private static func contents(of bytes: UnsafeRawBufferPointer, at path: FilePath) throws -> WeightContents {
        do {
            return try WeightContents(of: bytes)
        } catch let kind as UnrecognisedFile where kind == .unknown || kind == .empty {
            if path.extension == "safetensors" { _ = try SafetensorsHeader(of: bytes) }
            // Numbers and nothing else; the list of them is another file.
            if path.lastComponent?.string.contains(".data-0") == true { throw UnrecognisedFile.tensorFlow }
            throw kind
        }
    }

    /// Calls `body` with the elements of a tensor, by its place among those of `contents`.
    func withBytes<Result>(of index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let tensor = contents.tensors[index]
        let storage = contents.storages[tensor.storage]
        if case .inflated(let bytes) = try preparation(of: tensor.storage) {
            return try bytes.withUnsafeBytes { try tensor.withBytes(in: $0, body) }
        }
        return try file.withBytes {
            try tensor.withBytes(in: UnsafeRawBufferPointer(rebasing: $0[storage.fileRange]), body)
        }
    }

    /// Checks or inflates a storage when it is used first.
    private func preparation(of index: Int) throws -> Prepared {
        let storage = contents.storages[index]
        guard !storage.isPlain else { return .checked }
        return try prepared.withLock { known in
            if let prepared = known[index] { return prepared }
            let prepared: Prepared = try WeightFileError.naming(file.path) {
                try file.withBytes { bytes in
                    try storage.inflated(from: bytes).map { .inflated($0) } ?? .checked
                }
            }
            known[index] = prepared
            return prepared
        }
    }
}
