import Attribution
import DisentangledHead
import ExplanationMetrics
import Inference
import Tensors

/// The channels that are compared: the head's, after U, and the backbone's own, before it.
struct ChannelBases: Sendable {
    let bases: [ChannelBasis]

    init(_ ways: Ways) {
        let head = ways.head
        func weights(_ channel: Int) -> [Float] {
            (0..<head.classCount).map { label in
                let (positive, negative) = (
                    head.positiveWeight(of: channel, for: label), head.negativeWeight(of: channel, for: label)
                )
                return max(positive, negative)
            }
        }
        let own = ChannelBasis(
            name: "head", head: head, uses: (0..<head.channelCount).map { ChannelBasis.Use(weights($0)) })
        let before = ways.blackBox.map { blackBox in
            (0..<head.channelCount).map { channel in
                ChannelBasis.Use(
                    (0..<blackBox.classifier.classCount).map { blackBox.classifier.weight(of: channel, for: $0) })
            }
        }
        bases = [
            own,
            ChannelBasis(
                name: "backbone", head: nil,
                uses: before ?? Array(repeating: ChannelBasis.Use([1]), count: head.channelCount),
                hasClasses: before != nil),
        ]
    }
}

/// Channels of one kind, and what classes make of them.
struct ChannelBasis: Sendable {
    /// How a classifier uses a channel.
    struct Use: Sendable {
        /// The class with the largest weight.
        let label: Int
        let largest: Float
        /// Sum of the positive weights.
        let total: Double

        init(_ weights: [Float]) {
            label = Ranking.first(of: weights[...]) ?? 0
            largest = weights.isEmpty ? 0 : weights[label]
            total = weights.reduce(0) { $0 + Double(max(0, $1)) }
        }
    }

    let name: String
    /// Nil for the backbone's own channels.
    private let head: Head?
    let uses: [Use]
    /// Whether the weights are those of classes.
    let hasClasses: Bool
    /// The channels that some class uses (PIP-Net: a weight above 1e-5), and those of them that are used most, at most
    /// `ScorecardOptions.detectorLimit`; both in order of their numbers.
    let used: [Int]
    let detectors: [Int]

    private static let alone = WorkerTeam(workerCount: 1)

    init(name: String, head: Head?, uses: [Use], hasClasses: Bool = true) {
        self.name = name
        self.head = head
        self.uses = uses
        self.hasClasses = hasClasses
        used = uses.indices.filter { uses[$0].largest > ScorecardOptions.usedWeight }
        detectors = used.sorted { (uses[$0].total, $1) > (uses[$1].total, $0) }
            .prefix(ScorecardOptions.detectorLimit).sorted()
    }

    /// J [P, D] of the features of one image.
    func activations(_ features: Tensor) throws -> [Float] {
        try head?.activations(features, team: Self.alone).values ?? features.values
    }

    /// Whether each channel counts in an image (`Head.channelsPerImage`): the others do not move a logit. Nil if all do.
    func counting(_ features: Tensor) throws -> [Bool]? {
        guard let head, head.channelsPerImage != nil else { return nil }
        let pooled = try head.pooledActivations(features, team: Self.alone)
        return uses.indices.map { pooled.maxima[$0] != 0 || pooled.minima[$0] != 0 }
    }

    /// Of each channel the cell of its maximum; the first if there are several.
    func strongestCells(_ activations: [Float]) -> [Int] {
        let width = uses.count
        var cells = [Int](repeating: 0, count: width)
        for start in stride(from: width, to: activations.count, by: width) {
            for channel in 0..<width
            where activations[start + channel] > activations[cells[channel] * width + channel] {
                cells[channel] = start / width
            }
        }
        return cells
    }

    /// Of the channels whose class is `label`, the share whose box holds the same parts in both; nil if there is no such channel
    /// or no part is visible.
    func stability(_ features: Tensor, _ noisy: Tensor, label: Int, places: ImagePlaces) throws -> Double? {
        let channels = used.filter { uses[$0].label == label }
        guard hasClasses, !channels.isEmpty, places.visibleParts != 0 else { return nil }
        let (height, width) = (features.shape[1], features.shape[2])
        let cells = [
            try strongestCells(activations(features)), try strongestCells(activations(noisy)),
        ]
        let same = channels.count { channel in
            let parts = cells.map { cells in
                places.parts(
                    in: PartPurity.box(
                        row: cells[channel] / width, column: cells[channel] % width, width: width, height: height))
            }
            return parts[0] == parts[1]
        }
        return Double(same) / Double(channels.count)
    }
}
