import DurableFiles
import Synchronization
import SystemPackage

/// What a cache knows of the images that its features were extracted from: which they were, and a digest of each one's file, by
/// which one that has changed since is found out wherever it is opened again. No features are read, and none need be there.
package final class CachedImages: Sendable {
    package let directory: FilePath
    private let index: CacheIndex
    private let counters: TrafficCounters?
    /// [rows, 32] of each plain shard that was asked about; empty where it cannot say.
    private let tables = Mutex<[Int: [UInt8]]>([:])

    /// Of the cache in `directory`, complete or not. Throws `FeatureCacheError`, `DurableFileError`.
    package convenience init(directory: FilePath) throws {
        try self.init(CacheIndex(directory: directory), in: directory, nil)
    }

    /// Of a cache that is open; what is read counts to its traffic.
    package convenience init(of cache: FeatureCache) {
        self.init(cache.index, in: cache.directory, cache.counters)
    }

    private init(_ index: CacheIndex, in directory: FilePath, _ counters: TrafficCounters?) {
        (self.index, self.directory, self.counters) = (index, directory, counters)
    }

    package var identity: CacheIdentity { index.identity }
    package var samples: CacheSamples { index.samples }

    /// The digest of the file of a sample's image when its features were extracted, 32 bytes as they were given to the cache; nil
    /// where it is not known: in caches of older versions, and where the file that holds it is not there or damaged, which is
    /// found out when features are read from it.
    package func digest(of sample: Int) -> [UInt8]? {
        guard index.format == .rows else { return nil }
        let (shard, size) = (samples.shard(of: sample), ShardLayout.digestByteCount)
        let table = tables.withLock { tables in
            if let table = tables[shard] { return table }
            let table = read(shard)
            tables[shard] = table
            return table
        }
        let start = samples.row(of: sample) * size
        guard start + size <= table.count else { return nil }
        let digest = Array(table[start..<start + size])
        return digest.contains { $0 != 0 } ? digest : nil
    }

    private func read(_ shard: Int) -> [UInt8] {
        guard let file = try? PositionedFile(CacheIndex.shardPath(shard, in: directory)),
            let front = try? ShardFront(of: file, shard, in: index)
        else { return [] }
        counters?.countFront(byteCount: front.start(ofRow: 0))
        return front.images
    }
}

extension CacheSamples {
    /// What first sets the samples apart from those of `list`, and before that their numbers if these differ; empty if they are
    /// the same.
    package func differences(from list: [(path: String, label: Int, split: String)]) -> [CacheDifference] {
        func text(_ sample: (path: String, label: Int, split: String)) -> String {
            "\(sample.path) (class \(sample.label), \(sample.split))"
        }
        var differences: [CacheDifference] = []
        if count != list.count {
            differences.append(
                CacheDifference(field: "number of samples", found: "\(count)", expected: "\(list.count)"))
        }
        for index in 0..<Swift.max(count, list.count) {
            let found =
                index < count ? (path: path(of: index), label: label(of: index), split: split(of: index)) : nil
            let expected = index < list.count ? list[index] : nil
            if let found, let expected, found == expected { continue }
            differences.append(
                CacheDifference(
                    field: "sample \(index)", found: found.map(text) ?? "none", expected: expected.map(text) ?? "none"))
            break
        }
        return differences
    }
}
