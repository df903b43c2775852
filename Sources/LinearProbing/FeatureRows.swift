import DurableFiles
public import SystemPackage
import Tensors

/// The features of the samples that this rank has, a row each, by logical shard: in memory, or in a file where they are too many.
///
/// A row may be set from any thread, once, before any is read.
public final class FeatureRows: @unchecked Sendable {
    /// The rows of a logical shard, one after the other.
    public struct Shard: Sendable {
        /// In 0..<`shardCount`.
        public let number: Int
        /// The number of each row's sample among all samples, rising.
        public let samples: [Int]
        /// Number of its first row on this rank.
        public let firstRow: Int
    }

    /// The logical shards that this rank has.
    public let shards: [Shard]
    /// V: logical shards of all ranks together.
    public let shardCount: Int
    /// D.
    public let width: Int

    /// Bytes of rows that a rank keeps in memory.
    public static let memoryLimit = 1 << 30

    private enum Storage {
        case memory(UnsafeMutablePointer<Float>)
        case file(ScratchFile)
    }
    private let storage: Storage

    /// Room for the rows of the samples of `shards`.
    ///
    /// - Parameters:
    ///   - folders: where a file may be made, the first that allows it.
    ///   - memoryLimit: bytes above which there is a file.
    /// - Throws: `DurableFileError` where a file is needed and none can be made.
    public init(
        shards: [(number: Int, samples: [Int])], of shardCount: Int, width: Int, folders: [FilePath],
        memoryLimit: Int = FeatureRows.memoryLimit
    ) throws {
        precondition(width > 0, "rows of \(width) features")
        precondition(
            shards.allSatisfy { 0..<shardCount ~= $0.number }, "\(shards.map(\.number)) are not in 0..<\(shardCount)")
        var rowCount = 0
        self.shards = shards.map { number, samples in
            defer { rowCount += samples.count }
            return Shard(number: number, samples: samples, firstRow: rowCount)
        }
        self.shardCount = shardCount
        self.width = width
        let (elementCount, overflows) = rowCount.multipliedReportingOverflow(by: width)
        precondition(!overflows && elementCount <= Int.max / 4, "\(rowCount) rows of \(width) features")
        let byteCount = elementCount * MemoryLayout<Float>.size
        if byteCount <= memoryLimit {
            let pointer = UnsafeMutablePointer<Float>.allocate(capacity: max(elementCount, 1))
            pointer.initialize(repeating: 0, count: max(elementCount, 1))
            storage = .memory(pointer)
        } else {
            storage = .file(try Self.scratchFile(in: folders, byteCount: byteCount))
        }
    }

    deinit {
        if case .memory(let pointer) = storage { pointer.deallocate() }
    }

    /// Throws the error of the last folder.
    private static func scratchFile(in folders: [FilePath], byteCount: Int) throws -> ScratchFile {
        precondition(!folders.isEmpty, "no folder for a file")
        for folder in folders.dropLast() {
            if let file = try? ScratchFile(in: folder, byteCount: byteCount) { return file }
        }
        return try ScratchFile(in: folders.last!, byteCount: byteCount)
    }

    /// Whether the rows are in memory.
    public var isInMemory: Bool { if case .memory = storage { true } else { false } }

    /// Sets consecutive rows, from `row` on. Throws `DurableFileError`.
    public func set(_ values: [Float], fromRow row: Int) throws {
        precondition(values.count.isMultiple(of: width), "\(values.count) features are no rows of \(width)")
        try values.withUnsafeBufferPointer { values in
            switch storage {
            case .memory(let pointer):
                guard let base = values.baseAddress else { return }
                (pointer + row * width).update(from: base, count: values.count)
            case .file(let file):
                try file.write(UnsafeRawBufferPointer(values), at: row * width * MemoryLayout<Float>.size)
            }
        }
    }

    /// Copies the rows of a range to `destination`. Throws `DurableFileError`.
    func read(_ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>) throws {
        let count = rows.count * width
        switch storage {
        case .memory(let pointer): destination.update(from: pointer + rows.lowerBound * width, count: count)
        case .file(let file):
            try file.read(
                into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: destination, count: count)),
                at: rows.lowerBound * width * MemoryLayout<Float>.size)
        }
    }
}

extension FeatureRows {
    /// The rows of a matrix [N, D] on one rank; sample i belongs to logical shard i mod V.
    convenience init(_ features: Tensor, shardCount: Int) throws {
        let (count, width) = (features.shape[0], features.shape[1])
        try self.init(
            shards: (0..<shardCount).map { ($0, Array(stride(from: $0, to: count, by: shardCount))) }, of: shardCount,
            width: width, folders: [], memoryLimit: .max)
        for shard in shards {
            for (row, sample) in shard.samples.enumerated() {
                try set(Array(features.values[sample * width..<(sample + 1) * width]), fromRow: shard.firstRow + row)
            }
        }
    }
}
