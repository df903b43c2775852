import Datasets
import DeployedModels
import DurableFiles
import Explanations
import ImageCoding
import Inference
import MessagePassing
import Results
import SmallModel
import Synchronization
import SystemPackage
import TemporaryFolders
import Tensors
import Testing

/// A head on images that are no part of its dataset.
@Suite struct DeployedModelTests {
    private func predictions(
        _ model: DeployedModel, _ paths: [FilePath], classes: Int = 3, channels: Int = 4
    ) throws -> [ImagePrediction] {
        let found = Collected()
        _ = try model.predict(
            ImagePaths(paths), options: .init(classCount: classes, channelCount: channels), team: WorkerTeam(),
            format: { prediction in
                found.append(prediction)
                return prediction.path
            }, emit: { found.emit($0) })
        let all = found.all
        return found.order.compactMap { path in all.first { $0.path == path } }
    }

    private final class Collected: Sendable {
        private let predictions = Mutex<[ImagePrediction]>([])
        private let paths = Mutex<[String]>([])
        var all: [ImagePrediction] { predictions.withLock { $0 } }
        var order: [String] { paths.withLock { $0 } }
        func append(_ prediction: ImagePrediction) { predictions.withLock { $0.append(prediction) } }
        func emit(_ path: String) { paths.withLock { $0.append(path) } }
    }

    @Test func anImageGetsTheBitsThatExplainGivesIt() throws {
        try withSmallModel { trained in
            let directory = try #require(trained.runDirectory)
            let model = try DeployedModel(directory)
            let dataset = trained.experiment.dataset
            let paths = dataset.test.map { dataset.path(of: $0) }
            let explainer = Explainer(trained, shownCount: 4, team: WorkerTeam())
            let found = try predictions(model, paths)
            #expect(found.map(\.path) == paths.map(\.string))
            for (prediction, path) in zip(found, paths) {
                let expected = try explainer.explain(path).result
                #expect(prediction.classes == Array(expected.topScores.prefix(3)))
                #expect(prediction.channels.count == 4)
                for (channel, shown) in zip(prediction.channels, expected.contributions) {
                    #expect(channel.channel == shown.channel && channel.contribution == shown.contribution)
                    #expect(channel.side == shown.dominantSide)
                    #expect(channel.cell == shown.position(of: shown.dominantSide))
                    #expect(channel.activation == shown.activation(of: shown.dominantSide))
                }
            }
        }
    }

    @Test func theDatasetAndTheCacheNeedNotBeThere() throws {
        try withSmallModel { trained in
            let directory = try #require(trained.runDirectory)
            let dataset = trained.experiment.dataset
            let path = directory.appending("bird.image")
            try DurableFile.write(dataset.bytes(of: dataset.test[0]), to: path)
            let logits = try trained.inference(ofImageAt: path, team: WorkerTeam()).inference.logits
            try DurableDirectory.remove(dataset.root)
            try DurableDirectory.remove(trained.configuration.cache.directory)
            let scores = try predictions(DeployedModel(directory), [path])[0].classes
            for score in scores { #expect(score.logit == logits[score.label]) }
            #expect(scores.count == 3)
        }
    }

    @Test func anImageThatCannotBeReadIsARecordOfIt() throws {
        try withSmallModel { trained in
            let directory = try #require(trained.runDirectory)
            let bad = directory.appending("bad.png")
            try DurableFile.write("no picture", to: bad)
            let good = trained.experiment.dataset.path(of: trained.experiment.dataset.test[0])
            let found = try predictions(DeployedModel(directory), [bad, good, directory.appending("gone.png")])
            #expect(found.map { $0.error == nil } == [false, true, false])
            #expect(found[0].error?.contains("bad.png") == true && found[2].error?.contains("gone.png") == true)
            #expect(found[0].classes.isEmpty && found[0].channels.isEmpty && found[1].classes.count == 3)
        }
    }

    @Test func otherWeightsAreRefused() throws {
        try withSmallModel { trained in
            let directory = try #require(trained.runDirectory)
            #expect(throws: ExperimentError.self) {
                _ = try DeployedModel(directory, overrides: ["backbone.weights=\(directory)/none.pth"])
            }
        }
    }

    @Test func classesOfAnotherDatasetAreMatchedByName() throws {
        try withSmallModel { trained in
            let model = try DeployedModel(#require(trained.runDirectory))
            let own = trained.experiment.dataset
            let expected = own.test.map { model.classNames[$0.label] }
            // The same images with the classes in another order.
            let names = Array(model.classNames.reversed())
            func relabelled(_ samples: [Sample]) -> [Sample] {
                samples.map { Sample(path: $0.path, label: names.count - 1 - $0.label) }
            }
            let other = try Dataset(
                kind: "class_folders", root: own.root, classNames: names, train: relabelled(own.train),
                test: relabelled(own.test))
            let matched = try model.match(other, split: .test, classes: .all)
            let found = try model.predictions(of: matched, team: WorkerTeam())
            #expect(found.map { model.classNames[$0.label] } == expected && found.map(\.path) == own.test.map(\.path))
            for (prediction, sample) in zip(found, own.test) {
                let inference = try trained.inference(ofImageAt: own.path(of: sample), team: WorkerTeam()).inference
                #expect(prediction.topClasses == inference.ranking)
                #expect(prediction.probability == inference.probabilities[inference.ranking[0]])
            }
        }
    }

    @Test func otherClassesAreNamedOrLeftOut() throws {
        try withSmallModel { trained in
            let model = try DeployedModel(#require(trained.runDirectory))
            let own = trained.experiment.dataset
            var names = model.classNames
            let renamed = names[1]
            names[1] = "a stranger"
            let other = try Dataset(
                kind: "class_folders", root: own.root, classNames: names, train: own.train, test: own.test)
            #expect(
                throws: PredictionError.classesDiffer(
                    dataset: own.root.string, unknown: ["a stranger"], missing: [renamed])
            ) { _ = try model.match(other, split: .test, classes: .all) }
            let matched = try model.match(other, split: .test, classes: .common)
            #expect(matched.imageCount == 6 && matched.classCount == 2)
            #expect(matched.unknownClasses == ["a stranger"] && matched.missingClasses == [renamed])
            let none = try Dataset(
                kind: "class_folders", root: own.root, classNames: ["x", "y", "z"], train: own.train, test: own.test)
            #expect(throws: PredictionError.self) { _ = try model.match(none, split: nil, classes: .common) }
        }
    }
}

/// What a cell of the map covers of the image.
@Suite struct ImagePartTests {
    @Test func aPartIsWhereItsCornersAre() throws {
        let input = InputTransform(resize: 64, crop: 48)
        for (width, height) in [(128, 64), (64, 200), (97, 131)] {
            for (left, top, right, bottom) in [(0.0, 0.0, 0.25, 0.5), (0.5, 0.25, 1, 1), (0, 0, 1, 1)] {
                let part = try #require(
                    input.part(left: left, top: top, right: right, bottom: bottom, ofWidth: width, height: height))
                let first = input.place(ofX: Double(part.x), y: Double(part.y), width: width, height: height)
                let last = input.place(
                    ofX: Double(part.x + part.width), y: Double(part.y + part.height), width: width, height: height)
                // To the outside by less than a pixel.
                let pixel = Double(min(width, height)) / 64
                let slack = 1 / pixel / 48 + 1e-9
                #expect(
                    first.x <= left + 1e-9 && first.x > left - slack && last.x >= right - 1e-9 && last.x < right + slack
                )
                #expect(
                    first.y <= top + 1e-9 && first.y > top - slack && last.y >= bottom - 1e-9 && last.y < bottom + slack
                )
            }
        }
    }

    @Test func paddingIsNoPartOfTheImage() {
        // 64 pixels in the middle of 128.
        let input = InputTransform(resize: 64, crop: 128)
        #expect(input.part(left: 0, top: 0, right: 0.25, bottom: 0.25, ofWidth: 64, height: 64) == nil)
        #expect(
            input.part(left: 0, top: 0, right: 0.5, bottom: 0.5, ofWidth: 64, height: 64)
                == PixelRectangle(x: 0, y: 0, width: 32, height: 32))
    }
}
