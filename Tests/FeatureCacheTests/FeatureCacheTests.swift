import DurableFiles
import FeatureCache
import Foundation
import SystemPackage
import TemporaryFolders
import Tensors
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
                #expect(features == order.flatMap { fixture.stored($0) })
                if precision != .int8 { #expect(features == order.flatMap { fixture.features(of: $0) }) }
            }
            try cache.verify()
            // Anew: some rows are asked for before they can have been read ahead.
            for _ in 0..<40 { try FeatureCache(directory: folder).verify() }
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

    @Test func `a cache of products in bf16 says so, one of f32 says nothing and is as it was`() throws {
        try withTemporaryFolder { folder throws in
            var origins: [String?] = []
            for compute in ComputePrecision.allCases {
                let directory = folder.appending(compute.rawValue)
                var fixture = CacheFixture()
                fixture.identity.compute = compute
                try fixture.fill(directory)
                #expect(try FeatureCache(directory: directory, expecting: fixture.identity).identity.compute == compute)
                let index = try String(decoding: DurableFile.read(directory.appending("index.json")), as: UTF8.self)
                #expect(index.contains("\"compute\": \"bf16\",\n") == (compute == .bf16))
                #expect(index.contains("compute") == (compute == .bf16))
                // Programs that do not know of it refuse the version.
                #expect(index.contains("\"schema_version\": \(compute == .bf16 ? 4 : 3)"))
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

    @Test func `a cache cut by logical shard reads the same, and one logical shard is enough to open it`() throws {
        try withTemporaryFolder { folder throws in
            let fixture = CacheFixture()
            let whole = try fixture.writer(in: folder.appending("whole"), logicalShardCount: 3)
            let logicalShards = try #require(whole.logicalShards(ofDivisionInto: 3))
            for split in ["train", "test"] {
                for (position, sample) in whole.samples.filter({ $0.split == split }).enumerated() {
                    #expect(logicalShards[sample.shard] == position % 3, "\(sample.path)")
                }
            }
            for shard in try whole.missingShards() { try fixture.write(shard, with: whole) }
            let cache = try FeatureCache(directory: folder.appending("whole"))
            #expect(cache.logicalShardCount == 3)
            #expect(try cache.features(of: Array(0..<23)) == (0..<23).flatMap { fixture.features(of: $0) })

            // One logical shard, elsewhere, from the bytes of its files.
            let part = try fixture.writer(in: folder.appending("part"), logicalShardCount: 3)
            let own = try #require(part.shards(ofRank: 1, of: 3))
            #expect(own == Set(logicalShards.indices.filter { logicalShards[$0] == 1 }))
            for shard in own { #expect(try part.adopt(whole.fileBytes(ofShard: shard), as: shard)?.isEmpty == true) }
            let partial = try FeatureCache(directory: folder.appending("part"), rank: (1, 3))
            #expect(partial.ownShards == own)
            try partial.verify()
            let indices = cache.samples.indices.filter { own.contains(cache.samples.shard(of: $0)) }
            #expect(try partial.features(of: indices) == cache.features(of: indices))
            #expect(throws: FeatureCacheError.self) { try FeatureCache(directory: folder.appending("part")) }
            #expect(throws: FeatureCacheError.self) {
                try FeatureCache(directory: folder.appending("part"), rank: (0, 3))
            }

            // Damaged on the way, or of another shard.
            let other = try #require(logicalShards.firstIndex(of: 0))
            let bytes = try whole.fileBytes(ofShard: other)
            for place in bytes.indices {
                var damaged = bytes
                damaged[place] ^= 1
                #expect(try part.adopt(damaged, as: other) == nil, "byte \(place)")
                #expect(try part.adopt(Array(bytes[..<place]), as: other) == nil, "the first \(place) bytes")
            }
            #expect(try part.adopt(whole.fileBytes(ofShard: own.first!), as: other) == nil)
            #expect(try part.presence(ofShard: other) == .missing)
        }
    }

    @Test func `a cache cut by other logical shards is read, and refused where the division matters`() throws {
        try withTemporaryFolder { folder throws in
            let fixture = CacheFixture()
            try fixture.fill(folder, logicalShardCount: 3)
            #expect(try fixture.writer(in: folder, samplesPerShard: 9, logicalShardCount: 2).missingShards().isEmpty)
            let error = #expect(throws: FeatureCacheError.self) {
                try fixture.writer(in: folder, logicalShardCount: 2, requiresDivision: true)
            }
            #expect("\(error!)".contains("division into logical shards is 3, expected 2"))
            _ = try fixture.writer(in: folder, logicalShardCount: 3, requiresDivision: true)
        }
    }

    @Test(arguments: [1, 2, 3, 5, 8, 30]) func `ranks share out the files, and more ranks than logical shards do not`(
        logicalShardCount: Int
    ) throws {
        try withTemporaryFolder { folder throws in
            let fixture = CacheFixture()
            try fixture.fill(folder, logicalShardCount: logicalShardCount)
            for rankCount in 1...6 {
                let parts = try (0..<rankCount).map {
                    try FeatureCache(directory: folder, rank: ($0, rankCount)).ownShards
                }
                if rankCount == 1 || rankCount > logicalShardCount {
                    #expect(parts.allSatisfy { $0 == nil })
                } else {
                    let all = parts.flatMap { $0! }.sorted()
                    #expect(all == Array(0..<(try FeatureCache(directory: folder).shardCount)))
                }
            }
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
            for table in ["images", "digests"] {
                #expect(shard.entry(table)?.shape == [4, 32])
                #expect(shard.entry(table)?.elementType == .uint8)
            }
            #expect(shard.metadata["format"] == "infodisent-features-3")
            // The digest of the second row is that of its features.
            try shard.withBytes(of: "features") { features in
                try shard.withBytes(of: "digests") { digests in
                    let row = UnsafeRawBufferPointer(rebasing: features[60..<120])
                    let digits = digests[32..<64].map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
                    #expect(ContentDigest(of: row).hexadecimal == digits.joined())
                }
            }
            #expect(try shard.int64s("labels") == [0, 1, 2, 1])
            let json =
                try JSONSerialization.jsonObject(
                    with: Data(DurableFile.read(folder.appending("index.json")))) as? [String: Any]
            #expect(json?["schema_version"] as? Int == 3)
            #expect(json?["logical_shards"] as? Int == 1)
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
            for shard in try writer.missingShards().reversed() { try fixture.write(shard, with: writer) }
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
            let wrong = WrongCount()
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
                #expect(try writer.missingShards() == [0, 1])
                let again = try FeatureCacheWriter(
                    directory: folder, identity: fixture.identity, samples: fixture.samples)
                #expect(again.samples[99_999] == writer.samples[99_999])
            }
            #expect(time < .seconds(10))
        }
    }
}
