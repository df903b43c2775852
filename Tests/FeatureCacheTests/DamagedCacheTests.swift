import DurableFiles
import FeatureCache
import Foundation
import SystemPackage
import TemporaryFolders
import Testing
import WeightFiles

struct DamagedCacheTests {
    /// Runs `body` with a complete cache.
    private func withCache(_ precision: CachePrecision = .f16, _ body: (FilePath) throws -> Void) throws {
        try withTemporaryFolder { folder throws in
            var fixture = CacheFixture()
            fixture.identity.precision = precision
            try fixture.fill(folder)
            try body(folder)
        }
    }

    private func expectCorruptShard(
        _ path: FilePath, _ cache: FilePath, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let error = #expect(throws: FeatureCacheError.self, sourceLocation: sourceLocation) {
            try FeatureCache(directory: cache).verify()
        }
        guard case .corruptRow(path, let row, let sample, _) = error else {
            Issue.record("\(String(describing: error))", sourceLocation: sourceLocation)
            return
        }
        let text = "\(error!)"
        for part in ["\(path)", "Row \(row), \(sample),", "extract --verify makes anew what is damaged"] {
            #expect(text.contains(part), sourceLocation: sourceLocation)
        }
        #expect(error?.exitCode == 65, sourceLocation: sourceLocation)
    }

    @Test func `a folder without an index, and no folder`() throws {
        try withTemporaryFolder { folder throws in
            #expect(throws: FeatureCacheError.noIndex(directory: folder)) { try FeatureCache(directory: folder) }
            let none = folder.appending("none")
            #expect(throws: FeatureCacheError.noIndex(directory: none)) { try FeatureCache(directory: none) }
            #expect(FeatureCacheError.noIndex(directory: none).exitCode == 66)
        }
    }

    @Test func `every truncation and every flipped byte of the index is noticed`() throws {
        try withCache { folder in
            let path = folder.appending("index.json")
            let bytes = try DurableFile.read(path)
            for position in stride(from: 0, to: bytes.count, by: 7) {
                for damaged in [Array(bytes[..<position]), bytes.replacing(position, with: bytes[position] ^ 4)] {
                    try DurableFile.write(damaged, to: path)
                    #expect(throws: FeatureCacheError.self, "byte \(position)") { try FeatureCache(directory: folder) }
                }
            }
            try DurableFile.write(bytes, to: path)
            try FeatureCache(directory: folder).verify()
        }
    }

    @Test func `an index of another version is named`() throws {
        try withCache { folder in
            let path = folder.appending("index.json")
            let text = String(decoding: try DurableFile.read(path), as: UTF8.self)
            try DurableFile.write(text.replacing("\"schema_version\": 3", with: "\"schema_version\": 5"), to: path)
            #expect(throws: FeatureCacheError.unknownVersion(path: path, found: 5, supported: 4)) {
                try FeatureCache(directory: folder)
            }
        }
    }

    @Test func `an index that is whole but contradicts itself is refused`() throws {
        try withCache { folder in
            let path = folder.appending("index.json")
            let text = String(decoding: try DurableFile.read(path), as: UTF8.self)
            let body = text[..<text.range(of: "\"digest\"")!.lowerBound]
            let changes = [
                ("é.jpg\",0,0,0]", "é.jpg\",3,0,0]"), ("é.jpg\",0,0,0]", "é.jpg\",0,0,1]"),
                ("é.jpg\",0,0,0]", "é.jpg\",0,9,0]"),
                ("é.jpg\",0,0,0]", "é.jpg\",0,0]"), ("é.jpg\",0,0,0]", "é.jpg\",0,0,0,0]"),
                ("\"samples\":4", "\"samples\":5"),
                ("\"height\":2", "\"height\":0"), ("\"backbone\"", "\"backbones\""), ("\"f16\"", "\"f17\""),
                ("\"columns\": [\"path\"", "\"columns\": [\"file\""),
                ("\"logical_shards\": 1", "\"logical_shards\": 2"), ("\"logical_shards\": 1", "\"logical_shards\": 0"),
                ("\"logical_shards\"", "\"logical_shard\""),
                // Programs of that version wrote none.
                ("\"f16\"", "\"int8\""),
                // Its files would have more bytes than there are numbers.
                ("\"height\":2, \"width\":3", "\"height\":1048576, \"width\":1048576"),
            ]
            for (old, new) in changes {
                let changed = body.replacing(old, with: new, maxReplacements: 1)
                #expect(changed != body, "\(old)")
                try DurableFile.write(
                    changed + "\"digest\": \"\(ContentDigest(of: String(changed)))\"\n}\n", to: path)
                #expect(throws: FeatureCacheError.self, "\(new)") { try FeatureCache(directory: folder) }
            }
            try DurableFile.write(body + "\"digest\": \"\(ContentDigest(of: String(body)))\"\n}\n", to: path)
            try FeatureCache(directory: folder).verify()
        }
    }

    @Test(arguments: [CachePrecision.f16, .int8])
    func `every truncation and every flipped byte of a shard is noticed`(precision: CachePrecision) throws {
        try withCache(precision) { folder in
            let path = folder.appending("shard-00001.safetensors")
            let bytes = try DurableFile.read(path)
            for position in bytes.indices {
                for damaged in [Array(bytes[..<position]), bytes.replacing(position, with: bytes[position] ^ 0x10)] {
                    try Data(damaged).write(to: URL(fileURLWithPath: path.string))
                    try expectCorruptShard(path, folder)
                }
            }
            try DurableFile.write(bytes + [0], to: path)
            try expectCorruptShard(path, folder)
        }
    }

    @Test func `only the damaged row is refused, until its file is written again`() throws {
        try withCache { folder in
            let path = folder.appending("shard-00001.safetensors")
            var bytes = try DurableFile.read(path)
            bytes[bytes.count - 1] ^= 1
            try DurableFile.write(bytes, to: path)
            let cache = try FeatureCache(directory: folder)
            let inside = cache.samples.indices.filter { cache.samples.shard(of: $0) == 1 }
            let (sound, damaged) = ([0] + inside.dropLast(), inside.last!)
            #expect(try cache.features(of: sound) == sound.flatMap { CacheFixture().features(of: $0) })
            #expect(throws: FeatureCacheError.self) { try cache.features(of: [0, damaged]) }
            #expect(try cache.features(of: sound) == sound.flatMap { CacheFixture().features(of: $0) })
            try DurableFile.remove(path)
            try CacheFixture().fill(folder)
            #expect(try cache.features(of: inside) == inside.flatMap { CacheFixture().features(of: $0) })
        }
    }

    @Test func `a whole shard in the wrong place is refused`() throws {
        try withCache { folder in
            let path = folder.appending("shard-00001.safetensors")
            try DurableFile.write(DurableFile.read(folder.appending("shard-00000.safetensors")), to: path)
            try expectCorruptShard(path, folder)
            try SafetensorsWriter.write([.floats("features", [1], [0])], to: path)
            try expectCorruptShard(path, folder)
        }
    }
}

extension [UInt8] {
    /// A copy with another byte at `position`.
    fileprivate func replacing(_ position: Int, with byte: UInt8) -> [UInt8] {
        var copy = self
        copy[position] = byte
        return copy
    }
}
