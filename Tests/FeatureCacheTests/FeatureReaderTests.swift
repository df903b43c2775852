import DurableFiles
import FeatureCache
import Foundation
import Synchronization
import SystemPackage
import TemporaryFolders
import Tensors
import Testing

/// Reading ahead changes nothing but when features are read.
struct FeatureReaderTests {
    private let fixture = CacheFixture()
    /// What a row takes that is read ahead.
    private let rowByteCount = BlockRoom.allocatedByteCount(for: 60)

    /// Waits until `condition` holds, at most a few seconds.
    private func wait(for condition: () throws -> Bool) rethrows -> Bool {
        for _ in 0..<500 {
            if try condition() { return true }
            usleep(10_000)
        }
        return false
    }

    @Test(arguments: [1, 2, 7, 1000], CachePrecision.allCases)
    func `features are those of the cache, for any room and any batches`(
        rowLimit: Int, precision: CachePrecision
    ) throws {
        try withTemporaryFolder { folder throws in
            var fixture = fixture
            fixture.identity.precision = precision
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            // Past the system's memory.
            if rowLimit != 1 { cache.keepInMemory(ifWithin: 0) }
            let batches = (0..<60).map { number in
                (0..<(number * 5 % 11)).map { (number * 3 + $0 * 7) % 23 }
            }
            let room = BlockRoom.allocatedByteCount(for: fixture.identity.sampleByteCount)
            let reader = FeatureReader(cache, byteCountLimit: rowLimit * room) { number in
                number < batches.count ? .init(samples: batches[number]) : nil
            }
            for batch in batches {
                reader.begin()
                #expect(try reader.features(of: batch) == batch.flatMap { fixture.stored($0) })
            }
            // Behind the last batch, and what was in none.
            reader.begin()
            #expect(try reader.features(of: [4]) == fixture.stored(4))
        }
    }

    @Test func `what is not asked for makes room, and what was not announced is read all the same`() throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            let reader = FeatureReader(cache, byteCountLimit: 3 * rowByteCount) { number in
                .init(samples: [number % 23, (number + 1) % 23, (number + 2) % 23])
            }
            for number in 0..<200 {
                reader.begin()
                if number % 3 == 0 { continue }
                let asked = number % 3 == 1 ? [(number + 1) % 23] : [(number + 9) % 23, number % 23]
                #expect(try reader.features(of: asked) == asked.flatMap { fixture.features(of: $0) })
            }
        }
    }

    @Test func `memory is bounded: no more is read than there is room for until something is asked for`() throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            let reader = FeatureReader(cache, byteCountLimit: 5 * rowByteCount) { _ in .init(samples: Array(0..<20)) }
            #expect(wait { cache.traffic.rowCount == 5 })
            usleep(50_000)
            #expect(cache.traffic.rowCount == 5)
            reader.begin()
            #expect(try reader.features(of: [0, 1, 2]) == (0..<3).flatMap { fixture.features(of: $0) })
            #expect(wait { cache.traffic.rowCount == 8 })
            usleep(50_000)
            #expect(cache.traffic.rowCount == 8 && cache.traffic.aheadCount == 3)
        }
    }

    @Test func `reading ahead rests while nothing has to wait for the disk`() throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            func makeReader() -> FeatureReader {
                FeatureReader(cache, byteCountLimit: 10 * rowByteCount) { _ in .init(samples: Array(0..<23)) }
            }
            var reader: FeatureReader? = makeReader()
            var aheadCounts: [Int] = []
            func readBatch() throws {
                let reader = try #require(reader)
                reader.begin()
                // Time to read ahead.
                usleep(2000)
                #expect(try reader.features(of: Array(0..<23)).count == 23 * 30)
                aheadCounts.append(cache.traffic.aheadCount)
            }
            // On a busy machine some reads wait all the same.
            func rests() -> Bool { aheadCounts.count > 20 && Set(aheadCounts.suffix(20)).count == 1 }
            for _ in 0..<1000 where !rests() { try readBatch() }
            #expect(rests(), "\(aheadCounts)")
            // The next one begins with that.
            reader = nil
            reader = makeReader()
            try readBatch()
            #expect(aheadCounts.last! > 0 && aheadCounts.suffix(2).first == aheadCounts.last)
        }
    }

    @Test func `files that the memory does not hold are read past it, with the same features`() throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            let order = (0..<23).map { $0 * 7 % 23 }
            let expected = order.flatMap { fixture.features(of: $0) }
            let whole = 23 * 60
            #expect(cache.keepInMemory(ifWithin: whole))
            #expect(try cache.features(of: order) == expected)
            #expect(cache.openFileCount > 0)
            // What is open is opened anew, the other way.
            for byteCount in [0, whole, whole - 1] {
                #expect(cache.keepInMemory(ifWithin: byteCount) == (byteCount == whole))
                #expect(cache.openFileCount == 0)
                let reader = FeatureReader(cache) { _ in .init(samples: order) }
                for _ in 0..<3 {
                    reader.begin()
                    #expect(try reader.features(of: order) == expected)
                }
                let count = cache.openFileCount
                #expect(cache.keepInMemory(ifWithin: byteCount) == (byteCount == whole))
                #expect(cache.openFileCount == count)
            }
        }
    }

    // MARK: - Holding features

    @Test(arguments: CachePrecision.allCases, [(5, false), (16, false), (16, true)])
    func `features that are held are those of the cache, and not read again`(
        precision: CachePrecision, channels: (count: Int, areSparse: Bool)
    ) throws {
        var fixture = fixture
        fixture.identity.precision = precision
        fixture.identity.featureMap = FeatureMapShape(height: 2, width: 3, channelCount: channels.count)
        fixture.isSparse = channels.areSparse
        for byteCountLimit in [0, 1, 500, 1_000, 1 << 20] {
            try expectHeldFeatures(of: fixture, byteCountLimit: byteCountLimit)
        }
    }

    private func expectHeldFeatures(of fixture: CacheFixture, byteCountLimit: Int) throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            let batches = (0..<40).map { number in (0..<7).map { (number * 5 + $0 * 3) % 23 } }
            let reader = FeatureReader(cache, holding: .init(byteCountLimit: byteCountLimit)) { number in
                number < batches.count ? .init(samples: batches[number]) : nil
            }
            for batch in batches {
                reader.begin()
                #expect(try reader.features(of: batch) == batch.flatMap { fixture.stored($0) })
            }
            if byteCountLimit == 1 << 20 {
                var before = -1
                // What was planned before may still be read.
                #expect(
                    wait {
                        before = cache.traffic.rowCount
                        usleep(20_000)
                        return cache.traffic.rowCount == before
                    })
                #expect(try reader.features(of: Array(0..<23)) == (0..<23).flatMap { fixture.stored($0) })
                #expect(cache.traffic.rowCount == before)
            } else if byteCountLimit < 2 {
                #expect(cache.traffic.rowCount >= 40 * 7)
            }
        }
    }

    @Test func `what is held is given back when memory is short, and held again`() throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            let isShort = WrongCount()
            let reader = FeatureReader(
                cache, holding: .init(byteCountLimit: 1 << 20, isMemoryShort: { isShort.value == 1 })
            ) { _ in .init(samples: Array(0..<23)) }
            func rowsRead() throws -> Int {
                let before = cache.traffic.rowCount
                reader.begin()
                #expect(try reader.features(of: Array(0..<23)) == (0..<23).flatMap { fixture.features(of: $0) })
                return cache.traffic.rowCount - before
            }
            // What was planned before may still be read.
            #expect(try wait { try rowsRead() == 0 })
            isShort.add()
            // It is not asked at once.
            usleep(1_100_000)
            // What was read ahead before is used first.
            #expect(try wait { try rowsRead() > 0 })
            isShort.add()
            #expect(try wait { try rowsRead() == 0 })
        }
    }

    @Test func `many threads hold the same features`() throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            cache.keepInMemory(ifWithin: 0)
            let reader = FeatureReader(
                cache, byteCountLimit: 6 * rowByteCount, holding: .init(byteCountLimit: 12 * 192)
            ) { _ in .init(samples: Array(0..<23)) }
            let wrong = WrongCount()
            for _ in 0..<30 {
                reader.begin()
                DispatchQueue.concurrentPerform(iterations: 46) { number in
                    if (try? reader.features(of: [number % 23])) != fixture.features(of: number % 23) { wrong.add() }
                }
            }
            #expect(wrong.value == 0)
        }
    }

    @Test(arguments: [true, false])
    func `damage is an error of whoever asks for the row, or mended for it`(pastMemory: Bool) throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let path = folder.appending("shard-00001.safetensors")
            try FileChange.overwrittenInPlace.apply(to: path, at: DurableFile.byteCount(of: path) - 3)
            let cache = try FeatureCache(directory: folder)
            if pastMemory { cache.keepInMemory(ifWithin: 0) }
            let inside = cache.samples.indices.filter { cache.samples.shard(of: $0) == 1 }
            let order = [0, 1] + inside
            let reader = FeatureReader(cache) { _ in .init(samples: order) }
            reader.begin()
            #expect(try reader.features(of: [0, 1]) == [0, 1].flatMap { fixture.features(of: $0) })
            #expect(throws: FeatureCacheError.self) { try reader.features(of: inside) }

            let mended = try FeatureCache(
                directory: folder, rank: nil,
                mender: { [fixture] shard in
                    for row in shard.missingRows {
                        try shard.set(
                            fixture.features(of: shard.samples[row]), row: row,
                            imageDigest: [UInt8](repeating: 0, count: 32))
                    }
                    try shard.write()
                })
            if pastMemory { mended.keepInMemory(ifWithin: 0) }
            let second = FeatureReader(mended) { _ in .init(samples: order) }
            second.begin()
            #expect(try second.features(of: order) == order.flatMap { fixture.features(of: $0) })
        }
    }

    @Test(arguments: [6, 100]) func `many threads share a reader`(rowLimit: Int) throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            let cache = try FeatureCache(directory: folder)
            // Several rows are read at a time.
            cache.keepInMemory(ifWithin: 0)
            let reader = FeatureReader(cache, byteCountLimit: rowLimit * rowByteCount) { _ in
                .init(samples: Array(0..<23))
            }
            let wrong = WrongCount()
            for _ in 0..<30 {
                reader.begin()
                DispatchQueue.concurrentPerform(iterations: 23) { sample in
                    if (try? reader.features(of: [sample])) != fixture.features(of: sample) { wrong.add() }
                }
            }
            #expect(wrong.value == 0)
        }
    }

    @Test func `the threads end with the reader`() throws {
        try withTemporaryFolder { folder throws in
            try fixture.fill(folder)
            weak var gone: FeatureCache?
            do {
                let cache = try FeatureCache(directory: folder)
                gone = cache
                let reader = FeatureReader(cache) { _ in .init(samples: [1]) }
                reader.begin()
                #expect(try reader.features(of: [1]) == fixture.features(of: 1))
            }
            #expect(wait { gone == nil })
        }
    }
}
