import Attribution
import DisentangledHead
import ExplanationMetrics
import ImageCoding
import Inference
import Results
import Tensors

/// What is measured on one image with its features alone: sizes, budgets, localisation, sanity, completeness.
struct MapMeasurements: Sendable {
    typealias Key = ScorecardFigure.Key

    let ways: Ways
    let groups: Set<MetricGroup>

    private static let alone = WorkerTeam(workerCount: 1)

    /// What the models make of the image.
    private struct Image {
        let sample: Int
        let label: Int
        let features: Tensor
        let activations: [Float]
        let pooled: PooledActivations
        let logits: [Float]
        let predicted: Int
        let runnerUp: Int
        /// Of the feature map, and what the black box makes of it.
        let mean: [Double]
        let blackBoxLogits: [Double]?
    }

    /// - Parameter features: [1, H, W, D].
    func row(
        sample: Int, label: Int, features: Tensor, places: ImagePlaces?, namingColumns: Bool
    ) throws -> (row: ImageRow, columns: [Column]?) {
        let forward = try ways.head.forward(features, team: Self.alone)
        let logits = Array(forward.logits(ofImage: 0))
        let first = Ranking.top(2, of: logits[...])
        let mean = mean(of: Array(0..<features.shape[1] * features.shape[2]), features)
        let image = Image(
            sample: sample, label: label, features: features,
            activations: try ways.head.activations(features, team: Self.alone).values, pooled: forward.pooled,
            logits: logits, predicted: first[0], runnerUp: first.last!, mean: mean,
            blackBoxLogits: ways.blackBox?.logits(ofMean: mean))
        var recorder = RowRecorder(namingColumns: namingColumns)
        recordChannels(image, &recorder)
        var kept = KeptCells()
        for way in ways.ways {
            let maps = try way.method.maps(
                of: features, sample: sample, for: [image.predicted, image.runnerUp], team: Self.alone)
            if groups.contains(.completeness), way.method.isAdditive { recordResidual(maps[0], way, image, &recorder) }
            if groups.contains(.sizes) { recordSizes(maps[0], way.name, &recorder) }
            if groups.contains(.sanity) {
                let shuffled = try way.shuffled.map(
                    of: features, sample: sample, for: image.predicted, team: Self.alone)
                recorder.add(
                    Correlation.spearman(maps[0].values, shuffled.values),
                    Key("sanity", "likeness-to-shuffled-model", Shuffling.formula, way: way.name, better: .lower))
                recorder.add(
                    MapContrast.value(maps[0].values, maps[1].values),
                    Key("sanity", "contrast-of-classes", MapContrast.formula, way: way.name, better: .higher))
            }
            if groups.contains(.budget) { kept.append(ways.order(of: maps[0], sample: sample)) }
            if groups.contains(.localisation) { record(maps[0], at: places, way.name, &recorder) }
        }
        if groups.contains(.budget) { try recordBudgets(kept, image, &recorder) }
        return (ImageRow(sample: sample, values: recorder.values), recorder.columns)
    }

    // MARK: - Maps

    private func recordResidual(_ map: PlaceMap, _ way: Ways.Way, _ image: Image, _ recorder: inout RowRecorder) {
        let (offset, logit): (Float, Float) =
            switch way.method.explainedModel {
            case .blackBox:
                (
                    ways.blackBox?.classifier.offset(of: image.predicted) ?? 0,
                    Float(image.blackBoxLogits?[image.predicted] ?? 0)
                )
            case .head, nil: (ways.head.classifier.offset(of: image.predicted), image.logits[image.predicted])
            }
        let parts = map.values + [offset]
        recorder.add(
            Completeness.residual(sum: parts.reduce(0) { $0 + Double($1) }, contributions: parts, logit: logit),
            Key(
                "completeness", "residual", Completeness.formula, way: way.name,
                model: way.method.explainedModel?.rawValue, better: .lower))
    }

    private func recordSizes(_ map: PlaceMap, _ way: String, _ recorder: inout RowRecorder) {
        let values = map.values
        recordCounts(of: "cells", values, way, &recorder)
        recorder.add(
            values.contains { $0 > 0 }
                ? EvidenceShare.share(of: values, first: ScorecardOptions.topCellCount) : nil,
            Key(
                "sizes", "share-of-first-cells", EvidenceShare.formula, way: way, k: ScorecardOptions.topCellCount,
                better: .higher))
        recorder.add(
            Sparsity.gini(of: values), Key("sizes", "sparsity", Sparsity.giniFormula, way: way, better: .higher))
    }

    // MARK: - Places

    private func record(_ map: PlaceMap, at places: ImagePlaces?, _ way: String, _ recorder: inout RowRecorder) {
        let width = map.size.width
        func add(_ boxes: [GridBox], _ pointing: String, _ energy: String) {
            let hit = boxes.isEmpty ? nil : Localisation.pointing(map.values, width: width, at: boxes)
            for (reduction, mean) in [(Reduction.mean, "images"), (.classMean, "classes")] {
                recorder.add(
                    hit, reduction,
                    Key("localisation", pointing, "\(Localisation.pointingFormula):\(mean)", way: way, better: .higher))
            }
            let coverage =
                boxes.isEmpty
                ? nil : Localisation.coverage(of: boxes, width: width, height: map.size.height)
            recorder.add(
                coverage.flatMap { Localisation.energy(map.values, inside: $0) },
                Key("localisation", energy, Localisation.energyFormula, way: way, better: .higher))
        }
        let objects = places?.objects ?? []
        add(objects, "pointing-at-object", "energy-in-object")
        add(places?.partBoxes ?? [], "pointing-at-parts", "energy-in-parts")
        let scale = BoxFromMap.upsampling
        let fine =
            objects.isEmpty
            ? nil
            : HeatMap(width: width, height: map.size.height, values: map.values.map { max(0, $0) })
                .upsampled(width: width * scale, height: map.size.height * scale)
        let overlaps = BoxFromMap.thresholds.map { threshold -> Double? in
            guard let fine else { return nil }
            let box = BoxFromMap.box(of: fine.values, width: fine.width, threshold: threshold)
            return objects.map { box?.overlap(with: $0) ?? 0 }.max()
        }
        for index in [3, 9] {
            recorder.add(
                overlaps[index],
                Key(
                    "localisation", "overlap-with-object", BoxFromMap.overlapFormula, way: way,
                    threshold: BoxFromMap.thresholds[index], better: .higher))
        }
        for overlap in overlaps {
            recorder.add(
                overlap, .boxAccuracy,
                Key("localisation", "box-accuracy", BoxFromMap.accuracyFormula, way: way, better: .higher))
        }
    }

    // MARK: - Channels

    private func recordChannels(_ image: Image, _ recorder: inout RowRecorder) {
        let head = ways.head
        let contributions = (0..<head.channelCount).map {
            head.contribution(of: $0, to: image.predicted, pooled: image.pooled)
        }
        if groups.contains(.completeness) {
            let parts = contributions + [head.classifier.offset(of: image.predicted)]
            recorder.add(
                Completeness.residual(
                    sum: parts.reduce(0) { $0 + Double($1) }, contributions: parts, logit: image.logits[image.predicted]
                ),
                Key("completeness", "residual", Completeness.formula, way: "head", model: "head", better: .lower))
        }
        let blackBox = ways.blackBox.map { blackBox in
            zip(blackBox.classifier.weights(of: image.predicted), image.mean).map { $0 * Float($1) }
        }
        if groups.contains(.sizes) {
            for (way, values, scores) in [
                ("head", contributions, (0..<head.channelCount).map { image.pooled.positiveActivation(of: $0) }),
                ("backbone", blackBox, image.mean.map { Float($0) }),
            ] {
                guard let values else { continue }
                recordChannelSizes(values, scores, way, &recorder)
            }
            recorder.add(
                flipCount(contributions, image).map(Double.init),
                Key("sizes", "channels", ExplanationSize.flipFormula, way: "head", better: .lower))
        }
    }

    /// How many cells, or channels, an explanation takes, by the definitions that both have.
    private func recordCounts(
        of things: String, _ values: [Float], _ way: String, _ recorder: inout RowRecorder
    ) {
        recorder.add(
            Double(EvidenceSize.cover(of: values)),
            Key(
                "sizes", things, EvidenceSize.coverFormula, way: way, threshold: EvidenceSize.coveredShare,
                better: .lower))
        recorder.add(
            EvidenceSize.effectiveNumber(of: values),
            Key("sizes", things, EvidenceSize.effectiveFormula, way: way, better: .lower))
        recorder.add(
            Double(ExplanationSize.count(of: values)),
            Key(
                "sizes", things, ExplanationSize.shareFormula, way: way,
                threshold: Double(String(ExplanationSize.sideShare)), better: .lower))
    }

    private func recordChannelSizes(
        _ values: [Float], _ scores: [Float], _ way: String, _ recorder: inout RowRecorder
    ) {
        recordCounts(of: "channels", values, way, &recorder)
        recorder.add(
            Double(ExplanationSize.count(of: values, above: Sparsity.absoluteThreshold)),
            Key(
                "sizes", "channels", ExplanationSize.absoluteFormula, way: way,
                threshold: Double(String(Sparsity.absoluteThreshold)), better: .lower))
        recorder.add(
            Double(ExplanationSize.count(of: scores, atLeast: ExplanationSize.activationShare)),
            Key(
                "sizes", "channels", ExplanationSize.activationFormula, way: way,
                threshold: Double(String(ExplanationSize.activationShare)), better: .lower))
        recorder.add(
            Sparsity.gini(of: values), Key("sizes", "channel-sparsity", Sparsity.giniFormula, way: way, better: .higher)
        )
    }

    /// The channels that have to go, the largest positive contribution first, before another class is predicted; nil if none is.
    private func flipCount(_ contributions: [Float], _ image: Image) -> Int? {
        let head = ways.head
        var logits = image.logits.map(Double.init)
        for (index, channel) in Ranking.order(of: contributions).enumerated() {
            guard contributions[channel] > 0 else { return nil }
            for label in logits.indices {
                logits[label] -= Double(head.contribution(of: channel, to: label, pooled: image.pooled))
            }
            let best = logits.indices.max { logits[$0] < logits[$1] || (logits[$0] == logits[$1] && $0 > $1) }
            if best != image.predicted { return index + 1 }
        }
        return nil
    }

    // MARK: - Budgets

    /// The cells that are kept, way by way and budget by budget.
    private struct KeptCells {
        var sets: [[Int]] = []

        mutating func append(_ order: [Int]) {
            for budget in ScorecardOptions.budgets { sets.append(Array(order.prefix(budget)).sorted()) }
        }
    }

    private func recordBudgets(_ kept: KeptCells, _ image: Image, _ recorder: inout RowRecorder) throws {
        let head = ways.head
        let pooled = try kept.sets.flatMap { try pooledValues(of: $0, image) }
        let logits = try head.classifier.logits(ofPooled: pooled, imageCount: kept.sets.count, team: Self.alone)
        let (classes, budgets) = (head.classCount, ScorecardOptions.budgets)
        func isRight(_ logits: [Float]) -> Double { Ranking.first(of: logits[...]) == image.label ? 1 : 0 }
        for (index, way) in ways.ways.enumerated() {
            for (place, budget) in budgets.enumerated() {
                let set = index * budgets.count + place
                recorder.add(
                    isRight(Array(logits[set * classes..<(set + 1) * classes])),
                    Key(
                        "budget", "accuracy-of-cells", "kept-cells:pooled-anew", way: way.name, model: "head",
                        k: budget,
                        better: .higher))
                guard let blackBox = ways.blackBox else { continue }
                recorder.add(
                    isRight(blackBox.logits(ofMean: mean(of: kept.sets[set], image.features)).map { Float($0) }),
                    Key(
                        "budget", "accuracy-of-cells", "kept-cells:pooled-anew", way: way.name, model: "black_box",
                        k: budget, better: .higher))
            }
        }
        try recordChannelBudgets(image, &recorder, isRight)
    }

    /// Channels by their contributions to the predicted class, whichever their sign; the others are taken to be silent.
    private func recordChannelBudgets(
        _ image: Image, _ recorder: inout RowRecorder, _ isRight: ([Float]) -> Double
    ) throws {
        let head = ways.head
        func key(_ way: String, _ model: String, _ budget: Int) -> Key {
            Key(
                "budget", "accuracy-of-channels", "kept-channels:silent-others", way: way, model: model, k: budget,
                better: .higher)
        }
        let most = ScorecardOptions.budgets.max()!
        let sizes = (0..<head.channelCount).map {
            abs(head.contribution(of: $0, to: image.predicted, pooled: image.pooled))
        }
        var logits = (0..<head.classCount).map { Double(head.classifier.offset(of: $0)) }
        for (index, channel) in Ranking.top(most, of: sizes[...]).enumerated() {
            for label in logits.indices {
                logits[label] += Double(head.contribution(of: channel, to: label, pooled: image.pooled))
            }
            if ScorecardOptions.budgets.contains(index + 1) {
                recorder.add(isRight(logits.map { Float($0) }), key("head", "head", index + 1))
            }
        }
        guard let blackBox = ways.blackBox, blackBox.normalisationEpsilon == nil else { return }
        let classifier = blackBox.classifier
        let weights = classifier.weights(of: image.predicted)
        let other = zip(weights, image.mean).map { abs($0 * Float($1)) }
        logits = (0..<classifier.classCount).map { Double(classifier.offset(of: $0)) }
        for (index, channel) in Ranking.top(most, of: other[...]).enumerated() {
            for label in logits.indices {
                logits[label] += Double(classifier.weight(of: channel, for: label)) * image.mean[channel]
            }
            if ScorecardOptions.budgets.contains(index + 1) {
                recorder.add(isRight(logits.map { Float($0) }), key("backbone", "black_box", index + 1))
            }
        }
    }

    /// What the head's pooling gives of some cells alone.
    private func pooledValues(of cells: [Int], _ image: Image) throws -> [Float] {
        if ways.head.channelsPerImage != nil || ways.head.reading != .extrema {
            // Which channels count depends on all of them; and means are of the cells that are there.
            let width = image.features.shape[3]
            let features = Tensor(
                shape: [1, cells.count, width],
                values: cells.flatMap { image.features.values[$0 * width..<($0 + 1) * width] })
            return try ways.head.pooledActivations(features, team: Self.alone).values
        }
        let activations = image.activations
        let width = ways.head.channelCount
        var maxima = [Float](repeating: 0, count: width)
        var minima = maxima
        for cell in cells {
            for channel in 0..<width {
                let value = activations[cell * width + channel]
                maxima[channel] = max(maxima[channel], value)
                minima[channel] = min(minima[channel], value)
            }
        }
        return switch ways.head.sides {
        case .tied: zip(maxima, minima).map { $0 + $1 }
        case .untied: maxima + minima
        case .positive: maxima
        }
    }

    private func mean(of cells: [Int], _ features: Tensor) -> [Double] {
        let width = features.shape[3]
        var sums = [Double](repeating: 0, count: width)
        for cell in cells {
            for channel in 0..<width { sums[channel] += Double(features.values[cell * width + channel]) }
        }
        return sums.map { $0 / Double(cells.count) }
    }
}
