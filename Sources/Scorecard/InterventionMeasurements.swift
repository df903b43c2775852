import Attribution
import DisentangledHead
import ExplanationMetrics
import ImageCoding
import Inference
import Results
import Tensors

/// What is measured on an image by taking away, for true, parts of its object or what is around it.
struct InterventionMeasurements: Sendable {
    typealias Key = ScorecardFigure.Key

    /// How an explanation names parts: by what its map has in them, or by boxes around its strongest places.
    enum Naming: String, CaseIterable, Sendable {
        /// I_p = sum of the map, upsampled, over the part and what is next to it; named if above t of the sum of positive values.
        case attribution
        /// I_p = sum of boxes around the upper 5 % of each of its maps, weighted by what these contribute; named if above t of the
        /// part's pixels are in a box.
        case boxes
    }

    let ways: Ways
    let experiment: Experiment
    let source: any InterventionSource
    /// Of each class.
    private let sufficientSets: [[UInt64]]
    private let targets: [(first: (label: Int, shared: UInt64), second: (label: Int, shared: UInt64))?]
    private let partCount: Int
    /// All parts.
    private let allParts: UInt64

    private static let alone = WorkerTeam(workerCount: 1)
    /// The share of a map's pixels that a box is around.
    private static let boxShare = 0.05

    init(_ ways: Ways, _ experiment: Experiment, _ source: any InterventionSource) {
        self.ways = ways
        self.experiment = experiment
        self.source = source
        let variants = source.variants
        partCount = variants.first?.count ?? 0
        allParts = UInt64(1) << UInt64(partCount) - 1
        sufficientSets = variants.indices.map { PartInterventions.sufficientSets(of: $0, variants: variants) }
        targets = variants.indices.map { PartInterventions.targets(of: $0, variants: variants) }
    }

    var columns: [Column] {
        var columns: [Column] = []
        for model in ways.models {
            columns += Array(
                repeating: Column(
                    key: Key(
                        "interventions", "background-independence", PartInterventions.backgroundFormula,
                        way: model == .head ? "head" : "backbone", model: model.rawValue, better: .higher),
                    reduction: .pooledRemainder), count: 2)
        }
        for way in ways.ways {
            for model in ways.models(of: way) {
                for naming in Naming.allCases {
                    func column(_ metric: String, _ formula: String, _ reduction: Reduction) -> Column {
                        Column(
                            key: Key(
                                "interventions", metric, "\(formula):\(naming.rawValue)", way: way.name,
                                model: model.rawValue, better: .higher), reduction: reduction)
                    }
                    columns += [
                        column("correctness", PartInterventions.correctnessFormula, .mean),
                        column("contrastivity", PartInterventions.contrastivityFormula, .mean),
                    ]
                    columns += Array(
                        repeating: column(
                            "completeness", PartInterventions.completenessFormula, .interventionalCompleteness),
                        count: 4 * PartInterventions.thresholds.count)
                }
            }
        }
        return columns
    }

    // MARK: - One image

    /// What the models make of the object and of what is left of it.
    private struct Object {
        let sample: Int
        let label: Int
        /// Of all of it, [1, H, W, D].
        let features: Tensor
        /// Logits by model and set of the parts that are left.
        let logits: [[[Double]]]
        /// Logits by model and thing that is missing.
        let surroundings: [[[Double]]]
        /// Of the network's input, those that each part has, and then each thing.
        let pixels: [[Int]]
        /// The same with the pixels next to them, of each piece of a part for itself.
        let widened: [[[Int]]]
    }

    func values(sample: Int, label: Int, passes: Passes) throws -> [Float] {
        let object = try look(at: source.pictures(ofSample: sample), sample, label, passes)
        var values: [Float] = []
        for model in object.logits.indices {
            let whole = object.logits[model][Int(allParts)][label]
            let without = object.surroundings[model].map { $0[label] }
            values += [
                Float(PartInterventions.dependenceCount(without: without, whole: whole)), Float(without.count),
            ]
        }
        for way in ways.ways {
            for model in ways.models(of: way) {
                let index = model == .head ? 0 : 1
                let logits = object.logits[index]
                let predicted = Self.best(logits[Int(allParts)])
                let pair = targets[label]
                let labels = [label, predicted] + (pair.map { [$0.first.label, $0.second.label] } ?? [])
                // Often one of them stands there twice: what is right is predicted.
                let distinct = Array(Set(labels))
                let components = try distinct.map { try self.components(way.method, object, $0) }
                for naming in Naming.allCases {
                    let found = components.map { importances($0, object, naming) }
                    let named = labels.map { found[distinct.firstIndex(of: $0)!] }
                    let falls = (0..<partCount).map {
                        logits[Int(allParts)][label] - logits[Int(allParts ^ 1 << UInt64($0))][label]
                    }
                    values.append(
                        PartInterventions.singleDeletion(falls: falls, importances: named[0].parts)
                            .map { Float($0) } ?? .nan)
                    values.append(pair.flatMap { contrast($0, logits, named[2].parts, named[3].parts) } ?? .nan)
                    values += curves(named[1], object, index, predicted)
                }
            }
        }
        return values
    }

    /// 0, 0.5 or 1: how many of the two classes' parts are more important to their own class; nil unless the model itself tells
    /// them apart.
    private func contrast(
        _ pair: (first: (label: Int, shared: UInt64), second: (label: Int, shared: UInt64)), _ logits: [[Double]],
        _ first: [Double], _ second: [Double]
    ) -> Float? {
        func without(_ set: UInt64, _ label: Int) -> Double { logits[Int(allParts & ~set)][label] }
        func sum(_ values: [Double], _ set: UInt64) -> Double {
            values.enumerated().reduce(0) { set >> UInt64($1.offset) & 1 == 1 ? $0 + $1.element : $0 }
        }
        let (a, b) = (pair.first, pair.second)
        guard without(a.shared, a.label) < without(b.shared, a.label),
            without(b.shared, b.label) < without(a.shared, b.label)
        else { return nil }
        return (sum(first, a.shared) > sum(second, a.shared) ? 0.5 : 0)
            + (sum(first, b.shared) < sum(second, b.shared) ? 0.5 : 0)
    }

    /// CSDC, PC, DC and D by threshold, one curve after the other.
    private func curves(_ named: Importances, _ object: Object, _ model: Int, _ predicted: Int) -> [Float] {
        let logits = object.logits[model]
        let whole = logits[Int(allParts)]
        let without =
            (0..<partCount).map { logits[Int(allParts ^ 1 << UInt64($0))][object.label] }
            + object.surroundings[model].map { $0[object.label] }
        let idle = PartInterventions.unimportant(without: without, whole: whole[object.label])
        var curves = [[Float]](repeating: [], count: 4)
        for threshold in PartInterventions.thresholds {
            let all = named.set(above: threshold)
            let parts = all & allParts
            curves[0].append(
                predicted == object.label
                    ? PartInterventions.sufficiency(of: parts, sets: sufficientSets[object.label]).map { Float($0) }
                        ?? .nan
                    : .nan)
            curves[1].append(Self.best(logits[Int(parts)]) == predicted ? 1 : 0)
            curves[2].append(Self.best(logits[Int(allParts & ~parts)]) != predicted ? 1 : 0)
            curves[3].append(
                idle == 0 ? .nan : 1 - Float((all & idle).nonzeroBitCount) / Float(idle.nonzeroBitCount))
        }
        return curves.flatMap { $0 }
    }

    private static func best(_ logits: [Double]) -> Int {
        logits.indices.max { logits[$0] < logits[$1] || (logits[$0] == logits[$1] && $0 > $1) }!
    }

    // MARK: - What an explanation names

    private struct Importances {
        /// I_p of the parts.
        let parts: [Double]
        /// What is held against the threshold, of the parts and then of the things.
        let shares: [Double]

        func set(above threshold: Double) -> UInt64 {
            PartInterventions.important(shares, threshold: threshold, total: 1)
        }
    }

    private func components(_ method: any AttributionMethod, _ object: Object, _ label: Int) throws -> [PlaceMap] {
        try [method.map(of: object.features, sample: object.sample, for: label, team: Self.alone)]
            + method.components(of: object.features, sample: object.sample, for: label, team: Self.alone)
    }

    /// - Parameter maps: the whole map, and those it is made of.
    private func importances(_ maps: [PlaceMap], _ object: Object, _ naming: Naming) -> Importances {
        let side = experiment.input.crop
        func upsampled(_ map: PlaceMap, _ interpolation: Interpolation) -> [Float] {
            HeatMap(width: map.size.width, height: map.size.height, values: map.values.map { max(0, $0) })
                .upsampled(width: side, height: side, interpolation: interpolation).values
        }
        func sum(_ values: [Float], _ pixels: [Int]) -> Double {
            var sum = 0.0
            for pixel in pixels { sum += Double(values[pixel]) }
            return sum
        }
        switch naming {
        case .attribution:
            let positive = upsampled(maps[0], .bilinear)
            let negative = upsampled(
                PlaceMap(size: maps[0].size, values: maps[0].values.map { -$0 }), .bilinear)
            let total = positive.reduce(0.0) { $0 + Double($1) }
            func sums(_ values: [Float], _ pieces: [[Int]]) -> Double { pieces.reduce(0) { $0 + sum(values, $1) } }
            let positives = object.widened.map { sums(positive, $0) }
            return Importances(
                parts: (0..<partCount).map { positives[$0] - sums(negative, object.widened[$0]) },
                shares: positives.map { total > 0 ? $0 / total : 0 })
        case .boxes:
            var weights = [Float](repeating: 0, count: side * side)
            var isCovered = [Bool](repeating: false, count: side * side)
            for map in maps.dropFirst() {
                guard let most = map.values.max(), most > 0 else { continue }
                guard let box = PixelBox(around: Self.boxShare, of: upsampled(map, .bicubic), side: side) else {
                    continue
                }
                for row in box.rows {
                    for column in box.columns {
                        weights[row * side + column] += most
                        isCovered[row * side + column] = true
                    }
                }
            }
            return Importances(
                parts: object.pixels[..<partCount].map { sum(weights, $0) },
                shares: object.pixels.map { pixels in
                    pixels.isEmpty ? 0 : Double(pixels.count { isCovered[$0] }) / Double(pixels.count)
                })
        }
    }

    /// With the pixels next to it: two of 256 a side, as the framework's 5 x 5.
    private func dilated(_ mask: [Bool], _ side: Int) -> [Bool] {
        let radius = max(1, Int((2 * Double(side) / 256).rounded()))
        var result = mask
        for isVertical in [false, true] {
            let source = result
            for row in 0..<side {
                for column in 0..<side where source[row * side + column] {
                    let centre = isVertical ? row : column
                    for place in max(0, centre - radius)...min(side - 1, centre + radius) {
                        result[isVertical ? place * side + column : row * side + place] = true
                    }
                }
            }
        }
        return result
    }

    // MARK: - Passes

    private func look(
        at pictures: InterventionPictures, _ sample: Int, _ label: Int, _ passes: Passes
    ) throws -> Object {
        let all = pictures.bySet + pictures.withoutThings
        let place = Int(allParts)
        var features: Tensor?
        var logits = [[[Double]]](repeating: [], count: ways.models.count)
        let batches = passes.batches(of: all.count) { picture, target in
            _ = target.update(fromContentsOf: experiment.input.normalised(all[picture]))
        }
        for (index, batch) in batches.enumerated() {
            let first = index * Passes.length
            if (first..<first + batch.shape[0]).contains(place) { features = batch.images[place - first] }
            for (model, values) in try ways.logits(of: batch).enumerated() { logits[model] += values }
        }
        let pieces = pictures.parts + pictures.things.map { [$0] }
        return Object(
            sample: sample, label: label, features: features!,
            logits: logits.map { Array($0[..<pictures.bySet.count]) },
            surroundings: logits.map { Array($0[pictures.bySet.count...]) },
            pixels: pieces.map { pieces in
                pieces[0].indices.filter { pixel in pieces.contains { $0[pixel] } }
            },
            // Pieces are widened each for itself, as the framework does, so that a pixel between two of them counts twice.
            widened: pieces.map { pieces in
                pieces.map { piece in
                    let mask = dilated(piece, experiment.input.crop)
                    return mask.indices.filter { mask[$0] }
                }
            })
    }
}
