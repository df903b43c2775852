public import DurableFiles
public import SystemPackage

/// A safetensors file, mapped into memory; its header is checked in full when it is opened.
///
///     let file = try SafetensorsFile("resnet50.safetensors")
///     let weight = try file.floats("conv1.weight", shape: [64, 3, 7, 7])
public final class SafetensorsFile: WeightSource {
    private let file: MappedFile
    private let header: SafetensorsHeader

    /// Opens the file at `path`. Throws `DurableFileError`, or `WeightFileError.malformed`.
    public init(_ path: FilePath) throws {
        file = try MappedFile(path)
        do {
            header = try file.withBytes { try SafetensorsHeader(of: $0) }
        } catch let fault as SafetensorsFault {
            throw WeightFileError.malformed(path: path, fault: fault)
        }
    }

    public var path: FilePath { file.path }

    /// The strings of `__metadata__`; empty when the file has none.
    public var metadata: [String: String] { header.metadata }

    public var tensorNames: [String] { header.entries.map(\.name) }

    /// All tensors, sorted by name.
    public var entries: [TensorEntry] { header.entries }

    public func entry(_ name: String) -> TensorEntry? {
        let entries = header.entries
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].name.utf8.lexicographicallyPrecedes(name.utf8) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < entries.count && entries[low].name.utf8.elementsEqual(name.utf8) ? entries[low] : nil
    }

    /// Calls `body` with the bytes of a tensor: little-endian, not aligned, valid only within the call.
    public func withBytes<Result>(of name: String, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let range = try requiredEntry(name).byteRange
        return try file.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    public func floats(_ name: String) throws -> [Float] {
        let entry = try requiredEntry(name)
        guard let convert = FloatConversion.conversion(from: entry.elementType) else {
            throw WeightFileError.wrongElementType(
                path: path, name: name, expected: FloatConversion.elementTypes, found: entry.elementType)
        }
        return try withBytes(of: name) { source in
            [Float](unsafeUninitializedCapacity: entry.elementCount) { destination, count in
                convert(source, destination)
                count = entry.elementCount
            }
        }
    }

    /// The elements of an I64 tensor. Throws `WeightFileError`.
    public func int64s(_ name: String) throws -> [Int64] {
        let entry = try requiredEntry(name)
        guard entry.elementType == .int64 else {
            throw WeightFileError.wrongElementType(
                path: path, name: name, expected: [.int64], found: entry.elementType)
        }
        return try withBytes(of: name) { source in
            (0..<entry.elementCount).map { source.loadUnaligned(fromByteOffset: 8 * $0, as: Int64.self) }
        }
    }

    /// Tells the system how the bytes in `range` of the file (all of it when nil) are about to be read.
    public func advise(_ pattern: MappedFile.AccessPattern, range: Range<Int>? = nil) {
        file.advise(pattern, range: range)
    }
}
