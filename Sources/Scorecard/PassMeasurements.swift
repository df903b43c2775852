import Attribution
import Backbones
import CounterRandom
import DisentangledHead
import ExplanationMetrics
import Inference
import Results
import Tensors

/// What is measured on one image by true passes of changed pixels through the backbone: deletion, insertion, comprehensiveness,
/// sufficiency and, where the places of parts are known, stability; interventions and misalignment.
struct PassMeasurements: Sendable {
    typealias Key = ScorecardFigure.Key

    let ways: Ways
    let experiment: Experiment
    let hasFidelity: Bool
    /// Nil unless the stability of channels is asked for.
    let channels: ChannelBases?
    /// Nil unless parts are taken away.
    let interventions: InterventionMeasurements?
    /// Nil unless images are disturbed away from their objects.
    let misalignment: MisalignmentMeasurements?

    /// The most passes that the steps of `wayCount` ways take on one image: each set of cells of each fill passes once, whichever
    /// ways ask for it.
    static func fidelityPassCount(wayCount: Int) -> Int {
        Perturbation.Fill.allCases.count * (wayCount * 2 * (ScorecardOptions.stepCount - 1) + 1)
    }

    /// What the places of `values` are, in the same order.
    var columns: [Column] {
        var keys: [Key] = []
        if hasFidelity {
            for way in ways.ways {
                for fill in Perturbation.Fill.allCases {
                    for model in ways.models {
                        func key(_ metric: String, _ formula: String, _ better: Key.Direction) -> Key {
                            Key(
                                "fidelity", metric, formula, way: way.name, model: model.rawValue, fill: fill.rawValue,
                                better: better)
                        }
                        keys += [
                            key("deletion", PerturbationCurve.areaFormula, .lower),
                            key("insertion", PerturbationCurve.areaFormula, .higher),
                            key("deletion-aopc", PerturbationCurve.aopcFormula, .higher),
                            key("comprehensiveness", PerturbationCurve.eraserFormula, .higher),
                            key("sufficiency", PerturbationCurve.eraserFormula, .lower),
                        ]
                    }
                }
            }
        }
        if let channels {
            keys += channels.bases.map {
                Key(
                    "localisation", "stability", PartPurity.stabilityFormula, way: $0.name,
                    threshold: ScorecardOptions.noiseDeviation, better: .higher)
            }
        }
        return keys.map { Column(key: $0, reduction: .mean) } + (interventions?.columns ?? [])
            + (misalignment?.columns ?? [])
    }

    /// - Parameters:
    ///   - features: of the image itself, [1, H, W, D].
    ///   - pixels: what the network sees of the image, normalised [S, S, 3].
    func values(
        sample: Int, label: Int, features: Tensor, pixels: [Float], places: ImagePlaces?, workspace: BackboneWorkspace
    ) throws -> [Float] {
        let passes = Passes(experiment: experiment, workspace: workspace)
        var values: [Float] = []
        if hasFidelity { values += try fidelity(sample: sample, features: features, pixels: pixels, passes) }
        if let channels {
            let noisy = passes.features(of: [noise(on: pixels, sample: sample)])[0]
            values += try channels.bases.map { basis in
                let shares = try places.flatMap {
                    try basis.stability(features, noisy, label: label, places: $0)
                }
                return shares.map { Float($0) } ?? .nan
            }
        }
        if let interventions { values += try interventions.values(sample: sample, label: label, passes: passes) }
        if let misalignment {
            values += try misalignment.values(
                sample: sample, label: label, features: features, pixels: pixels, places: places, passes: passes)
        }
        return values
    }

    // MARK: - Fidelity

    /// Way by way, fill by fill, model by model.
    private func fidelity(sample: Int, features: Tensor, pixels: [Float], _ passes: Passes) throws -> [Float] {
        let map = SpatialSize(height: features.shape[1], width: features.shape[2])
        let predicted = try ways.head.forward(features, team: WorkerTeam(workerCount: 1)).predictions()[0]
        let whole = try scores(of: features, predicted)[0]
        let orders = try ways.ways.map { way in
            ways.order(
                of: try way.method.map(
                    of: features, sample: sample, for: predicted, team: WorkerTeam(workerCount: 1)), sample: sample)
        }
        let counts = (1..<ScorecardOptions.stepCount).map {
            (2 * $0 * map.area + ScorecardOptions.stepCount) / (2 * ScorecardOptions.stepCount)
        }
        var copies = ChangedCopies(cellCount: map.area)
        let empty = copies.number(of: [])
        let steps = orders.map { order in
            (
                without: counts.map { copies.number(of: order[$0...]) },
                alone: counts.map { copies.number(of: order[..<$0]) }
            )
        }
        let perturbation = Perturbation(side: experiment.input.crop, map: map)
        let tour = copies.tour
        // [fill][copy][model]
        let found = try Perturbation.Fill.allCases.map { fill in
            let filling = perturbation.filling(fill, of: pixels)
            let batches = passes.batches(of: copies.sets.count) { copy, target in
                _ = target.update(fromContentsOf: filling)
                perturbation.copy(copies.sets[tour[copy]], of: pixels, into: target)
            }
            var found = [[Double]](repeating: [], count: tour.count)
            for (copy, scores) in zip(tour, try batches.flatMap { try scores(of: $0, predicted) }) {
                found[copy] = scores
            }
            return found
        }
        return steps.flatMap { without, alone in
            found.flatMap { scores in
                ways.models.indices.flatMap { model in
                    func curve(_ copies: [Int]) -> [Double] { copies.map { scores[$0][model] } }
                    let deletion = PerturbationCurve([whole[model]] + curve(without + [empty]))
                    let insertion = PerturbationCurve(curve([empty] + alone) + [whole[model]])
                    func loss(_ curve: PerturbationCurve) -> Double {
                        PerturbationCurve.meanLoss(
                            from: whole[model], to: ScorecardOptions.eraserSteps.map { curve.scores[$0] })
                    }
                    return [deletion.area, insertion.area, deletion.areaOver, loss(deletion), loss(insertion)]
                        .map { Float($0) }
                }
            }
        }
    }

    /// Of each image the probability of a class, by model.
    private func scores(of features: Tensor, _ label: Int) throws -> [[Double]] {
        let logits = try ways.logits(of: features)
        return (0..<features.shape[0]).map { image in
            ways.models.indices.map { model in
                let own = logits[model][image].map { Float($0) }[...]
                return Double((model == 0 ? ways.head.loss.probabilities(own) : softmax(own))[label])
            }
        }
    }

    private func noise(on pixels: [Float], sample: Int) -> [Float] {
        var stream = RandomStream(seed: ways.seed, purpose: .attribution, sample, 0xFF_FFFE)
        let limit = ScorecardOptions.noiseLimit
        return pixels.map {
            $0 + Float(min(max(ScorecardOptions.noiseDeviation * stream.normal(), -limit), limit))
        }
    }
}
