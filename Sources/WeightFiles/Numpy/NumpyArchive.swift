/// What `numpy.savez` writes: a zip archive with a record NAME.npy for each array. Programs on JAX keep weights so, such as
/// those of "How to train your ViT?" (arXiv 2106.10270).
enum NumpyArchive {
    private static let suffix = ".npy"

    static func isOne(_ archive: ZipArchive) -> Bool {
        !archive.records.isEmpty
            && archive.records.allSatisfy {
                $0.name.utf8.count > 4 && $0.name.utf8.suffix(4).elementsEqual(suffix.utf8)
            }
    }

    /// The arrays; slashes in their names become dots.
    /// - Throws: `NumpyFault`, `TorchFault.zip`, `LayoutFault`.
    static func contents(_ archive: ZipArchive, of file: UnsafeRawBufferPointer) throws -> WeightContents {
        var layout = WeightLayout(form: .numpyArchive)
        layout.hasChecksums = true
        var tensors: [StoredTensor] = []
        var storages: [TensorStorage] = []
        for record in archive.records {
            let name = String(decoding: record.name.utf8.dropLast(suffix.utf8.count), as: UTF8.self)
                .replacing("/", with: ".")
            let storage = TensorStorage(record, hasChecksum: true)
            // The header of a compressed array shows when it is inflated; all of them together are bounded.
            let header =
                record.isDeflated
                ? try storage.withBytes(in: file) { NumpyHeader(of: $0) }
                : NumpyHeader(of: UnsafeRawBufferPointer(rebasing: file[record.range]))
            guard let header else { throw NumpyFault.badHeader(name) }
            guard let elementType = header.elementType else {
                layout.others.append(.init(name: name, kind: "an array of elements of another kind"))
                continue
            }
            guard let byteCount = TensorEntry.byteCount(of: header.shape, elementType) else {
                throw NumpyFault.badHeader(name)
            }
            guard byteCount == record.byteCount - header.byteCount else {
                throw NumpyFault.wrongByteCount(name, expected: byteCount, found: record.byteCount - header.byteCount)
            }
            let start = record.range.lowerBound + header.byteCount
            let isPlain = header.strides == nil && !record.isDeflated
            tensors.append(
                StoredTensor(
                    entry: TensorEntry(
                        name: name, elementType: elementType, shape: header.shape,
                        byteRange: isPlain ? start..<start + byteCount : record.range),
                    storage: storages.count, byteOffset: header.byteCount, strides: header.strides))
            storages.append(storage)
        }
        guard !tensors.isEmpty else { throw LayoutFault.noTensors(root: "arrays of other kinds", keys: []) }
        return try WeightContents(tensors, storages, layout: layout, fileByteCount: file.count)
    }
}
