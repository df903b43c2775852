import ExplanationMetrics
import Results
import Tensors

extension ChannelTotals {
    typealias Key = ScorecardFigure.Key

    /// The figures of the asked groups, and the figures there are no numbers for.
    func figures(
        _ groups: Set<MetricGroup>, classCount: Int, team: WorkerTeam
    ) throws -> (figures: [ScorecardFigure], missing: [UnmeasuredMetric]) {
        var figures: [ScorecardFigure] = []
        var missing: [UnmeasuredMetric] = []
        func add(
            _ key: Key, _ value: Double?, _ error: Double?, _ count: Int, _ channels: Int, _ reason: String
        ) {
            if let value {
                figures.append(
                    ScorecardFigure(
                        key: key, value: value, standardError: error, imageCount: count, channelCount: channels))
            } else {
                missing.append(UnmeasuredMetric(metric: "\(key.metric) of \(key.way) (\(key.formula))", reason: reason))
            }
        }
        let basis = measurements.basis
        let way = basis.name
        if groups.contains(.disentanglement) {
            for (lists, formula) in [
                (byMaximum, ChannelPurity.maximumFormula), (bySum, ChannelPurity.sumFormula),
            ] {
                let purities = basis.used.compactMap { channel -> Double? in
                    let images = lists[channel].entries.prefix(ScorecardOptions.epicImageCount)
                    return images.isEmpty
                        ? nil : images.reduce(0.0) { $0 + Double($1.purity) } / Double(images.count)
                }
                let summary = purities.isEmpty ? nil : Summary.mean(purities)
                add(
                    Key(
                        "disentanglement", "purity", formula, way: way, k: ScorecardOptions.epicImageCount,
                        better: .higher),
                    summary?.value, summary?.error, imageCount, purities.count, "no channel is used")
            }
            try addScores(classCount: classCount, team: team, add)
            try addMaps(team: team, add)
        }
        if groups.contains(.localisation), measurements.partCount > 0 { try addParts(team: team, add) }
        return (figures, missing)
    }

    private typealias Adder = (Key, Double?, Double?, Int, Int, String) -> Void

    private func addScores(classCount: Int, team: WorkerTeam, _ add: Adder) throws {
        let basis = measurements.basis
        let columns = basis.detectors.indices.map { index in scored.map { Double($0.scores[index]) } }
        let few = "fewer than two channels that vary are used"
        func key(_ metric: String, _ formula: String, _ better: Key.Direction) -> Key {
            Key("disentanglement", metric, formula, way: basis.name, better: better)
        }
        add(
            key("correlation-of-scores", Correlation.meanFormula, .lower), Correlation.meanMagnitude(columns: columns),
            nil, scored.count, columns.count, few)
        add(
            key("class-independence", ClassIndependence.formula, .higher),
            ClassIndependence.value(columns: columns, labels: scored.map(\.label), classCount: classCount), nil,
            scored.count, columns.count, few)
        let contrasts = try team.map(columns.count) { _, index in Contrastiveness.value(of: columns[index]) }
            .compactMap { $0 }
        let summary = contrasts.isEmpty ? nil : Summary.mean(contrasts)
        add(
            key("contrastiveness", Contrastiveness.formula, .higher), summary?.value, summary?.error, scored.count,
            contrasts.count, few)
    }

    private func addMaps(team: WorkerTeam, _ add: Adder) throws {
        let count = measurements.mapChannels.count
        let maps = maps
        for (formula, diagonal) in [(RVCoefficient.modifiedFormula, false), (RVCoefficient.formula, true)] {
            let products = try team.map(maps.count > 2 ? count : 0) { _, index in
                RVCoefficient.product(
                    maps.flatMap { map in
                        stride(from: index, to: map.values.count, by: count).map { map.values[$0] }
                    }, rowCount: maps.count, diagonal: diagonal)
            }
            add(
                Key(
                    "disentanglement", "rv-of-maps", formula, way: measurements.basis.name, better: .lower),
                try RVCoefficient.mean(products, team: team), nil, maps.count, count,
                "fewer than two channels are used, or there are fewer than three images")
        }
    }

    private func addParts(team: WorkerTeam, _ add: Adder) throws {
        let (basis, partCount) = (measurements.basis, measurements.partCount)
        let none = "no channel that is used meets a visible part"
        let purities = basis.used.compactMap { channel -> Double? in
            var (hits, seen) = ([Int](repeating: 0, count: partCount), [Int](repeating: 0, count: partCount))
            for image in byMaximum[channel].entries {
                for part in 0..<partCount where image.visible >> UInt32(part) & 1 == 1 {
                    seen[part] += 1
                    if image.parts >> UInt32(part) & 1 == 1 { hits[part] += 1 }
                }
            }
            return PartPurity.purity(hits: hits, visible: seen)?.share
        }
        func key(_ metric: String, _ formula: String, k: Int? = nil, threshold: Double? = nil) -> Key {
            Key("localisation", metric, formula, way: basis.name, k: k, threshold: threshold, better: .higher)
        }
        let purity = purities.isEmpty ? nil : Summary.mean(purities)
        add(
            key("part-purity", PartPurity.purityFormula, k: ScorecardOptions.purityImageCount), purity?.value,
            purity?.error, imageCount, purities.count, none)
        add(
            key(
                "share-of-pure-channels", PartPurity.purityFormula, k: ScorecardOptions.purityImageCount,
                threshold: 0.5), purities.isEmpty ? nil : Summary.mean(purities.map { $0 > 0.5 ? 1 : 0 }).value, nil,
            imageCount, purities.count, none)
        let consistent = basis.used.compactMap { channel -> Double? in
            let range = channel * partCount..<(channel + 1) * partCount
            return PartPurity.isConsistent(hits: hits[range].map { Int($0) }, visible: visible[range].map { Int($0) })
                .map { $0 ? 1 : 0 }
        }
        add(
            key("consistency", PartPurity.consistencyFormula, threshold: PartPurity.consistencyThreshold),
            consistent.isEmpty ? nil : Summary.mean(consistent).value, nil, imageCount,
            consistent.count,
            basis.hasClasses ? none : "these channels have no classes without a black box")
        try addRetrieval(team: team, add)
    }

    private func addRetrieval(team: WorkerTeam, _ add: Adder) throws {
        let (basis, partCount, scored) = (measurements.basis, measurements.partCount, scored)
        func best(_ count: Int, _ value: @Sendable @escaping (_ detector: Int, _ target: Int) -> Double?) throws
            -> [[Double?]]
        {
            try team.map(basis.detectors.count) { _, detector in (0..<count).map { value(detector, $0) } }
        }
        func key(_ metric: String, _ formula: String) -> Key {
            Key("localisation", metric, formula, way: basis.name, better: .higher)
        }
        let none = "no channel that is used meets a visible part"
        let parts = try best(partCount) { detector, part in
            let seen = scored.filter { $0.visible >> UInt32(part) & 1 == 1 }
            return AveragePrecision.value(
                scores: seen.map { $0.maxima[detector] },
                relevant: seen.map { $0.parts[detector] >> UInt32(part) & 1 == 1 }, relevantCount: seen.count)
        }
        let ofChannels = parts.compactMap { $0.compactMap { $0 }.max() }
        let summary = ofChannels.isEmpty ? nil : Summary.mean(ofChannels)
        add(
            key("part-retrieval", "\(AveragePrecision.formula):place-of-best-part"), summary?.value, summary?.error,
            scored.count, ofChannels.count, none)
        guard measurements.hasVariants else { return }
        let variants = try best(PlaceAnnotations.variantCount) { detector, variant in
            AveragePrecision.value(
                scores: scored.map { $0.maxima[detector] }, relevant: scored.map { $0.variants.contains(variant) })
        }
        let detected = variants.compactMap { $0.compactMap { $0 }.max() }
        let ofVariants = (0..<PlaceAnnotations.variantCount).compactMap { variant in
            variants.compactMap { $0[variant] }.max()
        }
        let found = ofVariants.isEmpty ? nil : Summary.mean(ofVariants)
        add(
            key("variant-retrieval", "\(AveragePrecision.formula):best-channel-of-variant"), found?.value, found?.error,
            scored.count, detected.count, none)
        let mean = detected.isEmpty ? nil : Summary.mean(detected)
        add(
            key("variant-retrieval", "\(AveragePrecision.formula):best-variant-of-channel"), mean?.value, mean?.error,
            scored.count, detected.count, none)
    }
}

extension RVCoefficient {
    /// `mean(_:)`, shared out; the sums are added in the order of the sets.
    static func mean(_ products: [[Float]], team: WorkerTeam) throws -> Double? {
        guard products.count > 1 else { return nil }
        let sums = try team.map(products.count) { _, first in
            (0..<first).reduce(0.0) { $0 + value(products[first], products[$1]) }
        }
        return sums.reduce(0, +) / Double(products.count * (products.count - 1) / 2)
    }
}
