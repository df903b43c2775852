import DurableFiles
import FeatureCache
import Foundation
import SystemPackage
import TemporaryFolders
import Tensors
import Testing

struct FeatureCacheResumeTests {
    @Test(arguments: [CachePrecision.f16, .int8])
    func `a writer goes on with the shards that are missing, whatever a kill left`(precision: CachePrecision) throws {
        try withTemporaryFolder { folder throws in
            var fixture = CacheFixture()
            fixture.identity.precision = precision
            let whole = folder.appending("whole")
            try fixture.fill(whole)
            let expected = try CacheFixture.digests(of: whole)
            for completed in 0...7 {
                let directory = folder.appending("killed-\(completed)")
                let writer = try fixture.writer(in: directory)
                for shard in 0..<completed { try fixture.write(shard, with: writer) }
                // What a process leaves that is killed while it writes: a temporary of a process that is no more.
                let temporary = directory.appending(".infodisent-tmp-00000000-1-1-\(completed)")
                try DurableFile.write("half a shard", to: temporary)
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -7200)], ofItemAtPath: temporary.string)
                if completed < 7 {
                    let error = #expect(throws: FeatureCacheError.self) { try FeatureCache(directory: directory) }
                    #expect(
                        error
                            == .incomplete(
                                directory: directory, missingShards: Array(completed..<7), shardCount: 7))
                    #expect(error?.description.contains("Run extract again: it goes on where it stopped") == true)
                    #expect(throws: FeatureCacheError.self) { try writer.finish() }
                }
                let second = try fixture.writer(in: directory)
                #expect(try second.missingShards() == Array(completed..<7))
                try fixture.fill(directory)
                #expect(try CacheFixture.digests(of: directory) == expected)
            }
        }
    }

    @Test func `a kill before the index is there starts anew`() throws {
        try withTemporaryFolder { folder throws in
            try DurableFile.createDirectory(folder.appending("cache"))
            try DurableFile.write("{", to: folder.appending("cache/.infodisent-tmp-00000000-1-1-1"))
            try CacheFixture().fill(folder.appending("cache"))
            try FeatureCache(directory: folder.appending("cache")).verify()
        }
    }

    @Test func `a shard that another run left is not taken for one of this`() throws {
        try withTemporaryFolder { folder throws in
            var fixture = CacheFixture()
            try fixture.fill(folder)
            try DurableFile.remove(folder.appending("index.json"))
            fixture.identity.weightDigest = ContentDigest(of: "other weights")
            let writer = try fixture.writer(in: folder)
            #expect(try writer.missingShards() == Array(0..<7))
            #expect(throws: FeatureCacheError.self) { try FeatureCache(directory: folder).features(of: [0]) }
        }
    }

    @Test func `a cache made from something else is refused, naming each field with both values`() throws {
        try withTemporaryFolder { folder throws in
            let fixture = CacheFixture()
            try fixture.fill(folder)
            var other = fixture
            other.identity.backbone = "resnet50"
            other.identity.weightDigest = ContentDigest(of: "other")
            other.identity.usesEMA = true
            other.identity.compute = .bf16
            other.identity.input.resize = 232
            other.identity.input.interpolation = .bicubic
            other.identity.datasetFingerprint = ContentDigest(of: "other")
            other.identity.precision = .f32
            other.identity.featureMap = FeatureMapShape(height: 7, width: 7, channelCount: 5)
            other.identity.classNames[1] = "goose"
            for refused in [
                { _ = try FeatureCache(directory: folder, expecting: other.identity) },
                { _ = try other.writer(in: folder) },
            ] {
                let error = #expect(throws: FeatureCacheError.self) { try refused() }
                guard case .mismatch(folder, let differences) = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
                #expect(
                    differences.map(\.field) == [
                        "backbone", "weight digest", "use of averaged (EMA) weights",
                        "compute (backbone.compute)", "input resize",
                        "input interpolation", "dataset fingerprint",
                        "precision", "feature map", "class 1",
                    ])
                let text = "\(error!)"
                for part in [
                    "backbone is resnet18, expected resnet50", "2 x 3 x 5, expected 7 x 7 x 5",
                    "\"gull\", expected \"goose\"",
                ] {
                    #expect(text.contains(part), "\(text)")
                }
                #expect(error?.exitCode == 65)
            }
            var fewer = fixture
            fewer.samples.removeLast()
            #expect(throws: FeatureCacheError.self) { try fewer.writer(in: folder) }
            var relabelled = fixture
            relabelled.samples[4].label = 2
            let error = #expect(throws: FeatureCacheError.self) { try relabelled.writer(in: folder) }
            #expect(error?.description.contains("sample 4 is images/1/4 é.jpg (class 1, train), expected") == true)
            var added = fixture
            added.identity.classNames.append("more")
            #expect(throws: FeatureCacheError.self) { try FeatureCache(directory: folder, expecting: added.identity) }
        }
    }

    @Test func `values the precision cannot hold are refused with the sample's name`() throws {
        try withTemporaryFolder { folder throws in
            var fixture = CacheFixture()
            let refused: [(CachePrecision, Float)] = [
                (.f16, 70_000), (.f16, .nan), (.f32, -.infinity), (.int8, 70_000), (.int8, -65_520), (.int8, .nan),
                (.int8, .infinity),
            ]
            for (precision, value) in refused {
                fixture.identity.precision = precision
                let writer = try fixture.writer(in: folder.appending("\(precision)-\(value)"))
                let builder = writer.makeShard(0)
                try builder.append(fixture.features(of: 0))
                var features = fixture.features(of: 1)
                features[29] = value
                let error = #expect(throws: FeatureCacheError.self) { try builder.append(features) }
                #expect(error?.description.contains("images/1/1 é.jpg") == true)
                #expect(error?.description.contains("precision f32") == value.isFinite)
            }
        }
    }

    @Test func `a full disk leaves complete shards only`() throws {
        let outcome: Void? = try withSmallDisk(byteCount: 49152) { folder throws in
            var fixture = CacheFixture()
            fixture.identity.featureMap = FeatureMapShape(height: 8, width: 8, channelCount: 20)
            let error = #expect(throws: DurableFileError.self) { try fixture.fill(folder) }
            #expect(error?.description.contains("The disk is full") == true)
            let names = try DurableDirectory.names(in: folder)
            #expect(names.first == "index.json" && names.count > 1 && names.count < 8)
            #expect(names.dropFirst().allSatisfy { $0.hasPrefix("shard-") })
        }
        if outcome == nil { print("skipped: mounting a small disk needs root") }
    }
}
