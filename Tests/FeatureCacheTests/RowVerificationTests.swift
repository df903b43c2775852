import DurableFiles
import FeatureCache
import Foundation
import SystemPackage
import TemporaryFolders
import Testing

/// Rows are verified when they are read, once, and again when their file has changed.
struct RowVerificationTests {
    private let fixture = CacheFixture()
    /// Bytes of a feature map of the fixture.
    private let rowByteCount = 2 * 3 * 5 * 2

    @Test func `only what is read is hashed, and only once`() throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            // Of a file that was written a moment ago, a further write could not be told.
            Thread.sleep(forTimeInterval: 2.1)
            let cache = try FeatureCache(directory: folder)
            #expect(cache.traffic == CacheTraffic())
            _ = try cache.features(of: [0])
            let first = cache.traffic
            #expect(first.rowCount == 1 && first.fileCount == 1 && first.openCount == 1)
            #expect(first.readByteCount == first.hashedByteCount)
            #expect(first.readByteCount > rowByteCount && first.readByteCount < 2 * 1024)
            _ = try cache.features(of: [0, 0, 0])
            #expect(cache.traffic.rowCount == 4 && cache.traffic.hashedByteCount == first.hashedByteCount)
            #expect(cache.traffic.readByteCount == first.readByteCount + 3 * rowByteCount)
            // Another row of the same file.
            _ = try cache.features(of: [1, 0, 1])
            #expect(cache.traffic.hashedByteCount == first.hashedByteCount + rowByteCount)
            #expect(cache.traffic.openCount == 1)
            // Permissions change the file's state, so that it is looked at once more, and found to be what it was.
            let path = folder.appending("shard-00000.safetensors")
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path.string)
            #expect(try cache.features(of: [0]) == fixture.features(of: 0))
            #expect(
                cache.traffic.openCount == 2 && cache.traffic.hashedByteCount > first.hashedByteCount + rowByteCount)
        }
    }

    @Test(arguments: FileChange.allCases)
    func `a file that changes while it is open is an error that names file and row`(
        change: FileChange
    ) throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            let sample = 5
            #expect(try cache.features(of: [sample]) == fixture.features(of: sample))
            let (shard, row) = (cache.samples.shard(of: sample), cache.samples.row(of: sample))
            let path = folder.appending("shard-0000\(shard).safetensors")
            let end = try DurableFile.byteCount(of: path)
            let place = end - (4 - row) * rowByteCount + 7
            try change.apply(to: path, at: place)
            let error = #expect(throws: FeatureCacheError.self) { try cache.features(of: [sample]) }
            guard case .corruptRow(path, row, cache.samples.path(of: sample), let problem) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(!problem.isEmpty)
            // Others are read all the same.
            #expect(try cache.features(of: [22]) == fixture.features(of: 22))
        }
    }

    @Test func `a file that is replaced by the same bytes is read on, and one with other features is not`() throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            #expect(try cache.features(of: [0]) == fixture.features(of: 0))
            let path = folder.appending("shard-00000.safetensors")
            for _ in 0..<3 {
                try DurableFile.write(DurableFile.read(path), to: path)
                #expect(try cache.features(of: [0]) == fixture.features(of: 0))
            }
            #expect(cache.traffic.openCount == 4)

            // Sound in itself, of the same samples and network: only what was read before tells that it is another.
            let other = folder.appending("other")
            let writer = try fixture.writer(in: other)
            try writer.write(
                shard: 0, features: [Float](repeating: 1, count: 4 * fixture.identity.featureMap.elementCount),
                labels: writer.samples(inShard: 0).map(\.label))
            try DurableFile.write(DurableFile.read(other.appending("shard-00000.safetensors")), to: path)
            #expect(try FeatureCache(directory: folder).features(of: [0]).allSatisfy { $0 == 1 })
            let error = #expect(throws: FeatureCacheError.self) { try cache.features(of: [0]) }
            #expect("\(error!)".contains("it was replaced, while it was in use, by a file with other features"))
        }
    }

    @Test(arguments: [1, 2, 3]) func `few files are open at a time, whatever is read`(limit: Int) throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder, rank: nil, openFileLimit: limit)
            for round in 0..<20 {
                let order = (0..<23).map { ($0 * 7 + round) % 23 }
                #expect(try cache.features(of: order) == order.flatMap { fixture.features(of: $0) })
                #expect(cache.openFileCount <= limit)
            }
            #expect(cache.traffic.openCount > 20 && cache.traffic.fileCount == 7)
            let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?
                    .hasPrefix(folder.string) == true
            }
            #expect(descriptors <= limit)
            // From many threads, each may hold one more for a moment.
            let wrong = WrongCount()
            DispatchQueue.concurrentPerform(iterations: 400) { iteration in
                let sample = iteration * 5 % 23
                if (try? cache.features(of: [sample])) != fixture.features(of: sample) { wrong.add() }
            }
            #expect(wrong.value == 0 && cache.openFileCount <= limit)
        }
    }

    @Test func `a pipe in the place of a file is an error, not a wait`() throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let path = folder.appending("shard-00000.safetensors")
            let cache = try FeatureCache(directory: folder)
            try DurableFile.remove(path)
            #expect(mkfifo(path.string, 0o600) == 0)
            let error = #expect(throws: FeatureCacheError.self) { try cache.features(of: [0]) }
            #expect("\(error!)".contains("it is not a regular file"))
        }
    }

    @Test func `the digests of images are kept by row`() throws {
        try withTemporaryFolder { folder throws in
            let writer = try fixture.writer(in: folder)
            for shard in try writer.missingShards() {
                let builder = writer.makeShard(shard)
                for (row, sample) in writer.sampleIndices(inShard: shard).enumerated() {
                    let digest = sample == 8 ? nil : [UInt8](repeating: UInt8(sample + 1), count: 32)
                    try builder.set(fixture.features(of: sample), row: row, imageDigest: digest)
                }
                try builder.write()
            }
            func expectDigests(_ images: CachedImages, without missing: Set<Int>) {
                for sample in 0..<23 {
                    let isKnown = sample != 8 && !missing.contains(images.samples.shard(of: sample))
                    #expect(
                        images.digest(of: sample) == (isKnown ? [UInt8](repeating: UInt8(sample + 1), count: 32) : nil))
                }
            }
            try expectDigests(CachedImages(of: FeatureCache(directory: folder)), without: [])
            // Files that are not there, or cannot be trusted, say nothing.
            try DurableFile.remove(folder.appending("shard-00001.safetensors"))
            let damaged = folder.appending("shard-00003.safetensors")
            var bytes = try DurableFile.read(damaged)
            bytes[20] ^= 1
            try DurableFile.write(bytes, to: damaged)
            try expectDigests(CachedImages(directory: folder), without: [1, 3])
        }
    }
}

/// Counts what goes wrong on other threads.
final class WrongCount: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0
    func add() { lock.withLock { count += 1 } }
    var value: Int { lock.withLock { count } }
}
