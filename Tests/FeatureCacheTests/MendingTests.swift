import DurableFiles
import FeatureCache
import Foundation
import Synchronization
import SystemPackage
import TemporaryFolders
import Testing

/// What is damaged is made anew by whoever can, with the bytes it had.
struct MendingTests {
    /// Extracts as the fixture does; notes what it was asked for.
    private final class Mender: Sendable {
        private let fixture: CacheFixture
        private let record = Mutex<[(problem: String?, rows: Int)]>([])

        init(_ fixture: CacheFixture) { self.fixture = fixture }

        var calls: [(problem: String?, rows: Int)] { record.withLock { $0 } }

        func mend(_ shard: PendingShard) throws {
            record.withLock { $0.append((shard.problem, shard.missingRows.count)) }
            for row in shard.missingRows {
                try shard.set(
                    fixture.features(of: shard.samples[row]).map { $0 + Float(shard.view) }, row: row,
                    imageDigest: MendingTests.imageDigest(of: shard.samples[row]))
            }
            try shard.write()
        }
    }

    private static func imageDigest(of sample: Int) -> [UInt8] { [UInt8](repeating: UInt8(sample + 1), count: 32) }

    private let fixture = CacheFixture()

    private func fill(_ folder: FilePath, _ fixture: CacheFixture) throws {
        let writer = try fixture.writer(in: folder)
        for shard in try writer.missingShards() {
            let builder = writer.makeShard(shard)
            for (row, sample) in writer.sampleIndices(inShard: shard).enumerated() {
                try builder.set(
                    fixture.features(of: sample).map { $0 + Float(writer.view(ofShard: shard)) }, row: row,
                    imageDigest: Self.imageDigest(of: sample))
            }
            try builder.write()
        }
    }

    private func cache(_ folder: FilePath, _ mender: Mender) throws -> FeatureCache {
        try FeatureCache(directory: folder, rank: nil, mender: { try mender.mend($0) })
    }

    @Test func `damage at any place is mended, and of a row only that row is extracted`() throws {
        try withTemporaryFolder { folder throws in
            try fill(folder, fixture)
            let path = folder.appending("shard-00001.safetensors")
            let bytes = try DurableFile.read(path)
            let rowByteCount = 60
            let featuresStart = bytes.count - 4 * rowByteCount
            for place in bytes.indices {
                var damaged = bytes
                damaged[place] ^= 0x20
                try Data(damaged).write(to: URL(fileURLWithPath: path.string))
                let mender = Mender(fixture)
                let cache = try cache(folder, mender)
                try cache.verify()
                #expect(try DurableFile.read(path) == bytes, "byte \(place)")
                #expect(mender.calls.map(\.rows) == [place < featuresStart ? 4 : 1], "byte \(place)")
                #expect(cache.traffic.mendedCount == 1)
                if place >= featuresStart {
                    let row = (place - featuresStart) / rowByteCount
                    #expect(mender.calls[0].problem?.hasPrefix("row \(row) (images/") == true)
                }
            }
            #expect(try DurableDirectory.names(in: folder).count == 8, "nothing is left of the damaged files")
        }
    }

    @Test func `features in 8 bits are mended with the bytes they had`() throws {
        try withTemporaryFolder { folder throws in
            var fixture = fixture
            fixture.identity.precision = .int8
            try fill(folder, fixture)
            let path = folder.appending("shard-00001.safetensors")
            let bytes = try DurableFile.read(path)
            let rowByteCount = fixture.identity.sampleByteCount
            #expect(rowByteCount == 2 * 3 * 5 + 4 * 5)
            // A bound of one row, a feature of another.
            var damaged = bytes
            for place in [bytes.count - 4 * rowByteCount, bytes.count - 1] { damaged[place] ^= 0x40 }
            try DurableFile.write(damaged, to: path)
            let mender = Mender(fixture)
            let cache = try cache(folder, mender)
            #expect(try cache.features(of: Array(0..<23)) == (0..<23).flatMap { fixture.stored($0) })
            #expect(mender.calls.map(\.rows) == [2])
            #expect(try DurableFile.read(path) == bytes)
        }
    }

    @Test func `a file that is cut short loses the rows behind the cut`() throws {
        try withTemporaryFolder { folder throws in
            try fill(folder, fixture)
            let path = folder.appending("shard-00001.safetensors")
            let bytes = try DurableFile.read(path)
            for length in bytes.indices {
                try Data(bytes[..<length]).write(to: URL(fileURLWithPath: path.string))
                let mender = Mender(fixture)
                try cache(folder, mender).verify()
                #expect(try DurableFile.read(path) == bytes, "\(length) bytes")
                let lost = min(4, (bytes.count - length + 59) / 60)
                #expect(mender.calls.map(\.rows) == [lost], "\(length) bytes")
            }
        }
    }

    @Test(arguments: FileChange.allCases) func `what happens to a file in use is mended`(change: FileChange) throws {
        try withTemporaryFolder { folder throws in
            try fill(folder, fixture)
            let path = folder.appending("shard-00001.safetensors")
            let bytes = try DurableFile.read(path)
            let mender = Mender(fixture)
            let cache = try cache(folder, mender)
            let samples = cache.samples.indices.filter { cache.samples.shard(of: $0) == 1 }
            _ = try cache.features(of: samples)
            try change.apply(to: path, at: bytes.count - 10)
            #expect(try cache.features(of: samples) == samples.flatMap { fixture.features(of: $0) })
            #expect(mender.calls.count == 1)
            #expect(try DurableFile.read(path) == bytes)
        }
    }

    @Test func `a file with other features in the place of one in use is mended with what was read before`() throws {
        try withTemporaryFolder { folder throws in
            try fill(folder, fixture)
            let path = folder.appending("shard-00000.safetensors")
            let bytes = try DurableFile.read(path)
            let mender = Mender(fixture)
            let cache = try cache(folder, mender)
            #expect(try cache.features(of: [0]) == fixture.features(of: 0))
            let other = folder.appending("other")
            let writer = try fixture.writer(in: other)
            try writer.write(
                shard: 0, features: [Float](repeating: 1, count: 4 * fixture.identity.featureMap.elementCount),
                labels: writer.samples(inShard: 0).map(\.label))
            try DurableFile.write(DurableFile.read(other.appending("shard-00000.safetensors")), to: path)
            #expect(try cache.features(of: [0]) == fixture.features(of: 0))
            #expect(mender.calls.map(\.rows) == [4])
            #expect(try DurableFile.read(path) == bytes)
        }
    }

    @Test func `other features than there were are refused, and the damaged file stays`() throws {
        try withTemporaryFolder { folder throws in
            try fill(folder, fixture)
            let path = folder.appending("shard-00001.safetensors")
            try FileChange.overwrittenInPlace.apply(to: path, at: DurableFile.byteCount(of: path) - 3)
            let damaged = try DurableFile.read(path)
            var other = fixture
            other.identity.classNames.append("no matter")
            let cache = try FeatureCache(
                directory: folder, rank: nil,
                mender: { shard in
                    for row in shard.missingRows {
                        try shard.set(
                            [Float](repeating: 3, count: 30), row: row,
                            imageDigest: Self.imageDigest(of: shard.samples[row]))
                    }
                    try shard.write()
                })
            let error = #expect(throws: FeatureCacheError.self) { try cache.verify() }
            guard case .notReproduced(path, let sample) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(sample?.hasPrefix("images/") == true)
            #expect(try DurableFile.read(path) == damaged)
        }
    }

    @Test func `an error of the mender goes to the reader, and the damaged file stays`() throws {
        struct NoImages: Error {}
        try withTemporaryFolder { folder throws in
            try fill(folder, fixture)
            let path = folder.appending("shard-00001.safetensors")
            try FileChange.overwrittenInPlace.apply(to: path, at: DurableFile.byteCount(of: path) - 3)
            let damaged = try DurableFile.read(path)
            let cache = try FeatureCache(directory: folder, rank: nil, mender: { _ in throw NoImages() })
            for _ in 0..<2 { #expect(throws: NoImages.self) { try cache.verify() } }
            #expect(try DurableFile.read(path) == damaged)
        }
    }

    @Test func `many threads that meet the damage have it mended once`() throws {
        try withTemporaryFolder { folder throws in
            try fill(folder, fixture)
            let path = folder.appending("shard-00001.safetensors")
            try FileChange.overwrittenInPlace.apply(to: path, at: DurableFile.byteCount(of: path) - 3)
            let mender = Mender(fixture)
            let cache = try cache(folder, mender)
            let wrong = WrongCount()
            DispatchQueue.concurrentPerform(iterations: 200) { iteration in
                let sample = iteration * 7 % 23
                if (try? cache.features(of: [sample])) != fixture.features(of: sample) { wrong.add() }
            }
            #expect(wrong.value == 0 && mender.calls.count == 1)
        }
    }

    @Test func `digests of images are known from the file itself or from another view`() throws {
        try withTemporaryFolder { folder throws in
            var fixture = fixture
            fixture.identity.views = CacheViews(count: 2, seed: 0, augmentation: .init())
            try fill(folder, fixture)
            let writer = try fixture.writer(in: folder)
            let viewed = try #require((0..<writer.shardCount).first { writer.view(ofShard: $0) == 1 })
            for shard in [0, viewed] {
                let path = folder.appending("shard-0000\(shard).safetensors")
                let bytes = try DurableFile.read(path)
                func expectKnown(_ rows: Int) throws {
                    let pending = try writer.pendingShard(shard)
                    #expect(pending.missingRows.count == rows)
                    for (row, sample) in pending.samples.enumerated() {
                        #expect(pending.imageDigest(ofRow: row) == Self.imageDigest(of: sample))
                    }
                }
                try FileChange.overwrittenInPlace.apply(to: path, at: bytes.count - 1)
                try expectKnown(1)
                try FileChange.overwrittenInPlace.apply(to: path, at: 20)
                try expectKnown(4)
                try DurableFile.remove(path)
                try expectKnown(4)
                try DurableFile.write(bytes, to: path)
            }
            // Where no file of any view says it, nothing is known.
            try DurableFile.remove(folder.appending("shard-00000.safetensors"))
            try DurableFile.remove(folder.appending("shard-0000\(viewed).safetensors"))
            #expect(try writer.pendingShard(0).imageDigest(ofRow: 0) == nil)
        }
    }
}
