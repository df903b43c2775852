/// What a weight file of any form holds, found in its bytes alone: its tensors under the names of the bare network, and how
/// they were found. Nothing is copied and nothing is run.
package struct WeightContents: Sendable {
    package private(set) var layout: WeightLayout
    /// Strings that a safetensors file has beside its tensors.
    package let metadata: [String: String]
    /// The network's tensors, sorted by the UTF-8 bytes of their names.
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
    /// - Parameter useEMA: whether to take the moving average of the weights instead of the weights.
    /// - Throws: `SafetensorsFault`, `TorchFault`, `LayoutFault` or `UnrecognisedFile`.
    package init(of file: UnsafeRawBufferPointer, useEMA: Bool) throws {
        switch FileForm(of: file) {
        case .safetensors: try self.init(SafetensorsHeader(of: file), fileByteCount: file.count, useEMA: useEMA)
        case .torchZip: self = try TorchContents.zip(file, useEMA: useEMA)
        case .torchStream: self = try TorchContents.stream(file, useEMA: useEMA)
        case .other(let kind): throw kind
        }
    }

    private init(_ header: SafetensorsHeader, fileByteCount: Int, useEMA: Bool) throws {
        let tensors = header.entries.enumerated().map {
            StoredTensor(entry: $1, storage: $0, byteOffset: 0, strides: nil)
        }
        let storages = header.entries.map {
            TensorStorage(name: $0.name, fileRange: $0.byteRange, byteCount: $0.byteRange.count)
        }
        try self.init(
            tensors, storages, metadata: header.metadata, layout: WeightLayout(form: .safetensors),
            fileByteCount: fileByteCount, useEMA: useEMA)
    }

    /// The network among `tensors`, which have the names that the file gives them.
    init(
        _ found: [StoredTensor], _ storages: [TensorStorage], metadata: [String: String] = [:], layout: WeightLayout,
        fileByteCount: Int, useEMA: Bool
    ) throws {
        var layout = layout
        let names = try NetworkNames(found.map(\.entry.name), useEMA: useEMA && !layout.usesEMA)
        layout.strippedPrefixes += names.strippedPrefixes
        layout.renamedPrefixes = names.renamedPrefixes
        layout.ignored += names.ignored.map { .init(name: found[$0.index].entry.name, reason: $0.reason) }
        layout.usesEMA = layout.usesEMA || names.usesEMA
        layout.alternatives += names.alternatives
        if useEMA && !layout.usesEMA { throw LayoutFault.noEMA(found: layout.path) }
        let tensors = names.kept.map { found[$0.index].renamed($0.name) }
            .sorted { $0.entry.name.utf8.lexicographicallyPrecedes($1.entry.name.utf8) }
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

extension StoredTensor {
    /// The same tensor under another name.
    func renamed(_ name: String) -> StoredTensor {
        StoredTensor(
            entry: TensorEntry(
                name: name, elementType: entry.elementType, shape: entry.shape, byteRange: entry.byteRange),
            storage: storage, byteOffset: byteOffset, strides: strides)
    }
}
