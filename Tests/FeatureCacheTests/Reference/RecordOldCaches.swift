import DurableFiles
import FeatureCache
import Foundation
import ImageCoding
import SystemPackage
import Testing

@Suite struct RecordOldCaches {
    @Test func record() throws {
        guard let place = ProcessInfo.processInfo.environment["RECORD_OLD_CACHES"] else { return }
        let folder = FilePath(place)
        func fill(_ name: String, _ fixture: CacheFixture, groupCount: Int? = nil, skipping bad: Set<Int> = []) throws {
            let writer = try FeatureCacheWriter(
                directory: folder.appending(name), identity: fixture.identity, samples: fixture.samples,
                samplesPerShard: 4, groupCount: groupCount)
            for shard in writer.missingShards {
                let builder = writer.makeShard(shard)
                for (row, sample) in writer.sampleIndices(inShard: shard).enumerated() {
                    if bad.contains(sample) {
                        builder.skip(row: row, reason: "it is \"bad\" é")
                    } else {
                        try builder.set(
                            fixture.features(of: sample).map { $0 + Float(writer.view(ofShard: shard)) }, row: row)
                    }
                }
                try builder.write()
            }
            try writer.record(skipped: writer.skippedSamples(inShards: 0..<writer.shardCount))
        }
        try fill("plain", CacheFixture())
        var views = CacheFixture()
        var augmentation = Augmentation()
        augmentation.flip = 0.5
        views.identity.views = CacheViews(count: 2, seed: 0, augmentation: augmentation)
        views.identity.precision = .f32
        try fill("views", views, skipping: [3, 8, 9])
        try fill("by-group", CacheFixture(), groupCount: 3)
    }
}
