import DurableFiles
import FeatureCache
import Foundation
import Synchronization
import SystemPackage
import TemporaryFolders
import Testing

/// Several extractions into one folder at the same time.
struct ManyWritersTests {
    @Test func `of several that start a cache one division wins, and all go on with it`() throws {
        for _ in 0..<20 {
            try withTemporaryFolder { folder throws in
                let fixture = CacheFixture()
                let divisions = Mutex<[ContentDigest]>([])
                let failures = Mutex<[String]>([])
                DispatchQueue.concurrentPerform(iterations: 6) { number in
                    do {
                        let writer = try fixture.writer(
                            in: folder, samplesPerShard: 3 + number, logicalShardCount: 1 + number % 3)
                        divisions.withLock { $0.append(writer.divisionDigest) }
                        for shard in try writer.missingShards() { try fixture.write(shard, with: writer) }
                        try writer.finish()
                        try FeatureCache(directory: folder, expecting: fixture.identity).verify()
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
                #expect(failures.withLock { $0 } == [])
                #expect(Set(divisions.withLock { $0 }).count == 1)
                let cache = try FeatureCache(directory: folder)
                #expect(try cache.features(of: Array(0..<23)) == (0..<23).flatMap { fixture.features(of: $0) })
                #expect(try DurableDirectory.names(in: folder).count == cache.shardCount + 1)
            }
        }
    }

    @Test func `one that was made from something else is refused by the second, which says so`() throws {
        try withTemporaryFolder { folder throws in
            let fixture = CacheFixture()
            _ = try fixture.writer(in: folder)
            var other = fixture
            other.identity.backbone = "resnet50"
            let error = #expect(throws: FeatureCacheError.self) { try other.writer(in: folder) }
            #expect("\(error!)".contains("backbone is resnet18, expected resnet50"))
        }
    }

    @Test func `what is left out is recorded beside views that were added in the meantime`() throws {
        try withTemporaryFolder { folder throws in
            let fixture = CacheFixture()
            try fixture.fill(folder)
            let first = try fixture.writer(in: folder)
            var more = fixture
            more.identity.views = CacheViews(count: 2, seed: 0, augmentation: .init())
            _ = try more.writer(in: folder)
            try first.record(skipped: [SkippedSample(sample: 3, reason: "it is bad")])
            let writer = try more.writer(in: folder)
            #expect(writer.identity.views?.count == 2)
        }
    }

    @Test func `a writer that may not write finds the cache or says that there is none`() throws {
        try withTemporaryFolder { folder throws in
            let fixture = CacheFixture()
            let directory = folder.appending("cache")
            func find() throws -> FeatureCacheWriter {
                try FeatureCacheWriter(
                    directory: directory, identity: fixture.identity, samples: fixture.samples, mayWriteIndex: false)
            }
            #expect(throws: FeatureCacheError.noIndex(directory: directory)) { try find() }
            #expect(!FileManager.default.fileExists(atPath: directory.string))
            let writer = try fixture.writer(in: directory)
            #expect(try find().divisionDigest == writer.divisionDigest)
        }
    }
}
