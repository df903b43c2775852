import Attribution
import Backbones
import DisentangledHead
import ExplanationMetrics
import ImageCoding
import Inference
import Results
import Tensors

/// What is measured on one image by disturbing it away from where a channel, or the object, is.
struct MisalignmentMeasurements: Sendable {
    typealias Key = ScorecardFigure.Key

    /// What is left as it is.
    private enum Kept: String, CaseIterable, Sendable {
        /// The boxes of the image's objects.
        case object = "outside-object"
        /// The benchmark's own: the box around where the channel is strongest, and a margin.
        case activation = "outside-activation"
    }

    /// Which channel stands for the explanation.
    private enum Choice: String, CaseIterable, Sendable {
        /// The one with the largest activation (the benchmark's `top_proto`).
        case activation = "highest-activation"
        /// The one that contributes most to the class that is predicted.
        case contribution = "largest-contribution"
    }

    let ways: Ways
    let experiment: Experiment
    /// The head's channels, and the backbone's own if a black box gives them classes.
    private let bases: [ChannelBasis]
    private let greyPixel: [Float]

    private static let alone = WorkerTeam(workerCount: 1)

    init(_ ways: Ways, _ experiment: Experiment) {
        self.ways = ways
        self.experiment = experiment
        bases = ChannelBases(ways).bases.filter(\.hasClasses)
        let side = experiment.input.crop
        let grey = PixelImage(width: side, height: side, red: 128, green: 128, blue: 128)
        greyPixel = Array(experiment.input.normalised(grey)[..<3])
    }

    /// Passes that an image takes with `basisCount` bases.
    static func passCount(basisCount: Int) -> Int { Disturbance.allCases.count + basisCount }

    private static func model(of basis: Int) -> ExplainedModel { basis == 0 ? .head : .blackBox }

    /// How a channel is chosen, and what is disturbed for it, in the order of the values.
    private static let cases: [(choice: Choice, kept: Kept, disturbance: Disturbance)] =
        Choice.allCases.flatMap { choice in Disturbance.allCases.map { (choice, .object, $0) } }
        + [(.activation, .activation, .noise)]

    var columns: [Column] {
        bases.indices.flatMap { basis -> [Column] in
            func key(_ metric: String, _ formula: String, _ disturbance: Disturbance) -> Key {
                Key(
                    "misalignment", metric, formula, way: bases[basis].name, model: Self.model(of: basis).rawValue,
                    fill: disturbance.rawValue, better: .lower)
            }
            return
                (Self.cases.flatMap { choice, kept, disturbance in
                    [
                        ("location-change", SpatialMisalignment.locationFormula),
                        ("activation-change", SpatialMisalignment.activationFormula),
                        ("ranking-change", SpatialMisalignment.rankingFormula),
                    ].map { key($0, "\($1):\(choice.rawValue):\(kept.rawValue)", disturbance) }
                }
                + Disturbance.allCases.map {
                    key(
                        "accuracy-change", "\(SpatialMisalignment.accuracyFormula):\(Kept.object.rawValue)", $0)
                } + [
                    key(
                        "accuracy-change", "\(SpatialMisalignment.accuracyFormula):\(Kept.activation.rawValue)", .noise)
                ])
                .map { Column(key: $0, reduction: .mean) }
        }
    }

    // MARK: - One image

    /// What a basis makes of an image.
    private struct State {
        /// J [P, D].
        let activations: [Float]
        /// Largest activation of each channel, not below 0.
        let maxima: [Float]
        let isRight: Bool
    }

    /// - Parameters:
    ///   - features: of the image itself, [1, H, W, D].
    ///   - pixels: what the network sees of it, normalised [S, S, 3].
    func values(
        sample: Int, label: Int, features: Tensor, pixels: [Float], places: ImagePlaces?, passes: Passes
    ) throws -> [Float] {
        let size = SpatialSize(height: features.shape[1], width: features.shape[2])
        let before = try bases.indices.map { try state($0, features, label) }
        let chosen = try bases.indices.map { basis in
            try Choice.allCases.map { try channel(by: $0, basis, features, before[basis]) }
        }
        let disturbed = Disturbance.allCases.map {
            $0(pixels, sample: sample, seed: ways.seed, greyPixel: greyPixel)
        }
        let noise = disturbed[Disturbance.allCases.firstIndex(of: .noise)!]
        // First those that leave the objects alone, then one for each basis.
        let objects = places.map(\.objects) ?? []
        var images: [[Float]] = []
        if !objects.isEmpty {
            let isKept = inside(objects)
            images = disturbed.map { Disturbance.image(pixels, keeping: isKept, disturbed: $0) }
        }
        let objectCount = images.count
        var ownImage = [Int?](repeating: nil, count: bases.count)
        for basis in bases.indices {
            guard let channel = chosen[basis][0],
                let isKept = place(of: channel, before[basis], size)
            else { continue }
            ownImage[basis] = images.count
            images.append(Disturbance.image(pixels, keeping: isKept, disturbed: noise))
        }
        let changed = passes.features(of: images)
        return try bases.indices.flatMap { basis -> [Float] in
            let aside = try changed[..<objectCount].map { try state(basis, $0, label) }
            let own = try ownImage[basis].map { try state(basis, changed[$0], label) }
            func after(_ kept: Kept, _ disturbance: Disturbance) -> State? {
                switch kept {
                case .activation: own
                case .object:
                    aside.isEmpty ? nil : aside[Disturbance.allCases.firstIndex(of: disturbance)!]
                }
            }
            var values: [Float] = []
            for (choice, kept, disturbance) in Self.cases {
                let channel = chosen[basis][Choice.allCases.firstIndex(of: choice)!]
                guard let channel, let after = after(kept, disturbance) else {
                    values += [.nan, .nan, .nan]
                    continue
                }
                values += changes(of: channel, bases[basis], label, before[basis], after, size)
            }
            func loss(_ after: State?) -> Float {
                after.map { 100 * ((before[basis].isRight ? 1 : 0) - ($0.isRight ? 1 : 0)) } ?? .nan
            }
            return values + Disturbance.allCases.map { loss(after(.object, $0)) } + [loss(own)]
        }
    }

    private func state(_ basis: Int, _ features: Tensor, _ label: Int) throws -> State {
        let activations = try bases[basis].activations(features)
        let cells = bases[basis].strongestCells(activations)
        let width = cells.count
        let logits = try ways.logits(of: features)[basis][0]
        return State(
            activations: activations,
            maxima: cells.indices.map { max(0, activations[cells[$0] * width + $0]) },
            isRight: Ranking.first(of: logits.map { Float($0) }[...]) == label)
    }

    /// Nil where no channel counts for anything. The lower of equal ones.
    private func channel(
        by choice: Choice, _ basis: Int, _ features: Tensor, _ state: State
    ) throws -> Int? {
        let counts = try bases[basis].counting(features)
        let used = bases[basis].used.filter { counts?[$0] ?? true }
        let strengths: [Float]
        switch choice {
        case .activation: strengths = used.map { state.maxima[$0] }
        case .contribution:
            let logits = try ways.logits(of: features)[basis][0].map { Float($0) }
            let predicted = Ranking.first(of: logits[...]) ?? 0
            if basis == 0 {
                let pooled = try ways.head.pooledActivations(features, team: Self.alone)
                strengths = used.map { ways.head.contribution(of: $0, to: predicted, pooled: pooled) }
            } else {
                // The mean times the weight; behind a normalisation, without what that takes away.
                let weights = ways.blackBox!.classifier
                let (cells, width) = (features.shape[1] * features.shape[2], features.shape[3])
                strengths = used.map { channel in
                    let sum = (0..<cells).reduce(0.0) { $0 + Double(features.values[$1 * width + channel]) }
                    return weights.weight(of: channel, for: predicted) * Float(sum / Double(cells))
                }
            }
        }
        guard let best = Ranking.first(of: strengths[...]), strengths[best] > 0, state.maxima[used[best]] > 0
        else { return nil }
        return used[best]
    }

    /// PLC, PAC and PRC.
    private func changes(
        of channel: Int, _ basis: ChannelBasis, _ label: Int, _ before: State, _ after: State, _ size: SpatialSize
    ) -> [Float] {
        let others = basis.used.filter { basis.uses[$0].label != label && $0 != channel }
        return [
            Float(
                SpatialMisalignment.locationChange(
                    before: map(of: channel, before, size, .bilinear),
                    after: map(of: channel, after, size, .bilinear))),
            SpatialMisalignment.activationChange(before: before.maxima[channel], after: after.maxima[channel])
                .map { Float($0) } ?? .nan,
            Float(
                SpatialMisalignment.rankingChange(
                    of: channel, among: others, before: before.maxima, after: after.maxima)),
        ]
    }

    // MARK: - Places

    /// The channel's activations, cut off below 0, at each pixel.
    private func map(
        of channel: Int, _ state: State, _ size: SpatialSize, _ interpolation: Interpolation
    ) -> [Float] {
        let width = state.maxima.count
        let side = experiment.input.crop
        return HeatMap(
            width: size.width, height: size.height,
            values: (0..<size.area).map { max(0, state.activations[$0 * width + channel]) }
        ).upsampled(width: side, height: side, interpolation: interpolation).values
    }

    /// The pixels whose centres are in one of the boxes.
    private func inside(_ boxes: [GridBox]) -> [Bool] {
        let side = experiment.input.crop
        func centre(_ index: Int) -> Double { (Double(index) + 0.5) / Double(side) }
        return (0..<side * side).map { pixel in
            boxes.contains { $0.contains(x: centre(pixel % side), y: centre(pixel / side)) }
        }
    }

    /// The pixels in the box around where a channel is strongest.
    private func place(of channel: Int, _ state: State, _ size: SpatialSize) -> [Bool]? {
        let side = experiment.input.crop
        let margin = Int((SpatialMisalignment.boxMargin * Double(side)).rounded())
        return PixelBox(
            around: SpatialMisalignment.boxShare, of: map(of: channel, state, size, .bicubic), side: side
        )?.widened(by: margin, side: side).mask(side: side)
    }
}
