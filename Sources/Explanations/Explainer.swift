import DisentangledHead
import Evaluation
import ExplanationMetrics
public import Inference
import NameSuggestions
import Results
public import SystemPackage
public import Tensors

/// Explains single images with a trained model.
public struct Explainer {
    private let model: TrainedModel
    private let team: WorkerTeam
    /// Channels that count as shown, those with the largest contributions.
    private let shownCount: Int

    /// Classes whose scores are part of an explanation's record.
    private static let scoredClassCount = 5

    public init(_ model: TrainedModel, shownCount: Int, team: WorkerTeam) {
        self.model = model
        self.shownCount = shownCount
        self.team = team
    }

    /// The label of a class, given by its name, by the words it is known by, or by the label itself.
    /// - Throws: `ExplanationError.unknownClass` with what may have been meant.
    public func label(ofClass name: String) throws -> Int {
        let names = model.experiment.dataset.classNames
        if let label = names.firstIndex(of: name) { return label }
        let titles = model.experiment.dataset.displayNames
        if let label = titles.firstIndex(of: name) { return label }
        if let label = Int(name), names.indices.contains(label) { return label }
        throw ExplanationError.unknownClass(
            name: name, classCount: names.count,
            suggestion: NameSuggestions.sentence(for: name, among: titles == names ? names : names + titles))
    }

    /// Explains the logit of `label`, or of the predicted class if nil, for the image at `path`.
    ///
    /// - Parameters:
    ///   - versus: the class that it is held against on pages.
    ///   - id: the image's address on pages; its picture is called e and then this.
    ///   - trueLabel: what is known of its class.
    /// - Throws: the image's error if it cannot be read; `ExplanationError.noSuchLabel`; `ExplanationError.notAdditive` if the
    ///   contributions do not add up to the logit.
    public func explain(
        _ path: FilePath, label: Int? = nil, versus: Int? = nil, id: String = "0", trueLabel: Int? = nil
    ) throws -> ImageExplanation {
        let (pixels, inference) = try model.inference(ofImageAt: path, team: team)
        let scores = scores(inference)
        if let label, !(0..<scores.count).contains(label) {
            throw ExplanationError.noSuchLabel(label, classCount: scores.count)
        }
        let explained = scores.first { $0.label == label } ?? scores[0]
        let contributions = model.head.contributions(
            to: explained.label, inference.pooled, mapWidth: model.experiment.cacheIdentity.featureMap.width)
        let result = try result(path.string, scores, explained, contributions)
        let record = try ImageReport(
            model, features: inference.features, id: id, picture: "e\(id)", path: path.string, label: trueLabel,
            explained: explained.label, versus: versus, team: team)
        return ImageExplanation(result: result, scores: scores, pixels: pixels, record: record)
    }

    private func scores(_ inference: ImageInference) -> [ClassScore] {
        inference.ranking.map { label in
            ClassScore(
                label: label, className: model.experiment.dataset.classNames[label], logit: inference.logits[label],
                probability: inference.probabilities[label])
        }
    }

    /// All that is said of the sum, checked.
    private func result(
        _ path: String, _ scores: [ClassScore], _ explained: ClassScore, _ contributions: [ChannelContribution]
    ) throws -> ExplanationResult {
        let amounts = contributions.map(\.contribution)
        let classifier = model.head.classifier
        let bias = classifier.bias == nil ? nil : classifier.offset(of: explained.label)
        let sum = contributions.reduce(Double(bias ?? 0)) { $0 + $1.exactContribution }
        let residual = Completeness.residual(
            sum: sum, contributions: amounts + (bias.map { [$0] } ?? []), logit: explained.logit)
        guard residual <= Completeness.limit else {
            throw ExplanationError.notAdditive(path: path, sum: sum, logit: explained.logit)
        }
        let shownCount = min(shownCount, contributions.count)
        let shownSum = amounts.prefix(shownCount).reduce(0, +)
        return ExplanationResult(
            path: path, topScores: Array(scores.prefix(Self.scoredClassCount)), explained: explained,
            contributions: contributions, contributionSum: sum,
            positiveSum: contributions.reduce(0) { $0 + $1.positiveContribution },
            negativeSum: contributions.reduce(0) { $0 + $1.negativeContribution }, shownCount: shownCount,
            shownSum: shownSum, restSum: Float(sum) - shownSum - (bias ?? 0), bias: bias, additivityError: residual,
            explanationSize: ExplanationSize.count(of: amounts))
    }
}
