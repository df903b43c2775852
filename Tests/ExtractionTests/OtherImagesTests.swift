import Datasets
import DurableFiles
import Extraction
import FeatureCache
import ImageCoding
import Inference
import RunConfiguration
import SmallModel
import SystemPackage
import TemporaryFolders
import Tensors
import Testing
import Training

/// Images that are bad, or are not the ones that features were extracted from: the error says which and what to do.
@Suite struct OtherImagesTests {
    private let team = WorkerTeam()

    /// Runs `body` with a small run whose features are extracted, and its second training image.
    private func withExtractedRun(_ body: (SmallRun, FilePath) throws -> Void) throws {
        try withTemporaryFolder { folder throws in
            let run = try SmallRun(in: folder, trainPerClass: 3, testPerClass: 1)
            let cache = try run.cache()
            try body(run, folder.appending("birds").pushing(FilePath(cache.samples.path(of: 1))))
        }
    }

    /// Changes a file in place, so that it keeps its name.
    private func change(_ path: FilePath, _ body: (inout [UInt8]) -> Void) throws {
        var bytes = try DurableFile.read(path)
        body(&bytes)
        try DurableFile.write(bytes, to: path)
    }

    @Test func `an image that cannot be decoded is an error that names the key for leaving it out`() throws {
        try withTemporaryFolder { folder throws in
            var run = try SmallRun(in: folder, trainPerClass: 3, testPerClass: 1)
            let dataset = try run.experiment().dataset
            let path = dataset.path(of: dataset.train[0])
            try change(path) { $0 = Array($0.prefix($0.count / 2)) }
            let error = try #require(throws: ExtractionError.self) { try run.cache() }
            guard case .badImage = error else {
                Issue.record(error)
                return
            }
            #expect("\(error)".contains("\(path) ") && "\(error)".contains("dataset.bad_images: skip"))
            #expect(error.exitCode == 65)
            run.configuration.dataset.badImages = .skip
            #expect(try run.cache().skipped.map(\.sample) == [0])
        }
    }

    @Test func `a cache of other files names the first one that is another`() throws {
        try withExtractedRun { run, path in
            // Longer by a byte: the same name and class, another fingerprint.
            try change(path) { $0.append(0) }
            let error = try #require(throws: FeatureCacheError.self) { try run.cache() }
            for part in ["dataset fingerprint", "content of train/", "what \(path) holds now"] {
                #expect("\(error)".contains(part), "\(error)")
            }
        }
    }

    @Test func `a cache of other names names the first one`() throws {
        try withExtractedRun { run, path in
            let other = path.removingLastComponent().appending("0000-other.jpg")
            try DurableFile.write(DurableFile.read(path), to: other)
            let error = try #require(throws: FeatureCacheError.self) { try run.cache() }
            for part in [
                "number of samples is 12, expected 13", "sample 0 is train/", "0000-other.jpg (class 0, train)",
            ] {
                #expect("\(error)".contains(part), "\(error)")
            }
        }
    }

    @Test func `a checkpoint whose dataset is another names the first image, if its cache is there`() throws {
        try withExtractedRun { run, path in
            try run.train()
            let directory = run.configuration.run.directory
            #expect(try TrainedModel(directory).cache().samples.count == 12)
            try change(path) { $0.append(0) }
            let error = try #require(throws: ExperimentError.self) { try TrainedModel(directory) }
            #expect("\(error)".contains("what \(path) holds now"), "\(error)")
            try DurableDirectory.remove(run.configuration.cache.directory)
            let bare = try #require(throws: ExperimentError.self) { try TrainedModel(directory) }
            #expect("\(bare)".contains("another dataset (fingerprint)") && !"\(bare)".contains("holds now"))
        }
    }

    @Test func `an image of the same name and size is known by its digest`() throws {
        try withExtractedRun { run, path in
            let experiment = try run.experiment()
            let cache = try run.cache()
            let all = Array(cache.samples.indices)
            try experiment.requireKnownImages(of: all, in: cache, team: team)
            try change(path) { $0[$0.count - 3] ^= 1 }
            #expect(throws: ExperimentError.imageChanged(image: path, cache: cache.directory)) {
                try experiment.requireKnownImages(of: all, in: cache, team: team)
            }
            try experiment.requireKnownImages(of: all.filter { $0 != 1 }, in: cache, team: team)
        }
    }

    @Test func `a shown image of the dataset is one that the head was trained on; others are anybody's`() throws {
        try withExtractedRun { run, path in
            try run.train()
            let model = try TrainedModel(run.configuration.run.directory)
            let copy = run.configuration.dataset.root.removingLastComponent().appending("copy.jpg")
            try DurableFile.write(DurableFile.read(path), to: copy)
            try model.requireKnownImages(at: [path, copy])
            try change(path) { $0[$0.count - 3] ^= 1 }
            try DurableFile.write(DurableFile.read(path), to: copy)
            try model.requireKnownImages(at: [copy])
            #expect(throws: ExperimentError.self) { try model.requireKnownImages(at: [copy, path]) }
            try DurableDirectory.remove(run.configuration.cache.directory)
            try model.requireKnownImages(at: [path])
        }
    }
}
