import DurableFiles
import FeatureCache
import Foundation
import ImageCoding
import SystemPackage
import Tensors

/// Writing a feature cache, and reading it in random order as training does, in bytes a second of the cache's files.
public struct CacheSpeed: Sendable {
    public let precision: CachePrecision
    public let mapCount: Int
    public let byteCount: Int
    /// Converting, digesting, writing and syncing all shards.
    public let write: Durations
    /// Samples in random order, for the first time and so with their digests, converted to floats, from memory where the
    /// system keeps the files there.
    public let firstRead: Durations
    /// The same, for the second time.
    public let read: Durations
    /// What was read of the cache in one repetition, both times together.
    public let traffic: CacheTraffic

    /// Writes `sampleCount` feature maps of 7 x 7 x 2048 into new folders below `directory`, and removes them.
    /// - Throws: `DurableFileError`, `FeatureCacheError`.
    public init(
        precision: CachePrecision, sampleCount: Int = 1024, repetitions: Int, in directory: FilePath, team: WorkerTeam
    ) throws {
        self.precision = precision
        let identity = CacheIdentity(
            backbone: "benchmark", weightDigest: ContentDigest(of: []),
            input: InputTransform(
                resize: 256, crop: 224, interpolation: .bilinear, mean: [0, 0, 0], standardDeviation: [1, 1, 1]),
            datasetFingerprint: ContentDigest(of: []), precision: precision,
            featureMap: FeatureMapShape(height: 7, width: 7, channelCount: 2048), classNames: ["any"])
        mapCount = sampleCount
        byteCount = sampleCount * identity.sampleByteCount
        let samples = (0..<sampleCount).map { (path: "\($0).jpg", label: 0, split: "train") }
        let map = (0..<identity.featureMap.elementCount).map { Float($0 % 997) * 0.01 }
        // 9973 is a prime: every sample once, far from the one before.
        let order = (0..<sampleCount).map { $0 * 9973 % sampleCount }
        var writeSeconds: [Double] = []
        var firstReadSeconds: [Double] = []
        var readSeconds: [Double] = []
        var traffic = CacheTraffic()
        for repetition in 0..<repetitions {
            let folder = directory.appending("infodisent-bench-\(precision.rawValue)-\(repetition)")
            defer { try? DurableDirectory.remove(folder) }
            let start = SuspendingClock.now
            let writer = try FeatureCacheWriter(directory: folder, identity: identity, samples: samples)
            for shard in 0..<writer.shardCount {
                let builder = writer.makeShard(shard)
                for _ in writer.samples(inShard: shard) { try builder.append(map) }
                try builder.write()
            }
            try writer.finish()
            writeSeconds.append((SuspendingClock.now - start) / .seconds(1))
            // Files that were written a moment ago are verified whenever they are read.
            Thread.sleep(forTimeInterval: 3)
            let cache = try FeatureCache(directory: folder)
            func readAll() throws -> Double {
                let start = SuspendingClock.now
                try team.forEach(sampleCount / 16) { _, part in
                    _ = try cache.features(of: Array(order[part * 16..<(part + 1) * 16]))
                }
                return (SuspendingClock.now - start) / .seconds(1)
            }
            firstReadSeconds.append(try readAll())
            readSeconds.append(try readAll())
            traffic = cache.traffic
        }
        firstRead = Durations(firstReadSeconds)
        self.traffic = traffic
        write = Durations(writeSeconds)
        read = Durations(readSeconds)
    }
}
