import Attribution
import Backbones
import CounterRandom
import DisentangledHead
import ExplanationMetrics
import Inference
import Results
import Tensors

/// What is measured on one image by true passes of changed pixels through the backbone: deletion, insertion, comprehensiveness,
/// sufficiency and, where the places of parts are known, stability.
struct PassMeasurements: Sendable {
    typealias Key = ScorecardFigure.Key

    let ways: Ways
    let experiment: Experiment
    let hasFidelity: Bool
    /// Nil unless the stability of channels is asked for.
    let channels: ChannelBases?
    /// Nil unless birds are drawn again.
    let interventions: InterventionMeasurements?

    private static let alone = WorkerTeam(workerCount: 1)

    /// Passes that an image takes.
    ///
    /// - Parameter interventions: those of birds that are drawn again.
    static func passCount(ways: Int, hasFidelity: Bool, hasStability: Bool, interventions: Int) -> Int {
        let fills = Perturbation.Fill.allCases.count
        return (hasFidelity ? ways * fills * 2 * (ScorecardOptions.stepCount - 1) + fills : 0) + (hasStability ? 1 : 0)
            + interventions
    }

    private var models: [ExplainedModel] { ways.blackBox == nil ? [.head] : [.head, .blackBox] }

    /// What the places of `values` are, in the same order.
    var columns: [Column] {
        var keys: [Key] = []
        if hasFidelity {
            for way in ways.ways {
                for fill in Perturbation.Fill.allCases {
                    for model in models {
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
    }

    /// - Parameters:
    ///   - features: of the image itself, [1, H, W, D].
    ///   - pixels: what the network sees of the image, normalised [S, S, 3].
    func values(
        sample: Int, label: Int, features: Tensor, pixels: [Float], places: ImagePlaces?, workspace: BackboneWorkspace
    ) throws -> [Float] {
        var values: [Float] = []
        let map = SpatialSize(height: features.shape[1], width: features.shape[2])
        let perturbation = Perturbation(side: experiment.input.crop, map: map)
        if hasFidelity {
            let predicted = try ways.head.forward(features, team: Self.alone).predictions()[0]
            let whole = try scores(of: features, predicted)[0]
            let fillings = Perturbation.Fill.allCases.map { perturbation.filling($0, of: pixels) }
            let empty = try fillings.map { try scores(of: pass([$0], workspace), predicted)[0] }
            for way in ways.ways {
                let order = ways.order(
                    of: try way.method.map(of: features, sample: sample, for: predicted, team: Self.alone),
                    sample: sample)
                for (filling, empty) in zip(fillings, empty) {
                    let counts = (1..<ScorecardOptions.stepCount).map {
                        (2 * $0 * order.count + ScorecardOptions.stepCount) / (2 * ScorecardOptions.stepCount)
                    }
                    func curve(_ kept: (Int) -> ArraySlice<Int>) throws -> [[Double]] {
                        let images = counts.map { count in
                            var image = filling
                            image.withUnsafeMutableBufferPointer {
                                perturbation.copy(kept(count), of: pixels, into: $0)
                            }
                            return image
                        }
                        return try scores(of: pass(images, workspace), predicted)
                    }
                    let without = [whole] + (try curve { order[$0...] }) + [empty]
                    let alone = [empty] + (try curve { order[..<$0] }) + [whole]
                    for model in models.indices {
                        let deletion = PerturbationCurve(without.map { $0[model] })
                        let insertion = PerturbationCurve(alone.map { $0[model] })
                        func loss(_ curve: PerturbationCurve) -> Double {
                            PerturbationCurve.meanLoss(
                                from: whole[model], to: ScorecardOptions.eraserSteps.map { curve.scores[$0] })
                        }
                        values += [
                            deletion.area, insertion.area, deletion.areaOver, loss(deletion), loss(insertion),
                        ].map { Float($0) }
                    }
                }
            }
        }
        if let channels {
            let noisy = try pass([noise(on: pixels, sample: sample)], workspace)
            values += try channels.bases.map { basis in
                let shares = try places.flatMap {
                    try basis.stability(features, noisy, label: label, places: $0)
                }
                return shares.map { Float($0) } ?? .nan
            }
        }
        if let interventions {
            values += try interventions.values(sample: sample, label: label, workspace: workspace)
        }
        return values
    }

    /// The features [n, H, W, D] of changed images.
    private func pass(_ images: [[Float]], _ workspace: BackboneWorkspace) throws -> Tensor {
        let side = experiment.input.crop
        return experiment.features(
            ofNormalised: Tensor(shape: [images.count, side, side, 3], values: images.flatMap { $0 }),
            workspace: workspace)
    }

    /// Of each image the probability of a class, by model.
    private func scores(of features: Tensor, _ label: Int) throws -> [[Double]] {
        let forward = try ways.head.forward(features, team: Self.alone)
        let (cells, width) = (features.shape[1] * features.shape[2], features.shape[3])
        return (0..<features.shape[0]).map { image in
            let own = Double(ways.head.loss.probabilities(forward.logits(ofImage: image))[label])
            guard let blackBox = ways.blackBox else { return [own] }
            var mean = [Double](repeating: 0, count: width)
            for cell in image * cells..<(image + 1) * cells {
                for channel in 0..<width { mean[channel] += Double(features.values[cell * width + channel]) }
            }
            let logits = blackBox.logits(ofMean: mean.map { $0 / Double(cells) }).map { Float($0) }
            return [own, Double(softmax(logits[...])[label])]
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
