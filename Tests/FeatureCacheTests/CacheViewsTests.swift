import DurableFiles
import FeatureCache
import ImageCoding
import SystemPackage
import TemporaryFolders
import Testing

@Suite struct CacheViewsTests {
    private var augmentation: Augmentation {
        var augmentation = Augmentation()
        augmentation.flip = 0.5
        return augmentation
    }

    private func fixture(views count: Int, seed: Int = 0) -> CacheFixture {
        var fixture = CacheFixture()
        if count > 1 { fixture.identity.views = CacheViews(count: count, seed: seed, augmentation: augmentation) }
        return fixture
    }

    /// Writes what is missing; views are told apart by their features.
    private func fill(_ directory: FilePath, _ fixture: CacheFixture) throws {
        let writer = try fixture.writer(in: directory)
        for shard in try writer.missingShards() {
            let builder = writer.makeShard(shard)
            for sample in writer.sampleIndices(inShard: shard) {
                try builder.append(fixture.features(of: sample).map { $0 + Float(writer.view(ofShard: shard)) })
            }
            try builder.write()
        }
        try writer.finish()
    }

    @Test func `training images have all views and test images the plain one`() throws {
        try withTemporaryFolder { folder in
            let fixture = fixture(views: 3)
            try fill(folder, fixture)
            let cache = try FeatureCache(directory: folder, expecting: fixture.identity)
            #expect(cache.viewCount == 3 && cache.samples.count == 23)
            let (train, test) = (cache.indices(of: "train"), cache.indices(of: "test"))
            #expect(cache.mapCount == 3 * train.count + test.count)
            for sample in train + test {
                for view in 0..<(train.contains(sample) ? 3 : 1) {
                    #expect(
                        try cache.features(of: [sample], view: view)
                            == fixture.features(of: sample).map { $0 + Float(view) })
                }
            }
            try cache.verify()
        }
    }

    @Test func `plain views and their files are the same with more views or without`() throws {
        try withTemporaryFolder { folder in
            let (plain, more) = (folder.appending("plain"), folder.appending("more"))
            try CacheFixture().fill(plain)
            try fill(more, fixture(views: 2))
            var (first, second) = (try CacheFixture.digests(of: plain), try CacheFixture.digests(of: more))
            #expect(first.removeValue(forKey: "index.json") != second.removeValue(forKey: "index.json"))
            #expect(second.count > first.count)
            for (name, digest) in first { #expect(second[name] == digest) }
        }
    }

    @Test func `views are added to a cache that has fewer, and what is there stays`() throws {
        try withTemporaryFolder { outer in
            let (folder, whole) = (outer.appending("grown"), outer.appending("whole"))
            try CacheFixture().fill(folder)
            let before = try CacheFixture.digests(of: folder)
            let plainShardCount = before.count - 1
            #expect(throws: FeatureCacheError.self) {
                try FeatureCache(directory: folder, expecting: fixture(views: 2).identity)
            }
            for count in [2, 4] {
                let writer = try fixture(views: count).writer(in: folder)
                let missing = try writer.missingShards()
                #expect(missing.allSatisfy { $0 >= plainShardCount } && !missing.isEmpty)
                try fill(folder, fixture(views: count))
            }
            for (name, digest) in try CacheFixture.digests(of: folder) where name != "index.json" {
                #expect(before[name] == nil || before[name] == digest)
            }
            // The same files as of a cache that had four views from the start.
            try fill(whole, fixture(views: 4))
            #expect(try CacheFixture.digests(of: whole) == CacheFixture.digests(of: folder))
            // A run that asks for fewer takes it as it is.
            for count in 1...4 {
                #expect(
                    try FeatureCache(directory: folder, expecting: fixture(views: count).identity).viewCount == 4)
                #expect(try fixture(views: count).writer(in: folder).missingShards().isEmpty)
            }
        }
    }

    @Test func `views that were drawn otherwise are refused`() throws {
        try withTemporaryFolder { folder in
            try fill(folder, fixture(views: 2))
            var other = fixture(views: 2)
            other.identity.views!.augmentation.hue = 0.25
            for wrong in [fixture(views: 2, seed: 1), other] {
                for open in [
                    { _ = try FeatureCache(directory: folder, expecting: wrong.identity) },
                    { _ = try wrong.writer(in: folder) },
                ] {
                    let error = #expect(throws: FeatureCacheError.self) { try open() }
                    #expect("\(error!)".contains("views is 2 with the seed 0"))
                }
            }
        }
    }

    @Test func `a shard of another view or drawing is not taken for one of this cache`() throws {
        try withTemporaryFolder { folder in
            let other = folder.appending("other")
            try fill(folder, fixture(views: 3))
            try fill(other, fixture(views: 3, seed: 9))
            let last = "shard-00016.safetensors"
            for name in [last] where DurableFile.exists(other.appending(name)) {
                try DurableFile.write(DurableFile.read(other.appending(name)), to: folder.appending(last))
                #expect(try fixture(views: 3).writer(in: folder).missingShards() == [16])
            }
        }
    }

    @Test(arguments: [#""count":3"#, #""hue":0"#]) func `an index with impossible views is refused`(text: String) throws
    {
        try withTemporaryFolder { folder in
            try fill(folder, fixture(views: 3))
            let path = folder.appending("index.json")
            let index = String(decoding: try DurableFile.read(path), as: UTF8.self)
            #expect(index.contains(text))
            let wrong = index.replacing(text, with: text.replacing("3", with: "1000000000").replacing("0", with: "9"))
            let body = String(wrong[..<wrong.range(of: "\"digest\"")!.lowerBound])
            try DurableFile.write(body + "\"digest\": \"\(ContentDigest(of: body))\"\n}\n", to: path)
            let error = #expect(throws: FeatureCacheError.self) { try FeatureCache(directory: folder) }
            guard case .corruptIndex(path, let problem) = error else {
                Issue.record("\(String(describing: error)) is not the error of a damaged index")
                return
            }
            #expect(!problem.contains("digest"))
        }
    }
}
