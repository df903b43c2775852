public import Explanations
public import Inference
public import Results
public import Tensors

extension ModelReport {
    /// A report of what channels stand for: those that classes use, the `channelCount` most used ones at most.
    public init(
        of model: TrainedModel, prototypes table: PrototypeTable, names: ChannelNames, channelCount: Int? = nil
    ) {
        let uses = ChannelUse.ranked(ChannelUse.ofAllChannels(model))
        self.init(
            model, [], uses: Array(uses.prefix(channelCount ?? uses.count)), prototypes: table, names: names)
    }

    /// Places and channels a place that a page shows at once.
    private static let shownPlaceCount = 6
    private static let shownAtPlaceCount = 2

    /// A report of some images that were explained, with the channels that matter to them.
    ///
    /// - Parameters:
    ///   - table: the model's prototypes.
    ///   - channelCount: channels of each image whose prototypes are part of the report, beside those of the first places.
    public init(
        of explanations: [ImageExplanation], model: TrainedModel, prototypes table: PrototypeTable, names: ChannelNames,
        channelCount: Int
    ) {
        let shown = Set(explanations.flatMap { Self.shownChannels($0.result, count: channelCount) })
        self.init(
            model, explanations.map(\.record),
            uses: ChannelUse.ofAllChannels(model).filter { shown.contains($0.channel) },
            prototypes: table, names: names)
    }

    private init(
        _ model: TrainedModel, _ images: [ImageReport], uses: [ChannelUse], prototypes table: PrototypeTable,
        names: ChannelNames
    ) {
        self.init(
            checkpoint: model.checkpointName, headDigest: model.headDigest, backbone: model.experiment.backbone.name,
            classNames: model.experiment.dataset.displayNames, channelCount: model.head.channelCount,
            featureMap: table.featureMap, channelNames: names.names, classifier: ClassifierRecord(model.head),
            images: images,
            channels: uses.sorted { $0.channel < $1.channel }.map { use in
                ChannelReport(
                    channel: use.channel, use: use.total,
                    classes: use.classes.map { .init(label: $0.label, weight: $0.weight, meanContribution: nil) },
                    positive: ChannelReport.Example.list(table.channels[use.channel], .positive) { _, _ in nil },
                    negative: ChannelReport.Example.list(table.channels[use.channel], .negative) { _, _ in nil })
            }, origins: model.origins)
    }

    /// The channels that contribute most, and those of the first places.
    private static func shownChannels(_ result: ExplanationResult, count: Int) -> [Int] {
        let places = Dictionary(grouping: result.contributions) { $0.position(of: $0.dominantSide) }.values
            .map { ($0, abs($0.reduce(0) { $0 + $1.contribution })) }
            .sorted { ($0.1, $1.0[0].channel) > ($1.1, $0.0[0].channel) }
        return result.contributions.prefix(count).map(\.channel)
            + places.prefix(shownPlaceCount).flatMap { $0.0.prefix(shownAtPlaceCount).map(\.channel) }
    }

    /// Bytes of the pictures of a page that is one file, about.
    private static let pictureByteCount = 10_000_000

    /// The pictures of such a report by name: the explained images as the network saw them, and the prototypes.
    ///
    /// - Parameter isSingleFile: whether they are to be small enough for a page that is one file.
    /// - Throws: what `PrototypePictures` throws.
    public func pictures(
        of explanations: [ImageExplanation], model: TrainedModel, prototypes table: PrototypeTable, isSingleFile: Bool,
        team: WorkerTeam
    ) throws -> [String: [UInt8]] {
        let prototypes = Dictionary(
            channels.flatMap { table.channels[$0.channel].positive + table.channels[$0.channel].negative }
                .map { ($0.sample, $0) }, uniquingKeysWith: { first, _ in first }
        ).values.sorted { $0.sample < $1.sample }
        let size = PictureSize(
            pictureCount: prototypes.count + explanations.count,
            totalByteCount: isSingleFile ? Self.pictureByteCount : PictureSize.reportByteCount)
        let pictures = PrototypePictures(model)
        let files = try team.map(prototypes.count) { _, index in size.file(of: try pictures(prototypes[index])) }
        var result = Dictionary(uniqueKeysWithValues: zip(prototypes.map { "\($0.sample)" }, files))
        for explanation in explanations { result[explanation.record.picture] = size.file(of: explanation.pixels) }
        return result
    }
}
