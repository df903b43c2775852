import DurableFiles
import FeatureCache
import Foundation
import SystemPackage
import TemporaryFolders
import Tensors
import Testing
import WeightFiles

/// Features in 8 bits: what is stored, how far it is from what was given, and what is refused.
struct QuantisedFeaturesTests {
    /// A feature map [1, H, W, D] of numbers that only depend on where they are.
    private static func map(_ height: Int, _ width: Int, _ channelCount: Int, _ value: (Double, Int) -> Double)
        -> Tensor
    {
        var state: UInt64 = 1
        let values = (0..<height * width * channelCount).map { place in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(value(Double(state >> 11) / 0x1p53 - 0.5, place % channelCount))
        }
        return Tensor(shape: [1, height, width, channelCount], values: values)
    }

    /// The features of a channel that the documented formula gives, one after the other in single precision.
    private static func expected(_ values: [Float]) -> (values: [Float], step: Float, low: Float, high: Float) {
        let (low, high) = (Float(Float16(values.min()!)), Float(Float16(values.max()!)))
        let step = (high - low) / 255
        let stored = values.map { value -> Float in
            guard step > 0 else { return low }
            let number = min(max((value - low) / step, 0), 255).rounded(.toNearestOrEven)
            let product = number * step
            return low + product
        }
        return (stored, step, low, high)
    }

    private static func channel(_ channel: Int, of map: Tensor) -> [Float] {
        stride(from: channel, to: map.values.count, by: map.shape.last!).map { map.values[$0] }
    }

    /// Half a step, or what a half makes of the extremes, and a few units in the last place.
    private static func errorBound(_ step: Float, _ low: Float, _ high: Float) -> Double {
        let rounding = [low, high].map { Double(Float16($0).ulp) / 2 }.max()!
        return max(0.5001 * Double(step), rounding) + 2 * Double(max(abs(low), abs(high)).ulp)
    }

    @Test(arguments: [(7, 7, 64), (8, 8, 33), (1, 1, 5), (1, 2, 1), (3, 5, 17), (2, 1, 300)])
    func `every feature is within half a step of its channel, as the formula has it`(
        height: Int, width: Int, channelCount: Int
    ) {
        let kinds: [(Double, Int) -> Double] = [
            { number, channel in number * Double(channel + 1) + Double(channel % 7) },
            { number, channel in max(0, number) * pow(2, Double(channel % 20) - 10) },
            { number, channel in number * pow(10, Double(channel % 11) - 7) },
            // From one end of what a half can be to the other, and the smallest there are.
            { number, channel in channel % 2 == 0 ? number * 131_000 : number * 0x1p-22 },
            // Between two neighbouring halves.
            { number, channel in 2048 + Double(channel) + number },
        ]
        for kind in kinds {
            let map = Self.map(height, width, channelCount, kind)
            let stored = CachePrecision.int8.rounded(map)
            for channel in 0..<channelCount {
                let (given, found) = (Self.channel(channel, of: map), Self.channel(channel, of: stored))
                let (values, step, low, high) = Self.expected(given)
                #expect(found == values)
                let bound = Self.errorBound(step, low, high)
                for (given, found) in zip(given, found) {
                    #expect(abs(Double(given) - Double(found)) <= bound, "\(given) became \(found)")
                }
            }
        }
    }

    @Test func `a channel with one value keeps it as a half, and zeros stay zeros`() {
        let constants: [Float] = [0, -0, 1, -2.5, 1 / 3, 65_504, -65_504, 0x1p-24, 1e-12, -1e-12]
        let map = Tensor(
            shape: [1, 2, 2, constants.count], values: (0..<4).flatMap { _ in constants })
        let stored = CachePrecision.int8.rounded(map).values
        #expect(stored == map.values.map { Float(Float16($0)) })
        #expect(stored.allSatisfy { $0 != 0 || $0.sign == .plus })
        // Rectified features: a zero among others.
        let rectified = Self.map(7, 7, 40) { number, _ in max(0, number) }
        for (given, found) in zip(rectified.values, CachePrecision.int8.rounded(rectified).values) where given == 0 {
            #expect(found == 0)
        }
    }

    @Test func `what cannot be stored shows in its image and in no other`() {
        var values = Self.map(4, 3, 6) { number, _ in number }.values
        let sound = CachePrecision.int8.rounded(Tensor(shape: [2, 2, 3, 6], values: values)).values
        values[5] = .nan
        values[7] = 70_000
        let stored = CachePrecision.int8.rounded(Tensor(shape: [2, 2, 3, 6], values: values)).values
        #expect(stored[5].isNaN && stored[7] == .infinity)
        #expect(Array(stored[36...]) == Array(sound[36...]))
    }

    // MARK: - Files

    private static func fixture() -> CacheFixture {
        var fixture = CacheFixture()
        fixture.identity.precision = .int8
        return fixture
    }

    @Test func `the files are those of the documented format, of a version that older programs refuse`() throws {
        try withTemporaryFolder { folder throws in
            let fixture = Self.fixture()
            try fixture.fill(folder)
            let index = try String(decoding: DurableFile.read(folder.appending("index.json")), as: UTF8.self)
            #expect(index.hasPrefix("{\n\"schema_version\": 4,\n"))
            #expect(index.contains("\"precision\": \"int8\""))
            let shard = try SafetensorsFile(folder.appending("shard-00000.safetensors"))
            #expect(shard.metadata["format"] == "infodisent-features-4")
            #expect(shard.entry("features")?.elementType == .uint8)
            // [n, 4 D + H W D]
            #expect(shard.entry("features")?.shape == [4, 20 + 30])
            try shard.withBytes(of: "features") { features in
                let row = features[..<50]
                let given = fixture.features(of: 0)
                for channel in 0..<5 {
                    func half(_ index: Int) -> Float {
                        Float(Float16(bitPattern: UInt16(row[2 * index]) | UInt16(row[2 * index + 1]) << 8))
                    }
                    let values = stride(from: channel, to: 30, by: 5).map { given[$0] }
                    let (low, high) = (half(channel), half(5 + channel))
                    #expect((low, high) == (values.min()!, values.max()!))
                    for (cell, value) in values.enumerated() {
                        let number = ((value - low) / ((high - low) / 255)).rounded(.toNearestOrEven)
                        #expect(Float(row[20 + 5 * cell + channel]) == number)
                    }
                }
            }
        }
    }

    @Test func `a cache of another precision is refused, both ways`() throws {
        try withTemporaryFolder { folder throws in
            for (precision, other) in [(CachePrecision.int8, CachePrecision.f16), (.f16, .int8)] {
                let directory = folder.appending(precision.rawValue)
                var fixture = CacheFixture()
                fixture.identity.precision = precision
                try fixture.fill(directory)
                var expected = fixture
                expected.identity.precision = other
                for refused in [
                    { _ = try FeatureCache(directory: directory, expecting: expected.identity) },
                    { _ = try expected.writer(in: directory) },
                ] {
                    let error = #expect(throws: FeatureCacheError.self) { try refused() }
                    let text = "\(error!)"
                    #expect(
                        text.contains("precision is \(precision), expected \(other)") && text.contains(directory.string)
                    )
                }
                // Nor is a file of the one taken for one of the other.
                try DurableFile.remove(directory.appending("index.json"))
                #expect(try expected.writer(in: directory).missingShards().count == 7)
            }
        }
    }

    @Test func `samples that are left out are zero`() throws {
        try withTemporaryFolder { folder throws in
            let fixture = Self.fixture()
            let writer = try fixture.writer(in: folder)
            for shard in try writer.missingShards() {
                let builder = writer.makeShard(shard)
                for (row, sample) in writer.sampleIndices(inShard: shard).enumerated() {
                    if sample == 4 {
                        builder.skip(row: row, reason: "it is no image")
                    } else {
                        try builder.set(fixture.features(of: sample), row: row)
                    }
                }
                try builder.write()
            }
            try writer.record(skipped: writer.skippedSamples())
            let cache = try FeatureCache(directory: folder)
            #expect(try cache.features(of: [4, 5]) == [Float](repeating: 0, count: 30) + fixture.stored(5))
        }
    }

    /// Bounds that nobody writes, in a file whose digests are all right.
    @Test(arguments: [
        (Float16.nan, Float16(1)), (0, .nan), (-.infinity, 0), (0, .infinity), (.infinity, .infinity), (2, 1),
    ])
    func `bounds that cannot be are refused`(low: Float16, high: Float16) throws {
        try withTemporaryFolder { folder throws in
            let fixture = Self.fixture()
            try fixture.fill(folder)
            let path = folder.appending("shard-00000.safetensors")
            var bytes = try DurableFile.read(path)
            let (rowCount, rowByteCount, channel) = (4, 50, 3)
            let tables = bytes.count - rowCount * rowByteCount - rowCount * (8 + 32 + 32)
            let root = ContentDigest(of: Array(bytes[tables..<bytes.count - rowCount * rowByteCount])).hexadecimal
            let row = bytes.count - (rowCount - 1) * rowByteCount
            for (index, half) in [(channel, low), (5 + channel, high)] {
                withUnsafeBytes(of: half.bitPattern.littleEndian) {
                    bytes.replaceSubrange(row + 2 * index..<row + 2 * index + 2, with: $0)
                }
            }
            let digest = ContentDigest(of: Array(bytes[row..<row + rowByteCount])).hexadecimal
            let digits = Array(digest)
            let digestStart = tables + rowCount * (8 + 32) + 32
            for place in 0..<32 {
                bytes[digestStart + place] = UInt8(String(digits[2 * place...2 * place + 1]), radix: 16)!
            }
            let newRoot = ContentDigest(of: Array(bytes[tables..<bytes.count - rowCount * rowByteCount])).hexadecimal
            let header = String(decoding: bytes[..<tables], as: UTF8.self)
            try #require(header.contains(root))
            let changed = Array(bytes[8..<tables])
            let rooted = String(decoding: changed, as: UTF8.self).replacing(root, with: newRoot)
            try DurableFile.write(Array(bytes[..<8]) + Array(rooted.utf8) + bytes[tables...], to: path)

            let cache = try FeatureCache(directory: folder)
            let samples = cache.samples.indices.filter { cache.samples.shard(of: $0) == 0 }
            #expect(try cache.features(of: [samples[0]]) == fixture.stored(samples[0]))
            let error = #expect(throws: FeatureCacheError.self) { try cache.features(of: [samples[1]]) }
            let text = "\(error!)"
            for part in ["\(path)", "Row 1", "channel 3 cannot have values from", "extract --verify"] {
                #expect(text.contains(part), "\(text)")
            }
            // Another rank does not take it either.
            let writer = try fixture.writer(in: folder)
            #expect(try writer.adopt(writer.fileBytes(ofShard: 0), as: 0) == nil)
        }
    }
}
