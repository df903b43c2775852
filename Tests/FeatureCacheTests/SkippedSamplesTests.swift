import DurableFiles
import FeatureCache
import SystemPackage
import TemporaryFolders
import Testing

@Suite struct SkippedSamplesTests {
    let fixture = CacheFixture()
    let bad: Set<Int> = [3, 8, 9]

    /// Writes all shards, leaving out the bad samples, and gives the writer.
    @discardableResult
    private func fill(_ directory: FilePath) throws -> FeatureCacheWriter {
        let writer = try fixture.writer(in: directory)
        for shard in try writer.missingShards() {
            let builder = writer.makeShard(shard)
            // From the last row to the first: any order will do.
            for (row, sample) in writer.sampleIndices(inShard: shard).enumerated().reversed() {
                if bad.contains(sample) {
                    builder.skip(row: row, reason: "it is \"bad\" é\n")
                } else {
                    try builder.set(fixture.features(of: sample), row: row)
                }
            }
            try builder.write()
        }
        return writer
    }

    @Test func `they are listed in the index, keep their numbers, and are no members of their split`() throws {
        try withTemporaryFolder { folder in
            let writer = try fill(folder)
            let skipped = try writer.skippedSamples()
            #expect(skipped.map(\.sample) == bad.sorted())
            #expect(skipped.allSatisfy { $0.reason == "it is \"bad\" é\n" })
            try writer.record(skipped: skipped)
            let cache = try FeatureCache(directory: folder, expecting: fixture.identity)
            #expect(cache.skipped == skipped && cache.samples.count == 23)
            #expect(cache.mapCount == 20)
            for split in ["train", "test"] {
                let all = cache.allIndices(of: split)
                #expect(cache.indices(of: split) == all.filter { !bad.contains($0) })
                for sample in all {
                    let features = fixture.features(of: sample)
                    #expect(
                        try cache.features(of: [sample])
                            == (bad.contains(sample) ? [Float](repeating: 0, count: features.count) : features))
                }
            }
            try cache.verify()
            // The next writer finds nothing to do and the same list.
            let next = try fixture.writer(in: folder)
            #expect(try next.missingShards().isEmpty)
            #expect(try next.skippedSamples() == skipped)
        }
    }

    @Test func `a kill before the index was written again is found out`() throws {
        try withTemporaryFolder { folder in
            let writer = try fill(folder)
            // The index does not list what the shards leave out: zeros must not be taken for features.
            let cache = try FeatureCache(directory: folder)
            #expect(throws: FeatureCacheError.self) { try cache.features(of: [3]) }
            // The next extraction puts it right without computing anything again.
            try writer.record(skipped: writer.skippedSamples())
            #expect(try FeatureCache(directory: folder).features(of: [4]) == fixture.features(of: 4))
        }
    }

    @Test func `a shard that another rank fetched brings its list along`() throws {
        try withTemporaryFolder { folder in
            let (one, two) = (folder.appending("one"), folder.appending("two"))
            let writer = try fill(one)
            let other = try fixture.writer(in: two)
            for shard in 0..<writer.shardCount {
                let skipped = try #require(try other.adopt(writer.fileBytes(ofShard: shard), as: shard))
                #expect(skipped.map(\.sample) == bad.sorted().filter { writer.samples.shard(of: $0) == shard })
            }
            #expect(try other.skippedSamples().map(\.sample) == bad.sorted())
        }
    }

    @Test func `a changed list is a damaged shard`() throws {
        try withTemporaryFolder { folder in
            let writer = try fill(folder)
            try writer.record(skipped: writer.skippedSamples())
            let cache = try FeatureCache(directory: folder)
            let sample = cache.samples[8]
            let digits = "0000\(sample.shard)"
            let path = folder.appending("shard-\(digits.suffix(5)).safetensors")
            let bytes = try DurableFile.read(path)
            let text = Array("bad".utf8)
            let place = try #require(bytes.indices.first { bytes[$0...].starts(with: text) })
            var damaged = bytes
            damaged[place] = UInt8(ascii: "m")
            try DurableFile.write(damaged, to: path)
            #expect(throws: FeatureCacheError.self) { try FeatureCache(directory: folder).features(of: [8]) }
        }
    }

    @Test(arguments: ["[[5,\"x\"],[5,\"y\"]]", "[[99,\"x\"]]", "[[-1,\"x\"]]", "[[1]]", "{}", "[[1,2]]"])
    func `an index with an impossible list is refused`(list: String) throws {
        try withTemporaryFolder { folder in
            let writer = try fill(folder)
            try writer.record(skipped: writer.skippedSamples())
            let path = folder.appending("index.json")
            let index = String(decoding: try DurableFile.read(path), as: UTF8.self)
            let (start, end) = (
                index.range(of: "\"skipped\": ")!.upperBound, index.range(of: ",\n\"columns\"")!.lowerBound
            )
            let body = String(index[..<start] + list + index[end..<index.range(of: "\"digest\"")!.lowerBound])
            try DurableFile.write(body + "\"digest\": \"\(ContentDigest(of: body))\"\n}\n", to: path)
            let error = #expect(throws: FeatureCacheError.self) { try FeatureCache(directory: folder) }
            #expect("\(error!)".contains("skipped sample"))
        }
    }
}
