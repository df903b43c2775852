import CounterRandom
public import DisentangledHead
public import MessagePassing
public import Tensors

/// Multinomial logistic regression with bias on pooled features: the plain linear classifier that the head is held
/// against (the black box).
///
/// Features are standardised inside; the classifier is that of the original features.
public struct LinearProbe: Sendable, Equatable {
    /// Signed, with a bias.
    public let classifier: Classifier
    /// The L2 strength that was used.
    public let regularisation: Double

    /// Strengths tried where none are given.
    public static let defaultStrengths = [1e-4, 1e-3, 1e-2, 1e-1]
    /// How far, in nats, the mean loss of the result may be from its minimum, as the last step estimates it. On photographs of 100
    /// classes test accuracy moves by less than 0.05 points below this.
    public static let defaultTolerance = 1e-6
    /// The same for the fits that are only compared with each other.
    private static let comparisonTolerance = 1e-4

    /// Fits with the strength that does best on a held-out stratified fifth of the samples (most correct; ties: smaller
    /// loss), then on all of them. Collective; all ranks get the same.
    ///
    /// Minimises mean cross-entropy + strength / 2 * |W|^2, where W are the weights of the standardised features; the
    /// bias is free. Full batch, in parts by logical shards that are added exactly: the result does not depend on the numbers of
    /// workers and ranks. Strengths are tried from the strongest, each fit starting from the last, until one is worse in both
    /// respects than the best so far.
    ///
    /// - Parameters:
    ///   - rows: the features of the samples that this rank has; each sample is in a logical shard of one rank.
    ///   - labels: [N], of all samples.
    ///   - strengths: at least one; with one there is no held-out fifth.
    ///   - seed: picks the held-out fifth.
    /// - Throws: on all ranks, `HeadError.labelOutOfRange`, `.tooFewSamples`, `.notFinite` or `.invalidSetting`;
    ///   `DurableFileError` of rows in a file.
    public static func fit(
        rows: FeatureRows, labels: [Int], classCount: Int, strengths: [Double] = defaultStrengths,
        tolerance: Double = defaultTolerance, seed: UInt64 = 0, team: WorkerTeam,
        communicator: any Communicator = SingleProcess()
    ) throws -> LinearProbe {
        if let label = labels.first(where: { !(0..<classCount).contains($0) }) {
            throw HeadError.labelOutOfRange(label: label, classCount: classCount)
        }
        guard labels.count >= 2 else { throw HeadError.tooFewSamples(count: labels.count, needed: 2) }
        guard let first = strengths.first, strengths.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw HeadError.invalidSetting(
                key: "strengths", value: "\(strengths)", expected: "one or more numbers that are not negative")
        }
        let problem = try ProbeProblem(
            rows: rows, labels: labels, classCount: classCount,
            isHeldOut: heldOut(labels: labels, classCount: classCount, seed: seed), team: team,
            communicator: communicator)
        var (strength, start) = (first, [Double](repeating: 0, count: classCount * (rows.width + 1)))
        if strengths.count > 1, problem.count(.heldOut) > 0, problem.count(.fitting) > 0 {
            (strength, start) = try problem.best(of: strengths, start: start, tolerance: comparisonTolerance)
        }
        return try problem.probe(
            at: problem.minimum(strength: strength, .all, from: start, tolerance: tolerance), strength: strength)
    }

    /// The same on one rank, from features [N, D] in memory.
    /// - Throws: `HeadError.shapeMismatch` besides.
    public static func fit(
        features: Tensor, labels: [Int], classCount: Int, strengths: [Double] = defaultStrengths,
        tolerance: Double = defaultTolerance, seed: UInt64 = 0, team: WorkerTeam
    ) throws -> LinearProbe {
        guard features.shape.count == 2, features.shape[0] == labels.count, (features.shape.last ?? 0) > 0 else {
            throw HeadError.shapeMismatch(
                tensor: "features", expected: [labels.count, features.shape.last ?? 0], found: features.shape)
        }
        return try fit(
            rows: FeatureRows(features, shardCount: 8), labels: labels, classCount: classCount, strengths: strengths,
            tolerance: tolerance, seed: seed, team: team)
    }

    /// Logits [N, C] of features [N, D].
    /// - Throws: `HeadError.shapeMismatch`.
    public func logits(_ features: Tensor, team: WorkerTeam) throws -> [Float] {
        guard features.shape.count == 2, features.shape[1] == classifier.channelCount else {
            throw HeadError.shapeMismatch(
                tensor: "features", expected: [features.shape.first ?? 0, classifier.channelCount],
                found: features.shape)
        }
        return try classifier.logits(ofPooled: features.values, imageCount: features.shape[0], team: team)
    }

    /// Every fifth sample of each class, in an order drawn from `seed`, is held out.
    private static func heldOut(labels: [Int], classCount: Int, seed: UInt64) -> [Bool] {
        var members = Array(repeating: [Int](), count: classCount)
        for (index, label) in labels.enumerated() { members[label].append(index) }
        var isHeldOut = [Bool](repeating: false, count: labels.count)
        for (label, samples) in members.enumerated() {
            var stream = RandomStream(seed: seed, purpose: .split, label, 0x9B0B)
            for (position, sample) in stream.shuffled(samples).enumerated() where position % 5 == 4 {
                isHeldOut[sample] = true
            }
        }
        return isHeldOut
    }
}

extension ProbeProblem {
    /// The strength whose fit to the fitting samples does best on those held out, and that fit.
    fileprivate func best(
        of strengths: [Double], start: [Double], tolerance: Double
    ) throws -> (strength: Double, point: [Double]) {
        var point = start
        var best: (strength: Double, point: [Double], loss: Double, correctCount: Int)?
        for strength in strengths.sorted(by: >) {
            point = try minimum(strength: strength, .fitting, from: point, tolerance: tolerance)
            let (loss, correctCount) = try score(point, .heldOut)
            guard let known = best else {
                best = (strength, point, loss, correctCount)
                continue
            }
            if (correctCount, -loss) > (known.correctCount, -known.loss) {
                best = (strength, point, loss, correctCount)
            } else if correctCount < known.correctCount, loss > known.loss {
                break
            }
        }
        return (best!.strength, best!.point)
    }

    /// Where the regularised loss of a part is smallest.
    fileprivate func minimum(
        strength: Double, _ part: Part, from start: [Double], tolerance: Double
    ) throws -> [Double] {
        var curvature = 0.0
        var preconditioner: ProbePreconditioner?
        return try LimitedMemoryMinimiser(tolerance: tolerance).minimise(from: start) { vector in
            // It is first asked for when the first gradient is there.
            if preconditioner == nil {
                preconditioner = ProbePreconditioner(
                    covariance: covariance, curvature: curvature, strength: strength, classCount: classCount,
                    channelCount: channelCount, team: team)
            }
            return preconditioner?(vector) ?? vector
        } _: { point in
            let evaluation = try evaluate(point, strength: strength, part)
            if preconditioner == nil { curvature = evaluation.curvature }
            return (evaluation.value, evaluation.gradient)
        }
    }

    /// The classifier of the original features.
    fileprivate func probe(at point: [Double], strength: Double) throws -> LinearProbe {
        let (D, C) = (channelCount, classCount)
        var weights = [Float](repeating: 0, count: C * D)
        var bias = [Float](repeating: 0, count: C)
        for index in 0..<C {
            var offset = point[C * D + index]
            for column in 0..<D {
                let weight = point[index * D + column] / Double(deviation[column])
                weights[index * D + column] = Float(weight)
                offset -= weight * Double(mean[column])
            }
            bias[index] = Float(offset)
        }
        return LinearProbe(
            classifier: try Classifier(weights: weights, bias: bias, signs: .any, classCount: C, channelCount: D),
            regularisation: strength)
    }
}
