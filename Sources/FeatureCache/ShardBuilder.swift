import DurableFiles
import Synchronization
import WeightFiles

/// The features of a shard as they come, in any order and from any thread, in the cache's precision until they are written.
///
/// Different rows may be set at the same time; each row is set, or skipped, once.
public final class ShardBuilder: @unchecked Sendable {
    private let writer: FeatureCacheWriter
    private let shard: Int
    /// [rows, elementCount], in the cache's precision.
    private let memory: UnsafeMutableRawBufferPointer
    private let elementCount: Int
    private let state: Mutex<State>

    private struct State {
        var isSet: [Bool]
        var skipped: [Int: String] = [:]
    }

    init(_ writer: FeatureCacheWriter, shard: Int) {
        self.writer = writer
        self.shard = shard
        let rowCount = writer.index.shards[shard].sampleCount
        elementCount = writer.identity.featureMap.elementCount
        memory = .allocate(byteCount: rowCount * writer.identity.sampleByteCount, alignment: 64)
        state = Mutex(State(isSet: [Bool](repeating: false, count: rowCount)))
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
    public func set(_ features: [Float], row: Int) throws {
        try features.withUnsafeBufferPointer { try set($0, row: row) }
    }

    package func set(_ features: UnsafeBufferPointer<Float>, row: Int) throws {
        precondition(
            features.count == elementCount, "\(features.count) features are not the \(elementCount) of a sample")
        let target = take(row)
        let firstBad: Int?
        switch writer.identity.precision {
        case .f16: firstBad = FeatureConversion.narrow(features, into: target.assumingMemoryBound(to: Float16.self))
        case .f32:
            firstBad = FeatureConversion.firstNotFinite(features)
            target.copyMemory(from: UnsafeRawBufferPointer(features))
        }
        if let firstBad {
            throw FeatureCacheError.notRepresentable(
                sample: writer.samples.path(of: writer.index.sampleIndices(inShard: shard)[row]),
                value: features[firstBad], precision: writer.identity.precision)
        }
    }

    /// Leaves a sample out: its features are zero, and the shard's file says why.
    public func skip(row: Int, reason: String) {
        take(row).initializeMemory(as: UInt8.self, repeating: 0)
        state.withLock { $0.skipped[row] = String(reason.prefix(SkippedSample.reasonByteCountLimit)) }
    }

    /// The memory of a row, for the one caller that sets it.
    private func take(_ row: Int) -> UnsafeMutableRawBufferPointer {
        let isFirst = state.withLock { state in
            defer { state.isSet[row] = true }
            return !state.isSet[row]
        }
        precondition(isFirst, "row \(row) of shard \(shard) is set twice")
        let byteCount = writer.identity.sampleByteCount
        return UnsafeMutableRawBufferPointer(rebasing: memory[row * byteCount..<(row + 1) * byteCount])
    }

    /// Writes the shard, all or nothing. Throws `DurableFileError`.
    public func write() throws {
        let missingCount = missingCount
        precondition(missingCount == 0, "shard \(shard) still lacks \(missingCount) samples")
        let index = writer.index
        let map = index.identity.featureMap
        let labels = index.sampleIndices(inShard: shard).map { Int64(index.samples.label(of: $0)) }
        let skipped = state.withLock {
            $0.skipped.sorted { $0.key < $1.key }.map { (number: $0.key, reason: $0.value) }
        }
        var hasher = ContentHasher()
        labels.withUnsafeBytes { hasher.update($0) }
        hasher.update(UnsafeRawBufferPointer(memory))
        var metadata = [
            CacheShard.MetadataKey.format: CacheShard.MetadataKey.formatName,
            CacheShard.MetadataKey.origin: index.origin(ofShard: shard).hexadecimal,
        ]
        if !skipped.isEmpty {
            let text = SkippedSample.text(skipped)
            hasher.update(text)
            metadata[CacheShard.MetadataKey.format] = CacheShard.MetadataKey.skippingFormatName
            metadata[CacheShard.MetadataKey.skipped] = text
        }
        metadata[CacheShard.MetadataKey.data] = hasher.finalize().hexadecimal
        try SafetensorsWriter.write(
            [
                .int64("labels", [labels.count], labels),
                .init(
                    name: "features", elementType: index.identity.precision == .f16 ? .float16 : .float32,
                    shape: [labels.count, map.height, map.width, map.channelCount]
                ) { try $0(UnsafeRawBufferPointer(self.memory)) },
            ], metadata: metadata, to: CacheIndex.shardPath(shard, in: writer.directory))
    }
}
