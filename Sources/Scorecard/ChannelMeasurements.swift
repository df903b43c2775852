import Attribution
import DisentangledHead
import ExplanationMetrics
import Inference
import MessagePassing
import Results
import Tensors

/// What is measured on channels over many images: EPIC's and PIP-Net's purity, consistency, retrieval of parts, correlation, RV
/// coefficients, class independence, contrastiveness; of each of the bases.
struct ChannelMeasurements: Sendable {
    let basis: ChannelBasis
    let partCount: Int
    let hasVariants: Bool
    /// Images whose scores, and whose maps, are kept.
    let scoredSamples: Set<Int>
    let mapSamples: Set<Int>

    /// What one image adds.
    struct Part: Sendable {
        let sample: Int
        let label: Int
        let variants: [Int]?
        let visible: UInt32
        /// By channel.
        let byMaximum: [ChannelImage]
        let sums: [Float]
        /// Parts in the box of each channel of the image's class, by channel.
        let consistent: [(channel: Int, parts: UInt32)]
        /// Of each detector: score v, maximum M and the parts in its patch; nil if the image is none of `scoredSamples`. Score and
        /// maximum of a channel that does not count in the image are 0, as for the head, and then no maximum is below 0.
        let scores: [(score: Float, maximum: Float, parts: UInt32)]?
        /// [P, n] of the channels between which RV coefficients are taken; nil if the image is none of `mapSamples`.
        let maps: [Float]?
    }

    /// The channels between which RV coefficients are taken: those that are used most.
    var mapChannels: [Int] {
        basis.detectors.sorted { (basis.uses[$0].total, $1) > (basis.uses[$1].total, $0) }
            .prefix(ScorecardOptions.mapChannelLimit).sorted()
    }

    /// - Parameter features: [1, H, W, D].
    func part(
        sample: Int, label: Int, features: Tensor, places: ImagePlaces?, variants: [Int]?
    ) throws -> Part {
        let activations = try basis.activations(features)
        let counts = try basis.counting(features)
        let (height, width, channels) = (features.shape[1], features.shape[2], basis.uses.count)
        let cells = basis.strongestCells(activations)
        let visible = places?.visibleParts ?? 0
        func box(_ make: (Int, Int, Int, Int) -> GridBox, _ channel: Int) -> UInt32 {
            places?.parts(in: make(cells[channel] / width, cells[channel] % width, width, height)) ?? 0
        }
        func patch(_ row: Int, _ column: Int, _ width: Int, _ height: Int) -> GridBox {
            PartPurity.patch(row: row, column: column, width: width, height: height)
        }
        func wide(_ row: Int, _ column: Int, _ width: Int, _ height: Int) -> GridBox {
            PartPurity.box(row: row, column: column, width: width, height: height)
        }
        // The vectors' lengths once.
        let norms = (0..<height * width).map { cell in
            activations[cell * channels..<(cell + 1) * channels]
                .reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
        let byMaximum = (0..<channels).map { channel in
            let value = activations[cells[channel] * channels + channel]
            // Nor does an image stand for a channel that does not count in it.
            return ChannelImage(
                strength: counts.map { $0[channel] ? value : 0 } ?? value, sample: sample,
                purity: Float(ChannelPurity.purity(of: Double(value), norm: norms[cells[channel]])),
                parts: box(patch, channel), visible: visible)
        }
        var sums = [Float](repeating: 0, count: channels)
        for cell in 0..<height * width {
            for channel in 0..<channels { sums[channel] += activations[cell * channels + channel] }
        }
        let own = basis.hasClasses && visible != 0 ? basis.used.filter { basis.uses[$0].label == label } : []
        var scores: [(score: Float, maximum: Float, parts: UInt32)]?
        if scoredSamples.contains(sample) {
            scores = basis.detectors.map { channel in
                if let counts, !counts[channel] { return (0, 0, byMaximum[channel].parts) }
                var least = Float.infinity
                for cell in 0..<height * width { least = min(least, activations[cell * channels + channel]) }
                let maximum = byMaximum[channel].strength
                return (
                    max(0, maximum) + min(0, least), counts == nil ? maximum : max(0, maximum),
                    byMaximum[channel].parts
                )
            }
        }
        var maps: [Float]?
        if mapSamples.contains(sample) {
            let chosen = mapChannels
            maps = (0..<height * width).flatMap { cell in chosen.map { activations[cell * channels + $0] } }
        }
        return Part(
            sample: sample, label: label, variants: variants, visible: visible, byMaximum: byMaximum, sums: sums,
            consistent: own.map { ($0, box(wide, $0)) }, scores: scores, maps: maps)
    }
}

/// What the images so far have added.
struct ChannelTotals {
    let measurements: ChannelMeasurements
    private(set) var byMaximum: [ChannelImages]
    private(set) var bySum: [ChannelImages]
    /// [D, parts] each: images of the channel's class where the part is in its box, and where it is visible.
    private(set) var hits: [Int64]
    private(set) var visible: [Int64]
    private(set) var imageCount = 0
    private(set) var scored: [ScoredImage] = []
    private(set) var maps: [(sample: Int, values: [Float])] = []

    struct ScoredImage {
        let sample: Int
        let label: Int
        let visible: UInt32
        let variants: [Int]
        let scores: [Float]
        let maxima: [Float]
        let parts: [UInt32]
    }

    init(_ measurements: ChannelMeasurements) {
        self.measurements = measurements
        let channels = measurements.basis.uses.count
        byMaximum = Array(repeating: ChannelImages(capacity: ScorecardOptions.purityImageCount), count: channels)
        bySum = Array(repeating: ChannelImages(capacity: ScorecardOptions.epicImageCount), count: channels)
        hits = Array(repeating: 0, count: channels * measurements.partCount)
        visible = hits
    }

    mutating func add(_ part: ChannelMeasurements.Part) {
        imageCount += 1
        for (channel, image) in part.byMaximum.enumerated() {
            // An image that does not excite a channel does not stand for it.
            if image.strength > 0 { byMaximum[channel].offer(image) }
            bySum[channel].offer(
                ChannelImage(
                    strength: part.sums[channel], sample: image.sample, purity: image.purity, parts: image.parts,
                    visible: image.visible))
        }
        let partCount = measurements.partCount
        for (channel, parts) in part.consistent {
            for index in 0..<partCount where part.visible >> UInt32(index) & 1 == 1 {
                visible[channel * partCount + index] += 1
                if parts >> UInt32(index) & 1 == 1 { hits[channel * partCount + index] += 1 }
            }
        }
        if let scores = part.scores {
            scored.append(
                ScoredImage(
                    sample: part.sample, label: part.label, visible: part.visible, variants: part.variants ?? [],
                    scores: scores.map(\.score), maxima: scores.map(\.maximum), parts: scores.map(\.parts)))
        }
        if let values = part.maps { maps.append((part.sample, values)) }
    }

    /// The totals of all ranks, at rank 0; nil elsewhere. Collective.
    func gathered(on communicator: any Communicator) throws -> ChannelTotals? {
        var counts = hits + visible + [Int64(imageCount)]
        try communicator.sum(&counts)
        let subject = "channels' strongest images"
        var result = ChannelTotals(measurements)
        // Each rank's lists are read into the result as they come: the order of merging does not change a list.
        _ = try communicator.gatherMessages((byMaximum + bySum).flatMap(\.words), to: 0, of: subject) { reader in
            for channel in result.byMaximum.indices { try result.byMaximum[channel].merge(readingFrom: &reader) }
            for channel in result.bySum.indices { try result.bySum[channel].merge(readingFrom: &reader) }
        }
        let images = try communicator.gatherMessages(scored.flatMap(\.words), to: 0, of: "channels' scores") { reader in
            var images: [ScoredImage] = []
            while !reader.isAtEnd { images.append(try ScoredImage(readingFrom: &reader)) }
            return images
        }
        let maps = try communicator.gatherMessages(
            maps.flatMap { [UInt32($0.sample), UInt32($0.values.count)] + $0.values.map(\.bitPattern) }, to: 0,
            of: "channels' maps"
        ) { reader in
            var maps: [(sample: Int, values: [Float])] = []
            while !reader.isAtEnd {
                let sample = Int(try reader.next())
                let count = Int(try reader.next())
                maps.append((sample, try reader.next(count: count).map { Float(bitPattern: $0) }))
            }
            return maps
        }
        guard communicator.rank == 0 else { return nil }
        result.hits = Array(counts[..<hits.count])
        result.visible = Array(counts[hits.count..<2 * hits.count])
        result.imageCount = Int(counts[2 * hits.count])
        result.scored = images.flatMap { $0 }.sorted { $0.sample < $1.sample }
        result.maps = maps.flatMap { $0 }.sorted { $0.sample < $1.sample }
        return result
    }
}

extension ChannelTotals.ScoredImage {
    var words: [UInt32] {
        [UInt32(sample), UInt32(label), visible, UInt32(variants.count)] + variants.map { UInt32($0) }
            + [UInt32(scores.count)] + scores.map(\.bitPattern) + maxima.map(\.bitPattern) + parts
    }

    init(readingFrom reader: inout WordReader) throws {
        sample = Int(try reader.next())
        label = Int(try reader.next())
        visible = try reader.next()
        variants = try reader.next(count: Int(try reader.next())).map { Int($0) }
        let count = Int(try reader.next())
        scores = try reader.next(count: count).map { Float(bitPattern: $0) }
        maxima = try reader.next(count: count).map { Float(bitPattern: $0) }
        parts = try reader.next(count: count)
    }
}
