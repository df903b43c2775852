import DisentangledHead
public import Inference
public import Results
public import Tensors

extension ImageReport {
    /// Classes whose scores are part of the record, and for whose sake maps are.
    private static let scoredClassCount = 5
    /// Channels a class whose maps are part of the record.
    private static let mapsPerClass = 24

    /// What the head of `model` makes of the features [1, H, W, D] of an image.
    ///
    /// - Parameters:
    ///   - id: its address on the pages.
    ///   - picture: the name of its picture.
    ///   - label: of its true class; nil if that is not known.
    ///   - explained: the class whose logit is shown first; nil for the predicted one.
    ///   - versus: the class that it is held against at first; nil for none.
    /// - Throws: `HeadError`.
    public init(
        _ model: TrainedModel, features: Tensor, id: String, picture: String, path: String, label: Int?,
        explained: Int? = nil, versus: Int? = nil, team: WorkerTeam
    ) throws {
        let head = model.head
        let inference = try model.inference(of: features, team: team)
        // The page makes the choice of channels itself, as it changes with the weights.
        let whole =
            head.channelsPerImage == nil
            ? inference.pooled
            : try Head(
                channelMap: head.channelMap, classifier: head.classifier, sides: head.sides, reading: head.reading
            ).pooledActivations(features, team: team)
        let classNames = model.experiment.dataset.displayNames
        let first = inference.ranking.prefix(Self.scoredClassCount)
        var mapped: Set<Int> = []
        for label in Set(first + [explained, versus].compactMap { $0 }) {
            let sizes = (0..<head.channelCount).map {
                abs(head.contribution(of: $0, to: label, pooled: inference.pooled))
            }
            mapped.formUnion(Ranking.top(Self.mapsPerClass, of: sizes[...]).filter { sizes[$0] > 0 })
        }
        let activations = try head.activations(features, team: team).values
        self.init(
            id: id, picture: picture, path: path, label: label, explained: explained ?? inference.ranking[0],
            versus: versus == explained ?? inference.ranking[0] ? nil : versus,
            topScores: first.map {
                ClassScore(
                    label: $0, className: classNames[$0], logit: inference.logits[$0],
                    probability: inference.probabilities[$0])
            },
            logits: PackedFloats(inference.logits),
            positive: PackedFloats((0..<head.channelCount).map { whole.positiveActivation(of: $0) }),
            negative: PackedFloats((0..<head.channelCount).map { whole.negativeActivation(of: $0) }),
            maximumPixels: PackedIntegers(whole.maximumPixels),
            minimumPixels: PackedIntegers(whole.minimumPixels),
            maps: mapped.sorted().map { channel in
                let values = stride(from: channel, to: activations.count, by: head.channelCount).map { activations[$0] }
                let scale = values.reduce(0) { max($0, abs($1)) }
                return ActivationMap(
                    channel: channel, scale: scale,
                    values: PackedBytes(values.map { scale > 0 ? Int8(($0 / scale * 127).rounded()) : 0 }))
            })
    }
}
