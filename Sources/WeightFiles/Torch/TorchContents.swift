/// The structure of a file that `torch.save` wrote.
enum TorchContents {
    /// The archive that PyTorch writes since 1.6: records `NAME/data.pkl`, the pickle; `NAME/data/KEY`, one for each storage;
    /// and a few words about the file.
    static func zip(_ archive: ZipArchive, of file: UnsafeRawBufferPointer) throws -> WeightContents {
        let prefix = try prefix(of: archive)
        // With its checksums switched off, PyTorch writes zeros.
        let hasChecksums = archive.records.contains { $0.checksum != 0 }
        func storage(_ record: ZipArchive.Record) -> TensorStorage {
            TensorStorage(record, hasChecksum: hasChecksums)
        }
        if let order = archive.record(prefix + "byteorder") {
            let isLittle = try storage(order).withBytes(in: file) { $0.elementsEqual("little".utf8) }
            guard isLittle else { throw TorchFault.bigEndian }
        }
        guard let pickle = archive.record(prefix + "data.pkl") else { throw TorchFault.noPickle }
        let (root, heap) = try storage(pickle).withBytes(in: file) { bytes in
            var reader = PickleReader(bytes)
            let root = try Self.read(&reader)
            return (root, reader.heap)
        }
        return try contents(root, heap, form: .torchZip, file: file, hasChecksums: hasChecksums) {
            key in
            archive.record(prefix + "data/" + key).map(storage)
        }
    }

    /// The folder that all records are in, with a slash; the file's own name when it was saved.
    private static func prefix(of archive: ZipArchive) throws -> String {
        let pickles = archive.records.map(\.name).filter { name in
            let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            return parts.count <= 2 && parts.last!.elementsEqual("data.pkl".utf8)
        }
        guard pickles.count == 1 else { throw TorchFault.noPickle }
        let prefix = String(pickles[0].dropLast("data.pkl".count))
        // A program that was compiled has its constants and its source in further records.
        guard archive.record(prefix + "constants.pkl") == nil else { throw TorchFault.torchScript }
        return prefix
    }

    /// The stream that PyTorch wrote before 1.6, and writes on request: five pickles (a magic number, a version, the machine's
    /// properties, the object, the keys of the storages) and then, for each key, the number of its elements in 8 bytes and
    /// the elements.
    static func stream(_ file: UnsafeRawBufferPointer) throws -> WeightContents {
        var reader = PickleReader(file)
        guard case .bytes(let magic) = try read(&reader), file[magic].elementsEqual(magicNumber) else {
            throw TorchFault.badPreamble
        }
        reader = PickleReader(file, at: reader.offset)
        guard case .integer(let version) = try read(&reader) else { throw TorchFault.badPreamble }
        guard version == 1001 else { throw TorchFault.unknownVersion }
        reader = PickleReader(file, at: reader.offset)
        guard case .dictionary(let machine) = try read(&reader),
            case .bool(let isLittleEndian)? = reader.heap.value("little_endian", in: machine)
        else { throw TorchFault.badPreamble }
        guard isLittleEndian else { throw TorchFault.bigEndian }
        reader = PickleReader(file, at: reader.offset)
        let root = try read(&reader)
        let heap = reader.heap
        reader = PickleReader(file, at: reader.offset)
        guard case .sequence(let keys) = try read(&reader) else { throw TorchFault.badPreamble }
        let storages = try streamStorages(reader.heap.sequences[keys], of: heap, in: file, from: reader.offset)
        return try contents(root, heap, form: .torchStream, file: file, hasChecksums: false) {
            storages[$0]
        }
    }

    /// 0x1950A86A20F9469CFC6C as a pickle has it.
    static let magicNumber: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    /// The storages of a stream, by their keys.
    private static func streamStorages(
        _ keys: [PickleValue], of heap: PickleHeap, in file: UnsafeRawBufferPointer, from start: Int
    ) throws -> [String: TensorStorage] {
        var widths: [String: Int] = [:]
        for storage in heap.storages {
            let width = storage.elementType.byteCount
            guard widths.updateValue(width, forKey: storage.key) ?? width == width else { throw TorchFault.badPreamble }
        }
        var storages: [String: TensorStorage] = [:]
        var offset = start
        for key in keys {
            guard case .text(let key) = key, key.utf8.count <= PickleReader.nameByteCountLimit else {
                throw TorchFault.badPreamble
            }
            guard key.utf8.allSatisfy({ $0 < 0x80 }), let width = widths[key] ?? heap.unreadWidths[key] else {
                throw TorchFault.missingStorage(key)
            }
            guard file.count - offset >= 8 else {
                throw TorchFault.wrongLength(expected: offset + 8, found: file.count)
            }
            let count = Int64(littleEndian: file.loadUnaligned(fromByteOffset: offset, as: Int64.self))
            let (byteCount, overflow) = Int(count).multipliedReportingOverflow(by: width)
            guard count >= 0, !overflow, byteCount <= file.count - offset - 8 else {
                let (expected, overflow) = byteCount.addingReportingOverflow(offset + 8)
                throw TorchFault.wrongLength(expected: overflow ? .max : max(0, expected), found: file.count)
            }
            let range = offset + 8..<offset + 8 + byteCount
            guard storages.updateValue(.init(name: key, fileRange: range, byteCount: byteCount), forKey: key) == nil
            else {
                throw TorchFault.badPreamble
            }
            offset = range.upperBound
        }
        guard offset == file.count else { throw TorchFault.wrongLength(expected: offset, found: file.count) }
        return storages
    }

    /// What a pickle holds; that it would run a program elsewhere is the error to report, whatever came after it.
    private static func read(_ reader: inout PickleReader) throws -> PickleValue {
        let result = Result { try reader.read() }
        if let attack = reader.attack { throw TorchFault.refusedName(attack) }
        do {
            return try result.get()
        } catch let fault as PickleFault {
            throw TorchFault.pickle(fault)
        }
    }

    /// Puts together what the pickle says and where the storages are.
    private static func contents(
        _ root: PickleValue, _ heap: PickleHeap, form: WeightLayout.Form, file: UnsafeRawBufferPointer,
        hasChecksums: Bool, storage find: (_ key: String) throws -> TensorStorage?
    ) throws -> WeightContents {
        let pickled = try PickledTensors(in: root, heap)
        var layout = WeightLayout(form: form)
        layout.others = pickled.others
        layout.hasChecksums = hasChecksums
        var storages: [TensorStorage] = []
        var places: [String: Int] = [:]
        let tensors = try pickled.tensors.map { found in
            let tensor = heap.tensors[found.tensor]
            let described = heap.storages[tensor.storage]
            let place: Int
            if let known = places[described.key] {
                place = known
            } else {
                guard let found = try find(described.key) else { throw TorchFault.missingStorage(described.key) }
                place = storages.count
                storages.append(found)
                places[described.key] = place
            }
            let storage = storages[place]
            // A storage has less than 2^59 elements of at most 8 bytes, so the sum fits.
            let (start, byteCount) = (described.start * described.elementType.byteCount, described.byteCount)
            guard start + byteCount <= storage.byteCount else {
                throw TorchFault.wrongStorageLength(
                    described.key, expected: start + byteCount, found: storage.byteCount)
            }
            var stored = StoredTensor(tensor, named: found.name, storage: storage, place, start: start)
            stored.isInPickledNetwork = found.isInObject
            return stored
        }
        return try WeightContents(tensors, storages, layout: layout, fileByteCount: file.count)
    }
}

extension TensorStorage {
    /// The bytes of a record of an archive.
    init(_ record: ZipArchive.Record, hasChecksum: Bool) {
        self.init(
            name: record.name, fileRange: record.range, byteCount: record.byteCount, isDeflated: record.isDeflated,
            checksum: hasChecksum ? record.checksum : nil)
    }
}

extension StoredTensor {
    /// A tensor of a pickle in its storage, of which the pickle knows the part that begins at `start`, in bytes.
    fileprivate init(
        _ tensor: PickleHeap.Tensor, named name: String, storage: TensorStorage, _ place: Int, start: Int
    ) {
        let width = tensor.elementType.byteCount
        let offset = start + tensor.offset * width
        var range = storage.fileRange
        if tensor.isContiguous, !storage.isDeflated {
            let first = storage.fileRange.lowerBound + offset
            range = first..<first + tensor.shape.reduce(width, *)
        }
        self.init(
            entry: TensorEntry(name: name, elementType: tensor.elementType, shape: tensor.shape, byteRange: range),
            storage: place, byteOffset: offset, strides: tensor.isContiguous ? nil : tensor.strides)
    }
}
