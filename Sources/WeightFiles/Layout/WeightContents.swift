/// What a weight file of any form holds, found in its bytes alone: all its tensors under the names that the file gives them,
/// and what it is. Nothing is copied and nothing is run.
package struct WeightContents: Sendable {
    package let layout: WeightLayout
    /// Strings that a safetensors file has beside its tensors.
    package let metadata: [String: String]
    /// Sorted by the UTF-8 bytes of their names.
    package let tensors: [StoredTensor]
    /// What the tensors are views of.
    package let storages: [TensorStorage]

    /// What the tensors of a small file may be expanded to, or its records be inflated to, in bytes.
    package static let byteCountAllowance = 64 << 20
    /// How many times the bytes of its file all tensors together, or all inflated records, may have beyond that.
    package static let byteCountFactor = 16

    /// The largest number of bytes that tensors, or inflated records, may have together.
    package static func byteCountLimit(fileByteCount: Int) -> Int {
        let (product, overflow) = fileByteCount.multipliedReportingOverflow(by: byteCountFactor)
        return overflow || product > Int.max - byteCountAllowance ? .max : product + byteCountAllowance
    }

    /// Reads the structure of a file; its form is told by its content.
    /// - Throws: `SafetensorsFault`, `TorchFault`, `NumpyFault`, `LayoutFault` or `UnrecognisedFile`.
    package init(of file: UnsafeRawBufferPointer) throws {
        switch FileForm(of: file) {
        case .safetensors: try self.init(SafetensorsHeader(of: file), fileByteCount: file.count)
        case .zip: self = try Self.archive(file)
        case .torchStream: self = try TorchContents.stream(file)
        case .other(let kind): throw kind
        }
    }

    /// PyTorch and NumPy write zip archives, and many other programs.
    private static func archive(_ file: UnsafeRawBufferPointer) throws -> WeightContents {
        let archive: ZipArchive
        do {
            archive = try ZipArchive(of: file)
        } catch let fault as ZipFault {
            throw TorchFault.zip(fault)
        }
        if NumpyArchive.isOne(archive) { return try NumpyArchive.contents(archive, of: file) }
        if let kind = UnrecognisedFile(archive) { throw kind }
        return try TorchContents.zip(archive, of: file)
    }

    private init(_ header: SafetensorsHeader, fileByteCount: Int) throws {
        let tensors = header.entries.enumerated().map {
            StoredTensor(entry: $1, storage: $0, byteOffset: 0, strides: nil)
        }
        let storages = header.entries.map {
            TensorStorage(name: $0.name, fileRange: $0.byteRange, byteCount: $0.byteRange.count)
        }
        try self.init(
            tensors, storages, metadata: header.metadata, layout: WeightLayout(form: .safetensors),
            fileByteCount: fileByteCount)
    }

    /// - Throws: `LayoutFault`.
    init(
        _ found: [StoredTensor], _ storages: [TensorStorage], metadata: [String: String] = [:], layout: WeightLayout,
        fileByteCount: Int
    ) throws {
        let tensors = found.sorted { $0.entry.name.utf8.lexicographicallyPrecedes($1.entry.name.utf8) }
        for (one, next) in zip(tensors, tensors.dropFirst())
        where one.entry.name.utf8.elementsEqual(next.entry.name.utf8) {
            throw LayoutFault.repeatedName(next.entry.name)
        }
        let limit = Self.byteCountLimit(fileByteCount: fileByteCount)
        var byteCount = 0
        for tensor in tensors {
            // Each product was checked when the tensor was found.
            let (sum, overflow) = byteCount.addingReportingOverflow(
                tensor.entry.elementCount * tensor.entry.elementType.byteCount)
            byteCount = overflow ? .max : sum
        }
        guard byteCount <= limit else { throw LayoutFault.tooLarge(byteCount: byteCount, limit: limit) }
        self.layout = layout
        self.metadata = metadata
        self.tensors = tensors
        self.storages = storages
    }

    /// Calls `body` with the elements of the tensor at `index`, slowest axis first, out of the same bytes that this was read
    /// from; checks or inflates its storage each time. Throws `TorchFault`.
    package func withBytes<Result>(
        of index: Int, in file: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let tensor = tensors[index]
        return try storages[tensor.storage].withBytes(in: file) { try tensor.withBytes(in: $0, body) }
    }

    /// The index of the tensor of this name.
    package func index(of name: String) -> Int? {
        var low = 0
        var high = tensors.count
        while low < high {
            let middle = (low + high) / 2
            if tensors[middle].entry.name.utf8.lexicographicallyPrecedes(name.utf8) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < tensors.count && tensors[low].entry.name.utf8.elementsEqual(name.utf8) ? low : nil
    }
}
