import DisentangledHead
import DurableFiles
import Foundation
import ImageCoding
import SystemPackage
import Tensors
import Training

/// Explains single images with a trained model.
public struct Explainer {
    private let model: TrainedModel
    private let team: WorkerTeam
    /// Channels that get heat maps, those with the largest contributions.
    private let shownCount: Int

    public init(_ model: TrainedModel, shownCount: Int, team: WorkerTeam) {
        self.model = model
        self.shownCount = shownCount
        self.team = team
    }

    /// The label of a class name.
    /// - Throws: `ExplanationError.unknownClass` with the nearest name.
    public func label(ofClass name: String) throws -> Int {
        let names = model.experiment.dataset.classNames
        if let label = names.firstIndex(of: name) { return label }
        let nearest = names.min { $0.difference(from: name).count < $1.difference(from: name).count }
        throw ExplanationError.unknownClass(name: name, nearest: nearest ?? "none")
    }

    /// Explains the logit of `label`, or of the predicted class if nil, for the image at `path`.
    /// - Throws: the image's error if it cannot be read; `ExplanationError.notAdditive` if the contributions do not add up to
    ///   the logit.
    public func explain(_ path: FilePath, label: Int? = nil) throws -> ImageExplanation {
        let experiment = model.experiment
        let pixels = try experiment.pixels(ofImageAt: path)
        let map = experiment.featureMap(of: pixels, workspace: experiment.backbone.makeWorkspace())
        let features = experiment.cacheIdentity.rounded(map)
        let result = try model.head.forward(features, team: team)
        let scores = scores(result.logits)
        let explained = scores.first { $0.label == label } ?? scores[0]
        let contributions = contributions(to: explained.label, result.pooled)
        let shown = contributions.prefix(shownCount).map { ChannelSide(channel: $0.channel, side: $0.dominantSide) }
        let largest = contributions.first.map { abs($0.contribution) } ?? 0
        let explanation = ImageExplanation(
            path: path.string, pixels: pixels, scores: scores, explained: explained, contributions: contributions,
            contributionSum: contributions.reduce(0) {
                $0 + Double($1.weight) * (Double($1.positiveActivation) + Double($1.negativeActivation))
            },
            heatMaps: try heatMaps(shown, features),
            explanationSize: contributions.count { abs($0.contribution) >= 0.2 * largest && largest > 0 })
        guard explanation.additivityError <= ImageExplanation.additivityLimit else {
            throw ExplanationError.notAdditive(
                path: path.string, sum: explanation.contributionSum, logit: explained.logit)
        }
        return explanation
    }

    private func scores(_ logits: [Float]) -> [ClassScore] {
        let probabilities = softmax(logits)
        return logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }.map { label in
            ClassScore(
                label: label, className: model.experiment.dataset.classNames[label], logit: logits[label],
                probability: probabilities[label])
        }
    }

    /// The channels that add something to the logit of `label`, by the size of what they add.
    private func contributions(to label: Int, _ pooled: PooledActivations) -> [ChannelContribution] {
        let width = model.experiment.cacheIdentity.featureMap.width
        let head = model.head
        return (0..<head.channelCount)
            .map { channel in
                ChannelContribution(
                    channel: channel, weight: head.classifier[label * head.channelCount + channel],
                    positiveActivation: max(0, pooled.maxima[channel]),
                    positivePosition: MapPosition(index: Int(pooled.maximumPixels[channel]), width: width),
                    negativeActivation: min(0, pooled.minima[channel]),
                    negativePosition: MapPosition(index: Int(pooled.minimumPixels[channel]), width: width))
            }
            .filter { $0.contribution != 0 }
            .sorted { (abs($0.contribution), $1.channel) > (abs($1.contribution), $0.channel) }
    }

    /// ReLU(J_.k) or ReLU(-J_.k) of the asked channels and sides.
    private func heatMaps(_ sides: [ChannelSide], _ features: Tensor) throws -> [ChannelSide: HeatMap] {
        let map = model.experiment.cacheIdentity.featureMap
        let activations = try model.head.activations(features, team: team).values
        var result: [ChannelSide: HeatMap] = [:]
        for side in sides {
            let sign: Float = side.side == .positive ? 1 : -1
            result[side] = HeatMap(
                width: map.width, height: map.height,
                values: (0..<map.height * map.width).map {
                    max(0, sign * activations[$0 * map.channelCount + side.channel])
                })
        }
        return result
    }
}
