import DurableFiles
public import SystemPackage

/// Weights in any form that can be read, mapped into memory: safetensors, what `torch.save` wrote, NumPy's archives; in one
/// file or in several with a list of them.
///
///     let file = try WeightFile.open("resnet50.pth")
///     let weight = try file.floats("state_dict.conv1.weight", shape: [64, 3, 7, 7])
///
/// The form is told by the content. Nothing in a file is executed: a pickle is read for its tensors, by an interpreter that
/// knows a fixed list of names and calls nothing. All tensors are there, under the names that the file gives them, behind the
/// keys of the dictionaries they lie in; which of them make a network is the business of Backbones. Their bytes stay in the
/// file until they are asked for.
public final class WeightFile: WeightSource {
    /// As it was given, or the file that was found in that folder.
    public let path: FilePath
    private let parts: [WeightFilePart]
    /// Where the tensors are, sorted by the UTF-8 bytes of their names; nil when there is one part, which has that order.
    private let places: [Place]?
    public let configuration: SavedConfiguration?
    public let preprocessing: SavedConfiguration?

    private struct Place {
        let part: Int
        let tensor: Int
    }

    /// Opens the weights at `path`, a file, a list of files (`model.safetensors.index.json`) or the folder of one of these, and
    /// reads their structure.
    ///
    /// - Throws: `DurableFileError`; `WeightFileError` when a file is damaged or holds no tensors.
    public static func open(_ path: FilePath) throws -> WeightFile {
        let path = DurableDirectory.exists(path) ? try WeightFolder.file(in: path) : path
        if path.string.hasSuffix(WeightFolder.indexSuffix) { return try WeightFile(index: path) }
        if let index = WeightFolder.index(over: path) { throw WeightFileError.onePart(path: path, index: index) }
        return WeightFile(path, [try WeightFilePart(path)], places: nil)
    }

    private init(_ path: FilePath, _ parts: [WeightFilePart], places: [Place]?) {
        self.path = path
        self.parts = parts
        self.places = places
        configuration = Self.configuration(SavedConfiguration.fileName, beside: path)
        preprocessing = Self.configuration(SavedConfiguration.preprocessingFileName, beside: path)
    }

    /// The files that a list names, as one.
    private convenience init(index path: FilePath) throws {
        let index = try WeightFileError.naming(path) {
            try MappedFile(path).withBytes { bytes throws in try ShardIndex(bytes) }
        }
        let folder = path.removingLastComponent()
        let parts = try index.files.map { name throws in
            guard DurableFile.exists(folder.appending(name)) else {
                throw WeightFileError.shards(path: path, fault: .missingFile(name))
            }
            return try WeightFilePart(folder.appending(name))
        }
        var places: [Place] = []
        for (name, part) in index.tensors {
            guard let tensor = parts[part].contents.index(of: name) else {
                throw WeightFileError.shards(path: path, fault: .missingTensor(name, file: index.files[part]))
            }
            places.append(Place(part: part, tensor: tensor))
        }
        // Names are listed once, so equal counts mean that every tensor is listed.
        if places.count != parts.reduce(0, { $0 + $1.contents.tensors.count }) {
            let listed = Set(places.map { [$0.part, $0.tensor] })
            for (part, file) in index.files.enumerated() {
                let tensors = parts[part].contents.tensors
                if let tensor = tensors.indices.first(where: { !listed.contains([part, $0]) }) {
                    throw WeightFileError.shards(
                        path: path, fault: .unlistedTensor(tensors[tensor].entry.name, file: file))
                }
            }
        }
        let names = places.map { parts[$0.part].contents.tensors[$0.tensor].entry.name }
        let order = names.indices.sorted { names[$0].utf8.lexicographicallyPrecedes(names[$1].utf8) }
        self.init(path, parts, places: order.map { places[$0] })
    }

    /// What is beside the weights. It may belong to something else or be damaged: whoever needs it will miss it then.
    private static func configuration(_ name: String, beside path: FilePath) -> SavedConfiguration? {
        let file = path.removingLastComponent().appending(name)
        guard DurableFile.exists(file), let count = try? DurableFile.byteCount(of: file),
            count <= SavedConfiguration.byteCountLimit, let text = try? DurableFile.read(file)
        else { return nil }
        return SavedConfiguration(text)
    }

    // MARK: Tensors

    /// Size of all files.
    public var byteCount: Int { parts.reduce(0) { $0 + $1.file.byteCount } }

    /// What the file is.
    public var layout: WeightLayout {
        var layout = parts[0].contents.layout
        layout.partCount = parts.count
        return layout
    }

    public var metadata: [String: String] { parts[0].contents.metadata }

    public var tensorNames: [String] { entries.map(\.name) }

    /// All tensors, sorted by name.
    public var entries: [TensorEntry] {
        guard let places else { return parts[0].contents.tensors.map(\.entry) }
        return places.map { parts[$0.part].contents.tensors[$0.tensor].entry }
    }

    private func place(of name: String) -> Place? {
        guard let places else { return parts[0].contents.index(of: name).map { Place(part: 0, tensor: $0) } }
        func nameAt(_ index: Int) -> String {
            parts[places[index].part].contents.tensors[places[index].tensor].entry.name
        }
        var (low, high) = (0, places.count)
        while low < high {
            let middle = (low + high) / 2
            if nameAt(middle).utf8.lexicographicallyPrecedes(name.utf8) { low = middle + 1 } else { high = middle }
        }
        return low < places.count && nameAt(low).utf8.elementsEqual(name.utf8) ? places[low] : nil
    }

    private func tensor(_ name: String) -> StoredTensor? {
        place(of: name).map { parts[$0.part].contents.tensors[$0.tensor] }
    }

    public func entry(_ name: String) -> TensorEntry? { tensor(name)?.entry }

    public func isInPickledNetwork(_ name: String) -> Bool { tensor(name)?.isInPickledNetwork == true }

    public func isSameTensor(_ name: String, _ other: String) -> Bool {
        guard let one = place(of: name), let two = place(of: other), one.part == two.part else { return false }
        let tensors = parts[one.part].contents.tensors
        let (first, second) = (tensors[one.tensor], tensors[two.tensor])
        return first.storage == second.storage && first.byteOffset == second.byteOffset
            && first.strides == second.strides
            && first.entry.shape == second.entry.shape && first.entry.elementType == second.entry.elementType
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
        guard let place = place(of: name) else {
            throw WeightFileError.missingTensor(path: path, name: name, tensorNames: tensorNames)
        }
        return try parts[place.part].withBytes(of: place.tensor, body)
    }

    /// The SHA-256 of the file; of several, that of their names and digests.
    public func digest() throws -> ContentDigest {
        guard places != nil else { return try ContentDigest.ofFile(path) }
        return ContentDigest(
            of: try parts.map { "\($0.file.path.lastComponent!.string) \(try ContentDigest.ofFile($0.file.path))\n" }
                .joined())
    }
}
