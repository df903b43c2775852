import DurableFiles
import Synchronization
public import SystemPackage

/// A file of weights in any form that can be read, mapped into memory: safetensors, or what `torch.save` wrote.
///
///     let file = try WeightFile.open("resnet50.pth")
///     let weight = try file.floats("conv1.weight", shape: [64, 3, 7, 7])
///
/// The form is told by the content. Nothing in a file is executed: a pickle is read for its tensors, by an interpreter that
/// knows a fixed list of names and calls nothing. Tensors have the names of the bare network; `layout` says what those were
/// wrapped in. Their bytes stay in the file until they are asked for.
public final class WeightFile: WeightSource {
    private let file: MappedFile
    private let contents: WeightContents
    /// What is known of the storages that had to be looked at before they could be used.
    private let prepared = Mutex<[Int: Prepared]>([:])

    private enum Prepared {
        /// The checksum is right.
        case checked
        case inflated([UInt8])
    }

    /// Opens the file at `path` and reads its structure.
    ///
    /// - Parameter useEMA: whether to take the exponential moving average of the weights, which training programs keep
    ///   beside the weights or in their place. It is never taken by itself.
    /// - Throws: `DurableFileError`; `WeightFileError` when the file is damaged, holds objects instead of tensors, or has no
    ///   network of the kind asked for.
    public static func open(_ path: FilePath, useEMA: Bool = false) throws -> WeightFile {
        let file = try MappedFile(path)
        do {
            return WeightFile(file, try file.withBytes { try contents(of: $0, at: path, useEMA: useEMA) })
        } catch {
            throw WeightFileError(error, in: path)
        }
    }

    /// What the file holds. Of a file whose content says nothing, its name says what it should have been.
    private static func contents(
        of bytes: UnsafeRawBufferPointer, at path: FilePath, useEMA: Bool
    ) throws -> WeightContents {
        do {
            return try WeightContents(of: bytes, useEMA: useEMA)
        } catch let kind as UnrecognisedFile {
            if path.extension == "safetensors", kind == .unknown || kind == .empty {
                _ = try SafetensorsHeader(of: bytes)
            }
            throw kind
        }
    }

    private init(_ file: MappedFile, _ contents: WeightContents) {
        self.file = file
        self.contents = contents
    }

    public var path: FilePath { file.path }

    /// Size of the file.
    public var byteCount: Int { file.byteCount }

    /// How the tensors were found.
    public var layout: WeightLayout { contents.layout }

    public var metadata: [String: String] { contents.metadata }

    public var tensorNames: [String] { contents.tensors.map(\.entry.name) }

    /// All tensors of the network, sorted by name.
    public var entries: [TensorEntry] { contents.tensors.map(\.entry) }

    public func entry(_ name: String) -> TensorEntry? {
        contents.index(of: name).map { contents.tensors[$0].entry }
    }

    public func floats(_ name: String) throws -> [Float] {
        let entry = try requiredEntry(name)
        guard let convert = FloatConversion.conversion(from: entry.elementType) else {
            throw WeightFileError.wrongElementType(
                path: path, name: name, expected: FloatConversion.elementTypes, found: entry.elementType)
        }
        return try withBytes(of: name) { source in
            [Float](unsafeUninitializedCapacity: entry.elementCount) { destination, count in
                convert(source, UnsafeMutableBufferPointer(rebasing: destination[..<entry.elementCount]))
                count = entry.elementCount
            }
        }
    }

    /// Calls `body` with the elements of a tensor, slowest axis first: little-endian, not aligned, valid only within the
    /// call. They are copied only where they do not lie so in the file.
    ///
    /// - Throws: `WeightFileError` when there is no such tensor or its data is damaged.
    public func withBytes<Result>(of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        guard let index = contents.index(of: name) else {
            throw WeightFileError.missingTensor(path: path, name: name, tensorNames: tensorNames)
        }
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
            let prepared: Prepared
            do {
                prepared = try file.withBytes { bytes in
                    try storage.inflated(from: bytes).map { .inflated($0) } ?? .checked
                }
            } catch {
                throw WeightFileError(error, in: path)
            }
            known[index] = prepared
            return prepared
        }
    }
}
