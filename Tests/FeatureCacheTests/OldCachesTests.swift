import DurableFiles
import FeatureCache
import Foundation
import ImageCoding
import SystemPackage
import TemporaryFolders
import Testing

/// Caches that versions of this program until the schema version 2 have written (Reference/RecordOldCaches.swift): they are
/// read, verified, completed and mended as they were.
struct OldCachesTests {
    /// Runs `body` with a copy of a recorded cache.
    private func withRecorded(_ name: String, _ body: (FilePath) throws -> Void) throws {
        let recorded = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
        try withTemporaryFolder { folder throws in
            let copy = folder.appending(name)
            try FileManager.default.copyItem(
                at: recorded.appending(path: name), to: URL(fileURLWithPath: copy.string))
            try body(copy)
        }
    }

    private var viewsFixture: CacheFixture {
        var fixture = CacheFixture()
        var augmentation = Augmentation()
        augmentation.flip = 0.5
        fixture.identity.views = CacheViews(count: 2, seed: 0, augmentation: augmentation)
        fixture.identity.precision = .f32
        return fixture
    }

    private let skipped: Set<Int> = [3, 8, 9]

    @Test func `a plain one is read`() throws {
        try withRecorded("plain") { folder in
            let fixture = CacheFixture()
            let cache = try FeatureCache(directory: folder, expecting: fixture.identity)
            #expect(cache.logicalShardCount == nil && cache.shardCount == 7)
            let order = (0..<23).map { $0 * 7 % 23 }
            #expect(try cache.features(of: order) == order.flatMap { fixture.features(of: $0) })
            // As a whole, when a file is first read from.
            let files = try (0..<7).reduce(0) {
                try $0 + DurableFile.byteCount(of: folder.appending("shard-0000\($1).safetensors"))
            }
            #expect(cache.traffic.hashedByteCount > files && cache.traffic.openCount == 7)
            let before = cache.traffic.hashedByteCount
            _ = try cache.features(of: order)
            #expect(cache.traffic.hashedByteCount == before)
            try cache.verify()
            #expect(CachedImages(of: cache).digest(of: 0) == nil)
            // Its files hold samples of all logical shards, so that ranks share out samples.
            #expect(try FeatureCache(directory: folder, rank: (0, 2)).ownShards == nil)
        }
    }

    @Test func `one with views and skipped images is read`() throws {
        try withRecorded("views") { folder in
            let fixture = viewsFixture
            let cache = try FeatureCache(directory: folder, expecting: fixture.identity)
            #expect(Set(cache.skipped.map(\.sample)) == skipped)
            for split in ["train", "test"] {
                for sample in cache.allIndices(of: split) {
                    for view in 0..<(split == "train" ? 2 : 1) {
                        let expected = fixture.features(of: sample).map {
                            skipped.contains(sample) ? 0 : $0 + Float(view)
                        }
                        #expect(try cache.features(of: [sample], view: view) == expected)
                    }
                }
            }
            try cache.verify()
        }
    }

    @Test func `one that nodes share out by logical shard is gone on with by as many`() throws {
        try withRecorded("by-group") { folder in
            let fixture = CacheFixture()
            let writer = try fixture.writer(in: folder, logicalShardCount: 3, requiresDivision: true)
            #expect(try writer.missingShards().isEmpty)
            let logicalShards = try #require(writer.logicalShards(ofDivisionInto: 3))
            for (position, sample) in writer.samples.filter({ $0.split == "train" }).enumerated() {
                #expect(logicalShards[sample.shard] == position % 3)
            }
            #expect(writer.logicalShards(ofDivisionInto: 2) == nil)
            for other in [1, 2, 4] {
                #expect(throws: FeatureCacheError.self) {
                    try fixture.writer(in: folder, logicalShardCount: other, requiresDivision: true)
                }
            }
            let cache = try FeatureCache(directory: folder)
            #expect(try cache.features(of: Array(0..<23)) == (0..<23).flatMap { fixture.features(of: $0) })
        }
    }

    @Test(arguments: ["plain", "views"]) func `damage at any place is noticed and mended, with the bytes it had`(
        name: String
    ) throws {
        try withRecorded(name) { folder in
            let fixture = name == "plain" ? CacheFixture() : viewsFixture
            let path = folder.appending("shard-00001.safetensors")
            let bytes = try DurableFile.read(path)
            let cases =
                bytes.indices.map { place in
                    var damaged = bytes
                    damaged[place] ^= 0x10
                    return damaged
                } + bytes.indices.map { Array(bytes[..<$0]) } + [bytes + [0]]
            for damaged in cases {
                try Data(damaged).write(to: URL(fileURLWithPath: path.string))
                #expect(throws: FeatureCacheError.self) { try FeatureCache(directory: folder).verify() }
                let cache = try FeatureCache(
                    directory: folder, rank: nil,
                    mender: { [skipped] shard in
                        #expect(shard.missingRows.count == shard.samples.count, "it is not known which rows are sound")
                        for row in shard.missingRows {
                            let (sample, digest) = (shard.samples[row], [UInt8](repeating: 7, count: 32))
                            if name == "views" && skipped.contains(sample) {
                                try shard.skip(row: row, reason: "it is \"bad\" é", imageDigest: digest)
                            } else {
                                try shard.set(
                                    fixture.features(of: sample).map { $0 + Float(shard.view) }, row: row,
                                    imageDigest: digest)
                            }
                        }
                        try shard.write()
                    })
                try cache.verify()
                #expect(try DurableFile.read(path) == bytes)
            }
        }
    }

    @Test func `one that is not complete is completed in its own format`() throws {
        try withRecorded("plain") { folder in
            let recorded = try CacheFixture.digests(of: folder)
            for name in ["shard-00000", "shard-00004", "shard-00006"] {
                try DurableFile.remove(folder.appending("\(name).safetensors"))
            }
            let writer = try CacheFixture().writer(in: folder, logicalShardCount: 4)
            #expect(try writer.missingShards() == [0, 4, 6])
            try CacheFixture().fill(folder)
            #expect(try CacheFixture.digests(of: folder) == recorded)
        }
    }

    @Test func `views are added to one in its own format`() throws {
        try withRecorded("plain") { folder in
            let recorded = try CacheFixture.digests(of: folder)
            var fixture = CacheFixture()
            fixture.identity.views = CacheViews(count: 2, seed: 0, augmentation: .init())
            try fixture.fill(folder)
            let index = try String(decoding: DurableFile.read(folder.appending("index.json")), as: UTF8.self)
            #expect(index.contains("\"schema_version\": 2") && !index.contains("logical_shards"))
            let files = try CacheFixture.digests(of: folder)
            #expect(files.count == recorded.count + 5)
            for (name, digest) in recorded where name != "index.json" { #expect(files[name] == digest) }
            try FeatureCache(directory: folder, expecting: fixture.identity).verify()
        }
    }

    @Test(arguments: FileChange.allCases) func `one that changes while it is in use is noticed`(
        change: FileChange
    ) throws {
        try withRecorded("plain") { folder in
            let cache = try FeatureCache(directory: folder)
            #expect(try cache.features(of: [0]) == CacheFixture().features(of: 0))
            let path = folder.appending("shard-00000.safetensors")
            try change.apply(to: path, at: DurableFile.byteCount(of: path) - 5)
            let error = #expect(throws: FeatureCacheError.self) { try cache.features(of: [0]) }
            #expect("\(error!)".contains("\(path)"))
        }
    }
}
