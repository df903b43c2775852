import Datasets
import DisentangledHead
import ExplanationMetrics
public import FeatureCache
public import Inference
public import MessagePassing
public import Results
public import RunControl
public import Tensors

/// What the head makes of all training images: one pass over the cached features.
///
/// Everything is added up in integers, so that no number of ranks changes a digit.
public struct ModelSurvey: Sendable {
    /// Bins of each side of a channel's histogram.
    public static let binCount = 16
    /// Channels that count as an image's explanation: those that add most to the predicted class.
    public static let explanationLength = 10
    private static let companionCount = 8

    private let head: Head
    private let layout: Layout
    private let counts: [Int64]

    /// Training images by label.
    public func imageCount(of label: Int) -> Int { Int(counts[layout.images + label]) }

    /// Mean over the training images of the class of what `channel` adds to its logit; 0 for a class without images.
    public func meanContribution(of channel: Int, to label: Int) -> Double {
        let images = Double(imageCount(of: label))
        guard images > 0 else { return 0 }
        return stride(from: channel, to: layout.valueCount, by: layout.channelCount).reduce(0) { sum, value in
            sum + Double(head.classifier.weight(of: value, for: label))
                * (Double(counts[layout.values + label * layout.valueCount + value]) / layout.scale / images)
        }
    }

    public func histogram(of channel: Int) -> ChannelReport.Histogram {
        let start = layout.histograms + channel * Layout.histogramLength
        let bins = counts[start..<start + Layout.histogramLength].map { Int($0) }
        return ChannelReport.Histogram(
            lowest: layout.lowest[channel], highest: layout.highest[channel], negative: Array(bins[..<Self.binCount]),
            positive: Array(bins[Self.binCount..<2 * Self.binCount]), withoutNegative: bins[2 * Self.binCount],
            withoutPositive: bins[2 * Self.binCount + 1])
    }

    /// Training images in whose explanation the channel is.
    public func topImageCount(of channel: Int) -> Int {
        Int(counts[layout.pairs + channel * layout.channelCount + channel])
    }

    /// The channels that are most often in the explanations that `channel` is in.
    public func companions(of channel: Int) -> [ChannelReport.Companion] {
        let row = layout.pairs + channel * layout.channelCount
        return (0..<layout.channelCount)
            .map { ChannelReport.Companion(channel: $0, imageCount: Int(counts[row + $0])) }
            .filter { $0.channel != channel && $0.imageCount > 0 }
            .sorted { ($0.imageCount, $1.channel) > ($1.imageCount, $0.channel) }
            .prefix(Self.companionCount).map { $0 }
    }

    /// EPIC's purity of a prototype: J_pk / |j_p|.
    public func purity(of prototype: Prototype, place: Int, channel: Int, side: Side) -> Double {
        let norm = Float(bitPattern: UInt32(truncatingIfNeeded: counts[layout.norm(channel, side, place)]))
        return ChannelPurity.purity(of: Double(abs(prototype.activation)), norm: Double(norm))
    }

    /// Goes through the training images. Collective; all ranks get the same.
    /// - Parameter table: the model's prototypes, on every rank.
    /// - Throws: the errors of the cache, `HeadError`.
    public static func run(
        _ model: TrainedModel, prototypes table: PrototypeTable, cache: FeatureCache, team: WorkerTeam,
        communicator: any Communicator = SingleProcess(), progress: @escaping ProgressHandler = { _ in }
    ) throws -> ModelSurvey {
        communicator.activity.begin(step: 0, "surveying the training images")
        let layout = Layout(model.head, table)
        let counts = try communicator.sumTogether(count: layout.count) {
            try counted(model, table, layout, cache: cache, team, communicator, progress)
        }
        return ModelSurvey(head: model.head, layout: layout, counts: counts)
    }

    private static func counted(
        _ model: TrainedModel, _ table: PrototypeTable, _ layout: Layout, cache: FeatureCache, _ team: WorkerTeam,
        _ communicator: any Communicator, _ progress: ProgressHandler
    ) throws -> [Int64] {
        var counts = [Int64](repeating: 0, count: layout.count)
        let head = model.head
        let places = layout.places(of: table)
        let share = cache.share(of: Split.train.rawValue, on: communicator)
        let total = cache.indices(of: Split.train.rawValue).count
        var completed = 0
        try cache.forEachBatch(of: share) { samples, features in
            let result = try head.forward(features, team: team)
            for (row, sample) in samples.enumerated() {
                let label = cache.samples.label(of: sample)
                counts[layout.images + label] += 1
                for value in 0..<layout.valueCount {
                    let pooled = Double(result.pooled.values[row * layout.valueCount + value])
                    counts[layout.values + label * layout.valueCount + value] += Int64(
                        (pooled * layout.scale).rounded())
                }
                for channel in 0..<layout.channelCount {
                    let index = row * layout.channelCount + channel
                    layout.count(
                        channel, maximum: result.pooled.maxima[index], minimum: result.pooled.minima[index], in: &counts
                    )
                }
                let predicted = Ranking.first(of: result.logits(ofImage: row)) ?? 0
                let sizes = (0..<layout.channelCount).map {
                    abs(head.contribution(of: $0, to: predicted, pooled: result.pooled, image: row))
                }
                let first = Ranking.top(explanationLength, of: sizes[...]).filter { sizes[$0] > 0 }
                for one in first {
                    for other in first { counts[layout.pairs + one * layout.channelCount + other] += 1 }
                }
                let own = places[sample] ?? []
                let norms = try norms(at: own.map(\.pixel), of: row, in: features, head, team)
                for (place, norm) in zip(own, norms) { counts[place.index] = Int64(norm.bitPattern) }
            }
            completed += samples.count
            communicator.activity.progress()
            progress(
                .init(
                    activity: "survey", completed: total * completed / max(share.count, 1), total: total, unit: "images"
                ))
        }
        return counts
    }
}

extension ModelSurvey {
    /// |j_p| at some pixels of an image of a batch [N, H, W, D].
    private static func norms(
        at pixels: [Int], of row: Int, in features: Tensor, _ head: Head, _ team: WorkerTeam
    ) throws -> [Float] {
        guard !pixels.isEmpty else { return [] }
        let (channelCount, size) = (head.channelCount, features.shape[1] * features.shape[2] * features.shape[3])
        let image = features.values[row * size..<(row + 1) * size]
        // Pixels that are standardised need all of their image (`ChannelReading.mean`).
        let isWhole = head.epsilon != nil
        let values =
            isWhole
            ? Array(image)
            : pixels.flatMap {
                image[image.startIndex + $0 * channelCount..<image.startIndex + ($0 + 1) * channelCount]
            }
        let activations = try head.activations(
            Tensor(shape: [1, values.count / channelCount, channelCount], values: values), team: team)
        return pixels.enumerated().map { place, pixel in
            let start = (isWhole ? pixel : place) * channelCount
            let square = activations.values[start..<start + channelCount].reduce(0.0) { $0 + Double($1) * Double($1) }
            return Float(square.squareRoot())
        }
    }
}

/// Where the numbers of a survey are in one long list.
private struct Layout: Sendable {
    static let histogramLength = 2 * ModelSurvey.binCount + 2

    let channelCount: Int
    let valueCount: Int
    /// Images by label.
    let images: Int
    /// Sums of v by label and value, in units of 1 / scale.
    let values: Int
    let histograms: Int
    /// Explanations that two channels are in.
    let pairs: Int
    /// Bits of |j_p| of each prototype.
    private let norms: Int
    let count: Int
    let lowest: [Float]
    let highest: [Float]
    /// A power of 2, such that sums over 2^24 images fit.
    let scale: Double

    init(_ head: Head, _ table: PrototypeTable) {
        channelCount = head.channelCount
        valueCount = head.classifier.channelCount
        images = 0
        values = head.classCount
        histograms = values + head.classCount * valueCount
        pairs = histograms + channelCount * Self.histogramLength
        norms = pairs + channelCount * channelCount
        count = norms + channelCount * 2 * PrototypeSearch.prototypeCount
        lowest = table.channels.map { $0.negative.first?.activation ?? 0 }
        highest = table.channels.map { $0.positive.first?.activation ?? 0 }
        let largest = max(highest.max() ?? 0, -(lowest.min() ?? 0), 1e-30)
        scale = Double(sign: .plus, exponent: 36 - Int(largest.exponent), significand: 1)
    }

    func norm(_ channel: Int, _ side: Side, _ place: Int) -> Int {
        norms + (channel * 2 + (side == .positive ? 0 : 1)) * PrototypeSearch.prototypeCount + place
    }

    /// The pixels of prototypes and where their norms go, by sample.
    func places(of table: PrototypeTable) -> [Int: [(pixel: Int, index: Int)]] {
        var places: [Int: [(pixel: Int, index: Int)]] = [:]
        for channel in table.channels {
            for side in Side.allCases {
                for (place, prototype) in channel[side].enumerated() {
                    let pixel = prototype.position.row * table.featureMap.width + prototype.position.column
                    places[prototype.sample, default: []].append((pixel, norm(channel.channel, side, place)))
                }
            }
        }
        return places
    }

    /// Counts the two sides of a channel of an image.
    func count(_ channel: Int, maximum: Float, minimum: Float, in counts: inout [Int64]) {
        let start = histograms + channel * Self.histogramLength
        let bins = ModelSurvey.binCount
        func bin(_ share: Float) -> Int { min(max(Int(share * Float(bins)), 0), bins - 1) }
        if minimum < 0, lowest[channel] < 0 {
            counts[start + bins - 1 - bin(minimum / lowest[channel])] += 1
        } else {
            counts[start + 2 * bins] += 1
        }
        if maximum > 0, highest[channel] > 0 {
            counts[start + bins + bin(maximum / highest[channel])] += 1
        } else {
            counts[start + 2 * bins + 1] += 1
        }
    }
}
