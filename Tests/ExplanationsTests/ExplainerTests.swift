import Datasets
import DisentangledHead
import DurableFiles
import Evaluation
import Explanations
import Extraction
import FeatureCache
import Foundation
import ImageCoding
import Inference
import Results
import RunConfiguration
import SmallModel
import SystemPackage
import TemporaryFolders
import Tensors
import Testing

@Suite struct ExplainerTests {
    private let team = WorkerTeam()

    @Test func theContributionsOfAllChannelsAddUpToTheLogit() throws {
        try withSmallModel { model in
            let explainer = Explainer(model, shownCount: 4, team: team)
            for sample in model.experiment.dataset.test {
                for label in 0..<3 {
                    let path = model.experiment.dataset.path(of: sample)
                    let explanation = try explainer.explain(path, label: label)
                    #expect(explanation.result.label == label)
                    #expect(explanation.result.additivityError <= 1e-4)
                    let bias = Double(try #require(explanation.result.bias))
                    let sum = explanation.result.contributions.reduce(bias) { $0 + Double($1.contribution) }
                    #expect(abs(sum - Double(explanation.result.logit)) <= 1e-4 * abs(sum))
                }
            }
        }
    }

    @Test func whereFewChannelsOfAnImageCountEveryExplanationHasNoMore() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            run.configuration.head.channelsPerImage = 6
            try run.train()
            let model = try TrainedModel(folder.appending("run"))
            let explainer = Explainer(model, shownCount: 4, team: team)
            for sample in model.experiment.dataset.test {
                for label in 0..<3 {
                    let result = try explainer.explain(model.experiment.dataset.path(of: sample), label: label).result
                    #expect(result.contributions.count { $0.contribution != 0 } <= 6)
                    let bias = Double(try #require(result.bias))
                    let sum = result.contributions.reduce(bias) { $0 + Double($1.contribution) }
                    #expect(abs(sum - Double(result.logit)) <= 1e-4)
                }
            }
        }
    }

    @Test func aBiasIsPartOfTheSumAndSaysSo() throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            run.configuration.head.bias = true
            run.configuration.head.pooling = .annealed
            try run.train()
            let model = try TrainedModel(folder.appending("run"))
            let bias = try #require(model.head.classifier.bias)
            #expect(bias.contains { $0 != 0 })
            let sample = model.experiment.dataset.test[0]
            for label in 0..<3 {
                let result = try Explainer(model, shownCount: 2, team: team)
                    .explain(model.experiment.dataset.path(of: sample), label: label).result
                #expect(result.bias == bias[label] && result.additivityError <= 1e-4)
                let sum = result.contributions.reduce(Double(bias[label])) { $0 + Double($1.contribution) }
                #expect(abs(sum - Double(result.logit)) <= 1e-4 * abs(sum))
                #expect(abs(result.shownSum + result.restSum + bias[label] - result.logit) <= 1e-4)
            }
        }
    }

    @Test(arguments: [ChannelSides.untied, .positive])
    func theSidesOfAChannelContributeWithTheirOwnWeights(sides: ChannelSides) throws {
        try withTemporaryFolder { folder in
            var run = try SmallRun(in: folder)
            run.configuration.head.signs = sides
            run.configuration.head.bias = false
            try run.train()
            let model = try TrainedModel(folder.appending("run"))
            #expect(model.head.sides == sides)
            #expect(model.head.classifier.weights.count == 3 * model.head.channelCount * sides.valuesPerChannel)
            let predictions = try HeadEvaluation.predictions(
                model.head, cache: model.cache(), split: .test, team: team)
            let explainer = Explainer(model, shownCount: 4, team: team)
            for prediction in predictions {
                let path = model.experiment.dataset.root.appending(prediction.path)
                let explained = try explainer.explain(path)
                #expect(explained.result.label == prediction.topClasses[0])
                #expect(explained.result.explanationSize == prediction.explanationSize)
                for label in 0..<3 {
                    let explanation = try explainer.explain(path, label: label)
                    let result = explanation.result
                    #expect(result.additivityError <= 1e-4)
                    let sum = result.contributions.reduce(0) { $0 + Double($1.contribution) }
                    #expect(abs(sum - Double(result.logit)) <= 1e-4 * abs(sum))
                    #expect(abs(result.positiveSum + result.negativeSum - result.logit) <= 1e-4 * abs(result.logit))
                    for contribution in result.contributions {
                        let own = model.head.negativeWeight(of: contribution.channel, for: label)
                        #expect(contribution.negativeWeight == own)
                        if sides == .positive { #expect(contribution.dominantSide == .positive && own == 0) }
                    }
                    if sides == .untied {
                        #expect(result.contributions.contains { $0.negativeWeight != $0.weight })
                        #expect(result.negativeSum < 0)
                    }
                    #expect(explanation.record.maps.count >= 4)
                }
            }
            let uses = ChannelUse.ofAllChannels(model)
            let total = uses.reduce(0) { $0 + Double($1.total) }
            let expected = model.head.classifier.weights.reduce(0) { $0 + Double($1) }
            #expect(uses.count == model.head.channelCount && abs(total - expected) < 1e-3)
            // The prototypes of both sides stay.
            let table = try #require(try PrototypeSearch.run(model, cache: model.cache(), team: team))
            #expect(table.channels.contains { !$0.negative.isEmpty })
        }
    }

    @Test func anImageGetsTheScoresThatItsCachedFeaturesGet() throws {
        try withSmallModel { model in
            let cache = try model.cache()
            let predictions = try HeadEvaluation.predictions(model.head, cache: cache, split: .test, team: team)
            let explainer = Explainer(model, shownCount: 1, team: team)
            for prediction in predictions {
                let explanation = try explainer.explain(model.experiment.dataset.root.appending(prediction.path))
                #expect(explanation.scores[0].label == prediction.topClasses[0])
                #expect(explanation.scores[0].probability == prediction.probability)
                #expect(explanation.result.explanationSize == prediction.explanationSize)
            }
        }
    }

    @Test func theWinningPixelIsThePeakOfTheChannelsMap() throws {
        try withSmallModel { model in
            let sample = model.experiment.dataset.test[0]
            let explanation = try Explainer(model, shownCount: 6, team: team)
                .explain(model.experiment.dataset.path(of: sample))
            let width = model.experiment.cacheIdentity.featureMap.width
            for contribution in explanation.result.contributions.prefix(6) {
                let sign: Int8 = contribution.dominantSide == .positive ? 1 : -1
                let map = try #require(explanation.record.maps.first { $0.channel == contribution.channel })
                let position = contribution.position(of: contribution.dominantSide)
                let peak = map.values.values[position.row * width + position.column]
                #expect(peak * sign == 127, "the largest magnitude is that of the dominant side")
                let activation = abs(contribution.activation(of: contribution.dominantSide))
                #expect(abs(map.scale - activation) <= 1e-5 * activation)
            }
        }
    }

    @Test func theRecordOfAnImageHasWhatItsLogitsAreMadeOf() throws {
        try withSmallModel { model in
            let sample = model.experiment.dataset.test[1]
            let explanation = try Explainer(model, shownCount: 2, team: team)
                .explain(
                    model.experiment.dataset.path(of: sample), label: 2, versus: 1, id: "7", trueLabel: sample.label)
            let record = explanation.record
            #expect(record.id == "7" && record.label == sample.label && record.explained == 2 && record.versus == 1)
            let classifier = model.head.classifier
            for label in 0..<3 {
                let sum = (0..<model.head.channelCount).reduce(Double(classifier.offset(of: label))) {
                    let pooled = Double(record.positive.values[$1]) + Double(record.negative.values[$1])
                    return $0 + Double(classifier.weight(of: $1, for: label)) * pooled
                }
                #expect(abs(sum - Double(record.logits.values[label])) <= 1e-5 * max(1, abs(sum)))
            }
        }
    }

    @Test func anUnknownClassIsNamedWithTheNearestOne() throws {
        try withSmallModel { model in
            let explainer = Explainer(model, shownCount: 1, team: team)
            let name = model.experiment.dataset.classNames[1]
            let (named, numbered) = try (explainer.label(ofClass: name), explainer.label(ofClass: "2"))
            #expect(named == 1)
            #expect(numbered == 2)
            #expect(
                throws: ExplanationError.unknownClass(
                    name: name + "z", classCount: 3, suggestion: "Did you mean \(name)?")
            ) { try explainer.label(ofClass: name + "z") }
            let error = #expect(throws: ExplanationError.self) { try explainer.label(ofClass: "zebra") }
            #expect(error?.description.contains("There are \(model.experiment.dataset.classNames[0]), ") == true)
            #expect(throws: ExplanationError.self) { try explainer.label(ofClass: "3") }
        }
    }
}

@Suite struct ExplanationRecordTests {
    @Test func theSumsOfARecordAreThoseOfItsContributions() throws {
        try withSmallModel { model in
            let sample = model.experiment.dataset.test[0]
            let result = try Explainer(model, shownCount: 3, team: WorkerTeam())
                .explain(model.experiment.dataset.path(of: sample)).result
            #expect(result.shownCount == 3 && result.topScores.count == 3)
            #expect(result.topScores[0].label == result.label && result.topScores[0].logit == result.logit)
            let shown = result.contributions.prefix(3).reduce(Float(0)) { $0 + $1.contribution }
            let bias = try #require(result.bias)
            let rest = result.contributions.dropFirst(3).reduce(Float(0)) { $0 + $1.contribution }
            #expect(result.shownSum == shown && abs(result.restSum - rest) <= 1e-4)
            #expect(abs(result.positiveSum + result.negativeSum + bias - result.logit) <= 1e-4 * abs(result.logit))
        }
    }

    @Test func aLabelThatIsNoClassIsRefused() throws {
        try withSmallModel { model in
            let path = model.experiment.dataset.path(of: model.experiment.dataset.test[0])
            for label in [-1, 3] {
                #expect(throws: ExplanationError.noSuchLabel(label, classCount: 3)) {
                    try Explainer(model, shownCount: 1, team: WorkerTeam()).explain(path, label: label)
                }
            }
        }
    }
}

@Suite struct PrototypeTests {
    private let team = WorkerTeam()

    @Test func prototypesAreTheImagesThatABruteForceSearchFinds() throws {
        try withSmallModel { model in
            let table = try #require(try PrototypeSearch.run(model, cache: model.cache(), team: team))
            let cache = try model.cache()
            let map = cache.identity.featureMap
            let indices = cache.indices(of: "train")
            let pooled = try model.head.pooledActivations(
                Tensor(
                    shape: [indices.count, map.height, map.width, map.channelCount],
                    values: cache.features(of: indices)), team: team)
            #expect(table.channels.count == map.channelCount)
            for channel in table.channels {
                func expected(_ values: [Float], sign: Float) -> [String] {
                    indices.indices
                        .map { (sign * values[$0 * map.channelCount + channel.channel], $0) }
                        .filter { $0.0 > 0 }
                        .sorted { ($0.0, $1.1) > ($1.0, $0.1) }
                        .prefix(PrototypeSearch.prototypeCount)
                        .map { cache.samples.path(of: indices[$0.1]) }
                }
                #expect(channel.positive.map(\.path) == expected(pooled.maxima, sign: 1))
                #expect(channel.negative.map(\.path) == expected(pooled.minima, sign: -1))
                #expect(channel.positive.allSatisfy { $0.activation > 0 })
                #expect(channel.negative.allSatisfy { $0.activation < 0 })
            }
        }
    }

    @Test func theTableIsKeptBesideTheCheckpointAndReadBack() throws {
        try withSmallModel { model in
            var searchCount = 0
            let search = {
                searchCount += 1
                return try PrototypeSearch.run(model, cache: model.cache(), team: team)
            }
            let first = try PrototypeTable.kept(for: model, search: search)
            let second = try PrototypeTable.kept(for: model, search: search)
            #expect(first == second && searchCount == 1)

            let path = try #require(model.runDirectory).appending("prototypes").appending(
                "\(model.checkpointName).json")
            try DurableFile.write("{}", to: path)
            #expect(throws: ExplanationError.self) { try PrototypeTable(reading: path, for: model) }
            #expect(try PrototypeTable.kept(for: model, search: search) == first, "a damaged table is made again")
            #expect(searchCount == 2)

            // An edit that decodes: the digest shows it.
            let text = String(decoding: try DurableFile.read(path), as: UTF8.self)
            let edited = text.replacingOccurrences(of: #""height":"#, with: #""height":-"#)
            #expect(edited != text)
            try DurableFile.write(edited, to: path)
            let error = #expect(throws: ExplanationError.self) { try PrototypeTable(reading: path, for: model) }
            #expect(error?.description.contains("digest") == true)
        }
    }

    @Test func aTableWithARightDigestAndAMapThatCannotBeIsRefused() throws {
        try withSmallModel { model in
            let table = try #require(try PrototypeSearch.run(model, cache: model.cache(), team: team))
            let path = try #require(model.runDirectory).appending("forged.json")
            for size in [SpatialSize(height: -1, width: 7), SpatialSize(height: 7, width: 1 << 40)] {
                try PrototypeTable(
                    headDigest: table.headDigest, datasetFingerprint: table.datasetFingerprint, featureMap: size,
                    channels: table.channels
                ).keep(at: path)
                #expect(throws: ExplanationError.self) { try PrototypeTable(reading: path, for: model) }
            }
            try table.keep(at: path)
            #expect(try PrototypeTable(reading: path, for: model) == table)
        }
    }

    @Test func aPrototypeWhoseImageHasChangedIsNotShown() throws {
        try withSmallModel { model in
            let table = try #require(try PrototypeSearch.run(model, cache: model.cache(), team: team))
            let prototype = try #require(table.channels.flatMap(\.positive).first)
            let picture = try PrototypePictures(model)(prototype)
            #expect(picture.width == model.experiment.input.crop)

            let path = model.experiment.dataset.root.appending(prototype.path)
            let other = PixelImage(width: 128, height: 128, red: 9)
            try DurableFile.write(ImageEncoder.jpeg(other), to: path)
            do {
                _ = try PrototypePictures(model)(prototype)
                Issue.record("a changed image was shown")
            } catch ExplanationError.prototypeChanged(let changed, let expected, _) {
                #expect(changed == path && expected == prototype.contentDigest)
            }
        }
    }
}
