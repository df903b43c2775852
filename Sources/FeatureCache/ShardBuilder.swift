import DurableFiles
import Synchronization
import SystemPackage

/// The features of a shard as they come, in any order and from any thread, in the cache's precision until they are written.
///
/// Different rows may be set at the same time; each row is set, or skipped, once.
public final class ShardBuilder: @unchecked Sendable {
    let index: CacheIndex
    let shard: Int
    let path: FilePath
    private let layout: ShardLayout
    /// [rows, elementCount], in the cache's precision.
    private let memory: UnsafeMutableRawBufferPointer
    private let elementCount: Int
    private let state: Mutex<State>

    private struct State {
        var isSet: [Bool]
        var skipped: [Int: String] = [:]
        /// [rows, 32]: of the images' files, zero where they are not known.
        var images: [UInt8]
        /// [rows, 32]
        var digests: [UInt8]
    }

    init(_ index: CacheIndex, in directory: FilePath, shard: Int) {
        self.index = index
        self.shard = shard
        path = CacheIndex.shardPath(shard, in: directory)
        layout = ShardLayout(ofShard: shard, in: index)
        elementCount = index.identity.featureMap.elementCount
        memory = .allocate(byteCount: layout.rowCount * layout.rowByteCount, alignment: 64)
        let table = [UInt8](repeating: 0, count: layout.rowCount * ShardLayout.digestByteCount)
        state = Mutex(
            State(isSet: [Bool](repeating: false, count: layout.rowCount), images: table, digests: table))
    }

    deinit { memory.deallocate() }

    /// Rows that are neither set nor skipped.
    public var missingCount: Int { state.withLock { $0.isSet.count { !$0 } } }

    /// Adds the feature maps [k, H, W, D] of the first k samples that have none.
    /// Throws `FeatureCacheError.notRepresentable`, naming the sample.
    public func append(_ features: [Float]) throws {
        let start = state.withLock { $0.isSet.firstIndex(of: false) ?? $0.isSet.count }
        precondition(
            features.count % elementCount == 0 && features.count / elementCount <= missingCount,
            "\(features.count) features do not fit: shard \(shard) lacks \(missingCount) rows of \(elementCount)")
        try features.withUnsafeBufferPointer { features in
            for row in 0..<features.count / elementCount {
                try set(
                    UnsafeBufferPointer(rebasing: features[row * elementCount..<(row + 1) * elementCount]),
                    row: start + row)
            }
        }
    }

    /// Sets the feature map [H, W, D] of one sample. Throws `FeatureCacheError.notRepresentable`, naming the sample.
    ///
    /// - Parameter imageDigest: of the file of the sample's image, 32 bytes; nil if it is not known.
    public func set(_ features: [Float], row: Int, imageDigest: [UInt8]? = nil) throws {
        try features.withUnsafeBufferPointer { try set($0, row: row, imageDigest: imageDigest) }
    }

    package func set(_ features: UnsafeBufferPointer<Float>, row: Int, imageDigest: [UInt8]? = nil) throws {
        precondition(
            features.count == elementCount, "\(features.count) features are not the \(elementCount) of a sample")
        let target = take(row, imageDigest)
        let (precision, channelCount) = (index.identity.precision, index.identity.featureMap.channelCount)
        if let firstBad = precision.narrow(features, channelCount: channelCount, into: target) {
            throw FeatureCacheError.notRepresentable(
                sample: samplePath(ofRow: row), value: features[firstBad], precision: precision)
        }
        takeDigest(ofRow: row)
    }

    /// Leaves a sample out: its features are zero, and the shard's file says why.
    public func skip(row: Int, reason: String, imageDigest: [UInt8]? = nil) {
        take(row, imageDigest).initializeMemory(as: UInt8.self, repeating: 0)
        state.withLock { $0.skipped[row] = String(reason.prefix(SkippedSample.reasonByteCountLimit)) }
        takeDigest(ofRow: row)
    }

    /// Sets a row from a file of this shard: `read` fills the memory it is given with the row's bytes, and says whether they
    /// are sound; if not, the row is still to be set.
    func adopt(
        row: Int, of front: ShardFront, _ read: (UnsafeMutableRawBufferPointer) throws -> Bool
    ) rethrows {
        guard try read(bytes(ofRow: row)) else { return }
        _ = take(row, front.imageDigest(ofRow: row))
        let reason = front.skipped.first { $0.number == row }?.reason
        state.withLock { $0.skipped[row] = reason }
        takeDigest(ofRow: row)
    }

    /// The rows that are left out, with the reasons.
    var skippedRows: [(number: Int, reason: String)] {
        state.withLock { $0.skipped.sorted { $0.key < $1.key }.map { (number: $0.key, reason: $0.value) } }
    }

    func isSet(row: Int) -> Bool { state.withLock { $0.isSet[row] } }

    /// The digest of a row that is set.
    func digest(ofRow row: Int) -> [UInt8] {
        state.withLock { Array($0.digests[Self.entry(row)]) }
    }

    func samplePath(ofRow row: Int) -> String {
        index.samples.path(of: index.sampleIndices(inShard: shard)[row])
    }

    private static func entry(_ row: Int) -> Range<Int> {
        row * ShardLayout.digestByteCount..<(row + 1) * ShardLayout.digestByteCount
    }

    private func bytes(ofRow row: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: memory[row * layout.rowByteCount..<(row + 1) * layout.rowByteCount])
    }

    /// The memory of a row, for the one caller that sets it.
    private func take(_ row: Int, _ imageDigest: [UInt8]?) -> UnsafeMutableRawBufferPointer {
        precondition(
            (imageDigest?.count ?? ShardLayout.digestByteCount) == ShardLayout.digestByteCount,
            "a digest has \(ShardLayout.digestByteCount) bytes")
        let isFirst = state.withLock { state in
            defer { state.isSet[row] = true }
            if let imageDigest { state.images.replaceSubrange(Self.entry(row), with: imageDigest) }
            return !state.isSet[row]
        }
        precondition(isFirst, "row \(row) of shard \(shard) is set twice")
        return bytes(ofRow: row)
    }

    private func takeDigest(ofRow row: Int) {
        guard layout.format == .rows else { return }
        var hasher = ContentHasher()
        hasher.update(UnsafeRawBufferPointer(bytes(ofRow: row)))
        let digest = hasher.finalizeBytes()
        state.withLock { $0.digests.replaceSubrange(Self.entry(row), with: digest) }
    }

    // MARK: - The file

    /// Writes the shard, all or nothing. Throws `DurableFileError`.
    public func write() throws { try write(expecting: nil) }

    /// Writes the shard, all or nothing.
    /// - Parameter expectedRoot: the digest that it must have, if it is known (`ShardFront.root`).
    /// - Throws: `FeatureCacheError.notReproduced` if it has another; `DurableFileError`.
    func write(expecting expectedRoot: ContentDigest?) throws {
        let missingCount = missingCount
        precondition(missingCount == 0, "shard \(shard) still lacks \(missingCount) samples")
        let skippedRows = skippedRows
        let skipped = skippedRows.isEmpty ? nil : SkippedSample.text(skippedRows)
        let state = state.withLock { $0 }
        let labels = index.sampleIndices(inShard: shard).map { Int64(index.samples.label(of: $0)) }
        let tables = layout.format == .rows ? [state.images, state.digests] : []
        let root = root(labels, state, skipped)
        if let expectedRoot, root != expectedRoot {
            throw FeatureCacheError.notReproduced(path: path, sample: nil)
        }
        let header = layout.header(origin: try index.origin(ofShard: shard), root: root, skipped: skipped)
        try DurableFile.write(to: path) { writer in
            try writer.write(header)
            try labels.withUnsafeBytes { try writer.write($0) }
            for table in tables { try writer.write(table) }
            try writer.write(UnsafeRawBufferPointer(memory))
        }
    }

    private func root(_ labels: [Int64], _ state: State, _ skipped: String?) -> ContentDigest {
        labels.withUnsafeBytes { labels in
            switch layout.format {
            case .rows:
                return state.images.withUnsafeBytes { images in
                    state.digests.withUnsafeBytes { digests in
                        ShardLayout.root(labels: labels, images: images, digests: digests, skipped: skipped)
                    }
                }
            case .wholeFiles:
                var hasher = ContentHasher()
                hasher.update(labels)
                hasher.update(UnsafeRawBufferPointer(memory))
                if let skipped { hasher.update(skipped) }
                return hasher.finalize()
            }
        }
    }
}
