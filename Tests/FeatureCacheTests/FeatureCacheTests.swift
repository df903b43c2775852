import DurableFiles
import FeatureCache
import Foundation
import SystemPackage
import TemporaryFolders
import Testing
import WeightFiles

struct FeatureCacheTests {
    @Test(arguments: CachePrecision.allCases)
    func `features come back in any order`(precision: CachePrecision) throws {
        try withTemporaryFolder { folder throws in
            var fixture = CacheFixture()
            fixture.identity.precision = precision
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder, expecting: fixture.identity)
            #expect(cache.identity == fixture.identity)
            #expect(cache.samples.count == 23)
            for order in [Array(0..<23), Array((0..<23).reversed()), [7, 7, 3]] {
                let features = try cache.features(of: order)
                #expect(features == order.flatMap { fixture.features(of: $0) })
            }
            try cache.verify()
        }
    }

    @Test func `a cache of averaged weights says so, one of others says nothing and is as it was`() throws {
        try withTemporaryFolder { folder throws in
            var origins: [String?] = []
            for usesEMA in [false, true] {
                let directory = folder.appending("\(usesEMA)")
                var fixture = CacheFixture()
                fixture.identity.usesEMA = usesEMA
                try fixture.fill(directory)
                #expect(try FeatureCache(directory: directory, expecting: fixture.identity).identity.usesEMA == usesEMA)
                let index = try String(decoding: DurableFile.read(directory.appending("index.json")), as: UTF8.self)
                #expect(index.contains("\"use_ema\": true,\n") == usesEMA)
                #expect(index.contains("use_ema") == usesEMA)
                origins.append(
                    try SafetensorsFile(directory.appending("shard-00000.safetensors")).metadata["origin_sha256"])
            }
            #expect(origins[0] != nil && origins[1] != nil && origins[0] != origins[1])
        }
    }

    @Test func `samples keep the dataset's order, and a shard holds one split`() throws {
        try withTemporaryFolder { folder throws in
            let fixture = CacheFixture()
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            for (index, sample) in cache.samples.enumerated() {
                let expected = fixture.samples[index]
                #expect((sample.path, sample.label, sample.split) == (expected.path, expected.label, expected.split))
            }
            #expect(cache.indices(of: "test") == [3, 7, 11, 15, 19])
            #expect(cache.indices(of: "train").count == 18)
            #expect(cache.shardCount == 5 + 2)
            for shard in 0..<cache.shardCount {
                #expect(Set(cache.samples.filter { $0.shard == shard }.map(\.split)).count == 1)
            }
        }
    }

    @Test func `a cache cut by group reads the same, and one group is enough to open it`() throws {
        try withTemporaryFolder { folder throws in
            let fixture = CacheFixture()
            func writer(_ name: String, groupCount: Int?) throws -> FeatureCacheWriter {
                try FeatureCacheWriter(
                    directory: folder.appending(name), identity: fixture.identity, samples: fixture.samples,
                    samplesPerShard: 4, groupCount: groupCount)
            }
            let whole = try writer("whole", groupCount: 3)
            let groups = whole.groups(groupCount: 3)
            for split in ["train", "test"] {
                for (position, sample) in whole.samples.filter({ $0.split == split }).enumerated() {
                    #expect(groups[sample.shard] == position % 3, "\(sample.path)")
                }
            }
            for shard in whole.missingShards { try fixture.write(shard, with: whole) }
            let cache = try FeatureCache(directory: folder.appending("whole"))
            #expect(try cache.features(of: Array(0..<23)) == (0..<23).flatMap { fixture.features(of: $0) })

            // One group, elsewhere, from the bytes of its files.
            let part = try writer("part", groupCount: 3)
            let own = Set(groups.indices.filter { groups[$0] == 1 })
            for shard in own { #expect(try part.adopt(whole.fileBytes(ofShard: shard), as: shard)) }
            let partial = try FeatureCache(directory: folder.appending("part"), ownShards: own)
            try partial.verify()
            let indices = cache.samples.indices.filter { own.contains(cache.samples.shard(of: $0)) }
            #expect(try partial.features(of: indices) == cache.features(of: indices))
            #expect(throws: FeatureCacheError.self) { try FeatureCache(directory: folder.appending("part")) }

            // Damaged on the way, or of another shard.
            let other = try #require(groups.firstIndex(of: 0))
            var bytes = try whole.fileBytes(ofShard: other)
            bytes[bytes.count - 3] ^= 1
            #expect(try !part.adopt(bytes, as: other) && !part.isPresent(shard: other))
            #expect(try !part.adopt(whole.fileBytes(ofShard: own.first!), as: other))
            // Cut in another way.
            #expect(throws: FeatureCacheError.self) { try writer("whole", groupCount: 2) }
            #expect(try writer("whole", groupCount: nil).missingShards.isEmpty)
        }
    }

    @Test func `the files are those of the documented format`() throws {
        try withTemporaryFolder { folder throws in
            try CacheFixture().fill(folder)
            #expect(
                try DurableDirectory.names(in: folder)
                    == ["index.json"] + (0..<7).map { "shard-0000\($0).safetensors" })
            let shard = try SafetensorsFile(folder.appending("shard-00000.safetensors"))
            #expect(shard.entry("features")?.shape == [4, 2, 3, 5])
            #expect(shard.entry("features")?.elementType == .float16)
            #expect(try shard.int64s("labels") == [0, 1, 2, 1])
            let json =
                try JSONSerialization.jsonObject(
                    with: Data(DurableFile.read(folder.appending("index.json")))) as? [String: Any]
            #expect(json?["schema_version"] as? Int == 1)
            #expect(json?["backbone"] as? String == "resnet18")
            #expect((json?["samples"] as? [[Any]])?.count == 23)
        }
    }

    @Test func `a shard's bytes depend on nothing but its samples`() throws {
        try withTemporaryFolder { folder throws in
            let fixture = CacheFixture()
            let (one, other) = (folder.appending("one"), folder.appending("other"))
            try fixture.fill(one)
            let writer = try fixture.writer(in: other)
            for shard in writer.missingShards.reversed() { try fixture.write(shard, with: writer) }
            #expect(try CacheFixture.digests(of: one) == CacheFixture.digests(of: other))
            var longer = fixture
            longer.samples.append((path: "more", label: 0, split: "test"))
            longer.identity.datasetFingerprint = ContentDigest(of: "more")
            let third = folder.appending("third")
            try longer.fill(third)
            let (before, after) = (try CacheFixture.digests(of: one), try CacheFixture.digests(of: third))
            #expect(
                (0..<6).allSatisfy { before["shard-0000\($0).safetensors"] == after["shard-0000\($0).safetensors"] })
        }
    }

    @Test func `many threads read the same cache`() throws {
        try withTemporaryFolder { folder throws in
            let fixture = CacheFixture()
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            let wrong = Counter()
            DispatchQueue.concurrentPerform(iterations: 200) { iteration in
                let sample = iteration * 7 % 23
                let features = try? cache.features(of: [sample])
                if features != fixture.features(of: sample) { wrong.add() }
            }
            #expect(wrong.value == 0)
        }
    }

    @Test func `an index of a hundred thousand samples is written and read quickly`() throws {
        try withTemporaryFolder { folder throws in
            var fixture = CacheFixture()
            fixture.samples = (0..<100_000).map { ("n01440764/n01440764_\($0).JPEG", $0 % 3, "train") }
            let time = try ContinuousClock().measure {
                let writer = try FeatureCacheWriter(
                    directory: folder, identity: fixture.identity, samples: fixture.samples, samplesPerShard: 50_000)
                #expect(writer.missingShards == [0, 1])
                let again = try FeatureCacheWriter(
                    directory: folder, identity: fixture.identity, samples: fixture.samples)
                #expect(again.samples[99_999] == writer.samples[99_999])
            }
            #expect(time < .seconds(10))
        }
    }
}

private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0
    func add() { lock.withLock { count += 1 } }
    var value: Int { lock.withLock { count } }
}
