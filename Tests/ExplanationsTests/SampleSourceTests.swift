import Datasets
import DurableFiles
import Explanations
import Extraction
import FeatureCache
import Foundation
import ImageCoding
import Inference
import RunConfiguration
import SystemPackage
import TemporaryFolders
import Tensors
import Testing
import Training

/// Wherever the bytes of an image are, the network sees the same of it.
@Suite struct SampleSourceTests {
    private let team = WorkerTeam()

    private func configuration(_ folder: FilePath, dataset: String, _ name: String) -> RunConfiguration {
        var configuration = RunConfiguration()
        configuration.run.directory = folder.appending("run-\(name)")
        configuration.dataset.root = folder.appending(dataset)
        configuration.cache.directory = folder.appending("features-\(name)")
        configuration.backbone.name = "demo"
        configuration.training.epochs = 2
        configuration.training.batchSize = 8
        return configuration
    }

    private func features(_ configuration: RunConfiguration) throws -> (Experiment, [Float]) {
        let experiment = try Experiment(configuration)
        let cache = try #require(try Extraction.run(experiment, team: team))
        return (experiment, try cache.features(of: Array(0..<experiment.dataset.count)))
    }

    private func makeBirds(in folder: FilePath) throws -> Dataset {
        try PartDataset.generate(
            .init(classCount: 3, trainPerClass: 4, testPerClass: 2, seed: 5, imageSide: 128),
            into: folder.appending("birds"), team: team)
        return try Dataset.load(root: folder.appending("birds"))
    }

    @Test func imagesInArchivesAreTrainedOnAndShown() throws {
        try withTemporaryFolder { folder in
            let birds = try makeBirds(in: folder)
            // One shard for each split, with the images in the data set's order.
            try DurableFile.createDirectory(folder.appending("shards"))
            for (split, samples) in [("train", birds.train), ("test", birds.test)] {
                let files = folder.appending("files-\(split)")
                try DurableFile.createDirectory(files)
                for (index, sample) in samples.enumerated() {
                    let key = String(format: "%04d", index)
                    try DurableFile.write(birds.bytes(of: sample), to: files.appending("\(key).jpg"))
                    try DurableFile.write(birds.classNames[sample.label], to: files.appending("\(key).cls"))
                }
                let archive = folder.appending("shards").appending("\(split)-0.tar")
                try #require(
                    run(
                        "/bin/tar", "--create", "--sort=name", "--file", archive.string, "--directory", files.string,
                        ".") == 0)
            }
            let (_, expected) = try features(configuration(folder, dataset: "birds", "files"))
            let packed = configuration(folder, dataset: "shards", "shards")
            let (experiment, found) = try features(packed)
            #expect(experiment.dataset.kind == "webdataset" && experiment.dataset.classNames == birds.classNames)
            #expect(found == expected)

            var training = try TrainingRun(
                experiment, cache: FeatureCache(directory: packed.cache.directory, expecting: experiment.cacheIdentity))
            _ = try training.run()
            let model = try TrainedModel(packed.run.directory)
            let table = try #require(try PrototypeSearch.run(model, cache: model.cache(), team: team))
            let prototype = try #require(table.channels.flatMap(\.positive).first)
            let sample = experiment.dataset.train[prototype.sample]
            #expect(try prototype.contentDigest == ContentDigest(of: experiment.dataset.bytes(of: sample)))
            #expect(try PrototypePictures(model)(prototype) == experiment.pixels(ofSample: prototype.sample))
        }
    }

    @Test func aCropIsWhatIsTrainedOnAndPartOfTheIdentity() throws {
        try withTemporaryFolder { folder in
            let birds = try makeBirds(in: folder)
            var rows = ["path,label,split,x,y,width,height"]
            for index in 0..<birds.count {
                let sample = birds[index]
                let (x, y) = (10 + index, 20)
                let split = index < birds.train.count ? "train" : "test"
                rows.append("\(sample.path),\(birds.classNames[sample.label]),\(split),\(x),\(y),90,80")
                // The same crops as images of their own, without loss.
                let crop = try birds.image(of: sample).cropped(x: x, y: y, width: 90, height: 80)
                let place = folder.appending("crops").pushing(FilePath(sample.path + ".png"))
                try DurableFile.createDirectory(place.removingLastComponent())
                try DurableFile.write(ImageEncoder.png(crop), to: place)
            }
            try DurableFile.write(rows.joined(separator: "\n"), to: folder.appending("birds").appending("list.csv"))
            let (_, expected) = try features(configuration(folder, dataset: "crops", "crops"))
            var cropped = configuration(folder, dataset: "birds/list.csv", "boxes")
            let whole = try Experiment(cropped)
            cropped.dataset.crop = .box
            let (experiment, found) = try features(cropped)
            #expect(found == expected)
            #expect(experiment.cacheIdentity.datasetFingerprint != whole.cacheIdentity.datasetFingerprint)
            #expect(throws: FeatureCacheError.self) {
                try FeatureCache(directory: cropped.cache.directory, expecting: whole.cacheIdentity)
            }

            var training = try TrainingRun(
                experiment, cache: FeatureCache(directory: cropped.cache.directory, expecting: experiment.cacheIdentity)
            )
            _ = try training.run()
            let model = try TrainedModel(cropped.run.directory)
            #expect(model.configuration.dataset.crop == .box)
            // An image of the data set is explained as it was seen in training.
            let explainer = Explainer(model, shownCount: 1, team: team)
            let sample = experiment.dataset.test[0]
            let explanation = try explainer.explain(experiment.dataset.path(of: sample))
            #expect(try explanation.pixels == experiment.pixels(ofSample: experiment.dataset.train.count))
            // The paths of prototypes from elsewhere are not opened.
            let table = try #require(try PrototypeSearch.run(model, cache: model.cache(), team: team))
            let prototype = try #require(table.channels.flatMap(\.positive).first)
            #expect(try PrototypePictures(model)(prototype) == experiment.pixels(ofSample: prototype.sample))
        }
    }
}
