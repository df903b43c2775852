import Attribution
import Backbones
import Datasets
import DisentangledHead
import ExplanationMetrics
import ImageCoding
import Inference
import Results
import Tensors

/// What is measured on a bird by drawing it again without parts of it or of what is around it.
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
    /// Of each class the variants of its parts.
    let variants: [[Int]]
    private let drawn: [String: PartDataset.BirdDescription]
    private let sufficientSets: [[UInt32]]
    private let targets: [(first: (label: Int, shared: UInt32), second: (label: Int, shared: UInt32))?]

    private static let alone = WorkerTeam(workerCount: 1)
    private static let partCount = PartDataset.Part.allCases.count
    private static let whole = UInt32(1) << UInt32(partCount) - 1
    /// A pixel belongs to what is taken away if one of its colours changes by more than this.
    private static let changedBy = 8
    /// The share of a map's pixels that a box is around.
    private static let boxShare = 0.05

    /// Passes that an image takes: all sets of parts, and the bird without each thing around it.
    static func passCount(at level: PartDataset.Level) -> Int { 1 << partCount + level.surroundingCount }

    /// Reads what the birds are drawn from.
    /// - Throws: `PartDatasetError`, `DurableFileError`.
    init(_ ways: Ways, _ experiment: Experiment) throws {
        self.ways = ways
        self.experiment = experiment
        let root = experiment.dataset.root
        drawn = Dictionary(try PartDataset.annotations(of: root).map { ($0.path, $0.bird) }) { first, _ in first }
        let manifest = try PartDataset.manifest(of: root)
        let byName = Dictionary(manifest.classes.map { ($0.name, $0.variants) }) { first, _ in first }
        variants = try experiment.dataset.classNames.map { name in
            guard let variants = byName[name] else {
                throw ScorecardError.noAnnotation(image: name, file: root.appending("dataset.json"))
            }
            return PartDataset.Part.allCases.map { variants[$0] }
        }
        let all = variants
        sufficientSets = all.indices.map { PartInterventions.sufficientSets(of: $0, variants: all) }
        targets = all.indices.map { PartInterventions.targets(of: $0, variants: all) }
    }

    /// The models that a way is measured on: the one it explains, or both.
    private func models(of way: Ways.Way) -> [ExplainedModel] {
        let all: [ExplainedModel] = ways.blackBox == nil ? [.head] : [.head, .blackBox]
        return way.method.explainedModel.map { [$0] } ?? all
    }

    var columns: [Column] {
        var columns: [Column] = []
        for model in ways.blackBox == nil ? [ExplainedModel.head] : [.head, .blackBox] {
            columns.append(
                Column(
                    key: Key(
                        "interventions", "background-independence", PartInterventions.backgroundFormula,
                        way: model == .head ? "head" : "backbone", model: model.rawValue, better: .higher),
                    reduction: .mean))
        }
        for way in ways.ways {
            for model in models(of: way) {
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

    /// What the models make of the bird and of what is left of it.
    private struct Bird {
        let sample: Int
        let label: Int
        /// Of the whole bird, [1, H, W, D].
        let features: Tensor
        /// Logits by model and set of the parts that are left.
        let logits: [[[Double]]]
        /// Logits by model and thing that is missing.
        let surroundings: [[[Double]]]
        /// Pixels of the network's input that change without each part and each thing.
        let parts: [[Bool]]
        let things: [[Bool]]
    }

    func values(sample: Int, label: Int, workspace: BackboneWorkspace) throws -> [Float] {
        guard let description = drawn[experiment.dataset[sample].path] else {
            throw ScorecardError.noAnnotation(
                image: experiment.dataset[sample].path,
                file: experiment.dataset.root.appending("annotations.jsonl"))
        }
        let bird = try draw(description, sample, label, workspace)
        var values: [Float] = []
        for model in bird.logits.indices {
            let whole = bird.logits[model][Int(Self.whole)][label]
            values.append(
                Float(
                    PartInterventions.backgroundIndependence(
                        without: bird.surroundings[model].map { $0[label] }, whole: whole)))
        }
        for way in ways.ways {
            for model in models(of: way) {
                let index = model == .head ? 0 : 1
                let logits = bird.logits[index]
                let predicted = Self.best(logits[Int(Self.whole)])
                let pair = targets[label]
                let labels = [label, predicted] + (pair.map { [$0.first.label, $0.second.label] } ?? [])
                let components = try labels.map { try self.components(way.method, bird, $0) }
                for naming in Naming.allCases {
                    let named = components.map { importances($0, bird, naming) }
                    let falls = (0..<Self.partCount).map {
                        logits[Int(Self.whole)][label] - logits[Int(Self.whole ^ 1 << UInt32($0))][label]
                    }
                    values.append(
                        PartInterventions.singleDeletion(falls: falls, importances: named[0].parts)
                            .map { Float($0) } ?? .nan)
                    values.append(pair.flatMap { contrast($0, logits, named[2].parts, named[3].parts) } ?? .nan)
                    values += curves(named[1], bird, index, predicted)
                }
            }
        }
        return values
    }

    /// 0, 0.5 or 1: how many of the two classes' parts are more important to their own class; nil unless the model itself tells
    /// them apart.
    private func contrast(
        _ pair: (first: (label: Int, shared: UInt32), second: (label: Int, shared: UInt32)), _ logits: [[Double]],
        _ first: [Double], _ second: [Double]
    ) -> Float? {
        func without(_ set: UInt32, _ label: Int) -> Double { logits[Int(Self.whole & ~set)][label] }
        func sum(_ values: [Double], _ set: UInt32) -> Double {
            values.enumerated().reduce(0) { set >> UInt32($1.offset) & 1 == 1 ? $0 + $1.element : $0 }
        }
        let (a, b) = (pair.first, pair.second)
        guard without(a.shared, a.label) < without(b.shared, a.label),
            without(b.shared, b.label) < without(a.shared, b.label)
        else { return nil }
        return (sum(first, a.shared) > sum(second, a.shared) ? 0.5 : 0)
            + (sum(first, b.shared) < sum(second, b.shared) ? 0.5 : 0)
    }

    /// CSDC, PC, DC and D by threshold, one curve after the other.
    private func curves(_ named: Importances, _ bird: Bird, _ model: Int, _ predicted: Int) -> [Float] {
        let logits = bird.logits[model]
        let whole = logits[Int(Self.whole)]
        let without =
            (0..<Self.partCount).map { logits[Int(Self.whole ^ 1 << UInt32($0))][bird.label] }
            + bird.surroundings[model].map { $0[bird.label] }
        let idle = PartInterventions.unimportant(without: without, whole: whole[bird.label])
        var curves = [[Float]](repeating: [], count: 4)
        for threshold in PartInterventions.thresholds {
            let all = named.set(above: threshold)
            let parts = all & Self.whole
            curves[0].append(
                predicted == bird.label
                    ? PartInterventions.sufficiency(of: parts, sets: sufficientSets[bird.label]).map { Float($0) }
                        ?? .nan
                    : .nan)
            curves[1].append(Self.best(logits[Int(parts)]) == predicted ? 1 : 0)
            curves[2].append(Self.best(logits[Int(Self.whole & ~parts)]) != predicted ? 1 : 0)
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

        func set(above threshold: Double) -> UInt32 {
            PartInterventions.important(shares, threshold: threshold, total: 1)
        }
    }

    private func components(_ method: any AttributionMethod, _ bird: Bird, _ label: Int) throws -> [PlaceMap] {
        try [method.map(of: bird.features, sample: bird.sample, for: label, team: Self.alone)]
            + method.components(of: bird.features, sample: bird.sample, for: label, team: Self.alone)
    }

    /// - Parameter maps: the whole map, and those it is made of.
    private func importances(_ maps: [PlaceMap], _ bird: Bird, _ naming: Naming) -> Importances {
        let side = experiment.input.crop
        func upsampled(_ map: PlaceMap, _ interpolation: Interpolation) -> [Float] {
            HeatMap(width: map.size.width, height: map.size.height, values: map.values.map { max(0, $0) })
                .upsampled(width: side, height: side, interpolation: interpolation).values
        }
        func sum(_ values: [Float], _ mask: [Bool]) -> Double {
            var sum = 0.0
            for (value, isInside) in zip(values, mask) where isInside { sum += Double(value) }
            return sum
        }
        switch naming {
        case .attribution:
            let positive = upsampled(maps[0], .bilinear)
            let negative = upsampled(
                PlaceMap(size: maps[0].size, values: maps[0].values.map { -$0 }), .bilinear)
            let total = positive.reduce(0.0) { $0 + Double($1) }
            let masks = (bird.parts + bird.things).map { dilated($0, side) }
            let sums = masks.map { sum(positive, $0) }
            return Importances(
                parts: (0..<Self.partCount).map { sums[$0] - sum(negative, masks[$0]) },
                shares: sums.map { total > 0 ? $0 / total : 0 })
        case .boxes:
            var weights = [Float](repeating: 0, count: side * side)
            var isCovered = [Bool](repeating: false, count: side * side)
            for map in maps.dropFirst() {
                guard let most = map.values.max(), most > 0 else { continue }
                let box = Self.box(around: upsampled(map, .bicubic), side)
                for row in box.rows {
                    for column in box.columns {
                        weights[row * side + column] += most
                        isCovered[row * side + column] = true
                    }
                }
            }
            func share(_ mask: [Bool]) -> Double {
                let count = mask.count { $0 }
                return count == 0 ? 0 : Double(zip(mask, isCovered).count { $0 && $1 }) / Double(count)
            }
            return Importances(
                parts: bird.parts.map { sum(weights, $0) }, shares: (bird.parts + bird.things).map(share))
        }
    }

    /// The smallest box around the upper 5 % of the pixels.
    private static func box(around values: [Float], _ side: Int) -> (rows: ClosedRange<Int>, columns: ClosedRange<Int>)
    {
        let count = max(1, Int(boxShare * Double(values.count)))
        let limit = values.sorted(by: >)[count - 1]
        var (top, bottom, left, right) = (side - 1, 0, side - 1, 0)
        for (pixel, value) in values.enumerated() where value >= limit && value > 0 {
            (top, bottom) = (min(top, pixel / side), max(bottom, pixel / side))
            (left, right) = (min(left, pixel % side), max(right, pixel % side))
        }
        return (min(top, bottom)...max(top, bottom), min(left, right)...max(left, right))
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

    // MARK: - Drawing

    private func draw(
        _ description: PartDataset.BirdDescription, _ sample: Int, _ label: Int, _ workspace: BackboneWorkspace
    ) throws -> Bird {
        let (parts, things) = (PartDataset.Part.allCases, description.surroundings)
        let sets = (0...Self.whole).map { left in
            experiment.input.pixels(
                of: PartDataset.draw(
                    description, omitting: Set(parts.indices.filter { left >> UInt32($0) & 1 == 0 }.map { parts[$0] })
                ).image)
        }
        let without = things.map {
            experiment.input.pixels(of: PartDataset.draw(description, surroundings: [$0]).image)
        }
        let all = sets[Int(Self.whole)]
        let pictures = sets + without
        let side = experiment.input.crop
        let features = experiment.features(
            ofNormalised: Tensor(
                shape: [pictures.count, side, side, 3], values: pictures.flatMap { experiment.input.normalised($0) }),
            workspace: workspace)
        let logits = try self.logits(of: features)
        let length = features.shape[1] * features.shape[2] * features.shape[3]
        let place = Int(Self.whole)
        return Bird(
            sample: sample, label: label,
            features: Tensor(
                shape: [1] + features.shape.dropFirst(),
                values: Array(features.values[place * length..<(place + 1) * length])),
            logits: logits.map { Array($0[..<sets.count]) }, surroundings: logits.map { Array($0[sets.count...]) },
            parts: parts.indices.map { Self.changed(all, sets[Int(Self.whole ^ 1 << UInt32($0))]) },
            things: without.map { Self.changed(all, $0) })
    }

    private static func changed(_ first: PixelImage, _ second: PixelImage) -> [Bool] {
        (0..<first.width * first.height).map { pixel in
            (0..<3).contains { abs(Int(first.pixels[3 * pixel + $0]) - Int(second.pixels[3 * pixel + $0])) > changedBy }
        }
    }

    /// By model and image.
    private func logits(of features: Tensor) throws -> [[[Double]]] {
        let forward = try ways.head.forward(features, team: Self.alone)
        var result = [(0..<features.shape[0]).map { forward.logits(ofImage: $0).map(Double.init) }]
        if let blackBox = ways.blackBox {
            let (cells, width) = (features.shape[1] * features.shape[2], features.shape[3])
            result.append(
                (0..<features.shape[0]).map { image in
                    var mean = [Double](repeating: 0, count: width)
                    for cell in image * cells..<(image + 1) * cells {
                        for channel in 0..<width { mean[channel] += Double(features.values[cell * width + channel]) }
                    }
                    return blackBox.logits(ofMean: mean.map { $0 / Double(cells) })
                })
        }
        return result
    }
}
