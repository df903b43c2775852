import CounterRandom
public import DisentangledHead
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

    /// Strengths tried by `fit(features:labels:classCount:strengths:seed:team:)`.
    public static let defaultStrengths = [1e-4, 1e-3, 1e-2, 1e-1]

    /// Fits with the strength that does best on a held-out stratified fifth of the samples (most correct; ties: smaller
    /// loss), then again on all of them.
    ///
    /// Minimises mean cross-entropy + strength / 2 * |W|^2, where W are the weights of the standardised features; the
    /// bias is free. Full batch, so the result does not depend on the number of workers.
    ///
    /// - Parameters:
    ///   - features: [N, D].
    ///   - labels: [N].
    ///   - strengths: at least one; with one there is no held-out fifth.
    ///   - seed: picks the held-out fifth.
    /// - Throws: `HeadError.shapeMismatch`, `.labelOutOfRange`, `.tooFewSamples`, `.notFinite` or `.invalidSetting`.
    public static func fit(
        features: Tensor, labels: [Int], classCount: Int, strengths: [Double] = defaultStrengths, seed: UInt64 = 0,
        team: WorkerTeam
    ) throws -> LinearProbe {
        guard features.shape.count == 2, features.shape[0] == labels.count, (features.shape.last ?? 0) > 0 else {
            throw HeadError.shapeMismatch(
                tensor: "features", expected: [labels.count, features.shape.last ?? 0], found: features.shape)
        }
        if let label = labels.first(where: { !(0..<classCount).contains($0) }) {
            throw HeadError.labelOutOfRange(label: label, classCount: classCount)
        }
        guard labels.count >= 2 else { throw HeadError.tooFewSamples(count: labels.count, needed: 2) }
        guard SoftmaxRegression.isFinite(features.values, team: team) else {
            throw HeadError.notFinite(tensor: "features", step: nil)
        }
        guard let first = strengths.first, strengths.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw HeadError.invalidSetting(
                key: "strengths", value: "\(strengths)", expected: "one or more numbers that are not negative")
        }
        let all = ProbeProblem(features: features, labels: labels, classCount: classCount, team: team)
        let (fitting, heldOut) = split(labels: labels, classCount: classCount, seed: seed)
        guard strengths.count > 1, !heldOut.isEmpty, !fitting.isEmpty else { return try all.fit(strength: first) }

        let problem = ProbeProblem(
            features: features.rows(fitting), labels: fitting.map { labels[$0] }, classCount: classCount, team: team)
        let heldOutFeatures = features.rows(heldOut)
        let heldOutLabels = heldOut.map { labels[$0] }
        var best: (strength: Double, loss: SoftmaxRegression.Loss)?
        for strength in strengths {
            let probe = try problem.fit(strength: strength)
            let loss = SoftmaxRegression.loss(
                logits: try probe.logits(heldOutFeatures, team: team), labels: heldOutLabels, classCount: classCount)
            let isBetter =
                best.map {
                    (loss.correctCount, -loss.lossSum) > ($0.loss.correctCount, -$0.loss.lossSum)
                } ?? true
            if isBetter { best = (strength, loss) }
        }
        return try all.fit(strength: best?.strength ?? first)
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

    /// The class with the largest logit for each row of features [N, D].
    /// - Throws: `HeadError.shapeMismatch`.
    public func predict(_ features: Tensor, team: WorkerTeam) throws -> [Int] {
        let (logits, classCount) = (try logits(features, team: team), classifier.classCount)
        return (0..<features.shape[0]).map { row in
            Ranking.first(of: logits[row * classCount..<(row + 1) * classCount]) ?? 0
        }
    }

    /// Every fifth sample of each class, in an order drawn from `seed`, is held out; indices rise in both parts.
    private static func split(labels: [Int], classCount: Int, seed: UInt64) -> (fitting: [Int], heldOut: [Int]) {
        var members = Array(repeating: [Int](), count: classCount)
        for (index, label) in labels.enumerated() { members[label].append(index) }
        var (fitting, heldOut) = ([Int](), [Int]())
        for (label, samples) in members.enumerated() {
            var stream = RandomStream(seed: seed, purpose: .split, label, 0x9B0B)
            for (position, sample) in stream.shuffled(samples).enumerated() {
                if position % 5 == 4 { heldOut.append(sample) } else { fitting.append(sample) }
            }
        }
        return (fitting.sorted(), heldOut.sorted())
    }
}

extension Tensor {
    /// The given rows of a matrix.
    fileprivate func rows(_ indices: [Int]) -> Tensor {
        let width = shape[1]
        var result: [Float] = []
        result.reserveCapacity(indices.count * width)
        for index in indices { result += values[index * width..<(index + 1) * width] }
        return Tensor(shape: [indices.count, width], values: result)
    }
}

/// The fit of one set of samples: standardised features, and the regularised loss with its gradient.
///
/// The products run in Float, sums over samples and the minimiser in Double.
private struct ProbeProblem {
    let features: [Float]
    let mean, deviation: [Double]
    let labels: [Int]
    let channelCount, classCount: Int
    let team: WorkerTeam

    init(features: Tensor, labels: [Int], classCount: Int, team: WorkerTeam) {
        let (count, width) = (features.shape[0], features.shape[1])
        var mean = [Double](repeating: 0, count: width)
        var square = mean
        for row in 0..<count {
            for column in 0..<width { mean[column] += Double(features.values[row * width + column]) }
        }
        for column in 0..<width { mean[column] /= Double(count) }
        for row in 0..<count {
            for column in 0..<width {
                let difference = Double(features.values[row * width + column]) - mean[column]
                square[column] += difference * difference
            }
        }
        // A constant feature stays 0 after centring and says nothing.
        let deviation = square.map { $0 > 0 ? ($0 / Double(count)).squareRoot() : 1 }
        var standardised = features.values
        for row in 0..<count {
            for column in 0..<width {
                let value = Double(standardised[row * width + column])
                standardised[row * width + column] = Float((value - mean[column]) / deviation[column])
            }
        }
        self.features = standardised
        (self.mean, self.deviation) = (mean, deviation)
        self.labels = labels
        self.classCount = classCount
        self.team = team
        channelCount = width
    }

    /// Loss and gradient at (weights [C, D], bias [C]).
    func evaluate(_ point: [Double], strength: Double) -> (value: Double, gradient: [Double]) {
        let (N, D, C) = (labels.count, channelCount, classCount)
        var logits = SoftmaxRegression.logits(
            rows: features, weights: point[..<(C * D)].map { Float($0) }, rowCount: N, channelCount: D, classCount: C,
            team: team)
        for image in 0..<N {
            for index in 0..<C { logits[image * C + index] += Float(point[C * D + index]) }
        }
        let loss = SoftmaxRegression.loss(logits: logits, labels: labels, classCount: C)
        let ofWeights = SoftmaxRegression.weightGradient(
            ofLogits: loss.gradient, rows: features, rowCount: N, channelCount: D, classCount: C, team: team)
        var gradient = [Double](repeating: 0, count: point.count)
        var penalty = 0.0
        for index in 0..<C * D {
            gradient[index] = Double(ofWeights[index]) / Double(N) + strength * point[index]
            penalty += point[index] * point[index]
        }
        for image in 0..<N {
            for index in 0..<C { gradient[C * D + index] += Double(loss.gradient[image * C + index]) / Double(N) }
        }
        return (loss.lossSum / Double(N) + strength / 2 * penalty, gradient)
    }

    func fit(strength: Double) throws -> LinearProbe {
        let (D, C) = (channelCount, classCount)
        let start = [Double](repeating: 0, count: C * D + C)
        let point = LimitedMemoryMinimiser().minimise(from: start) { evaluate($0, strength: strength) }
        var weights = [Float](repeating: 0, count: C * D)
        var bias = [Float](repeating: 0, count: C)
        for index in 0..<C {
            var offset = point[C * D + index]
            for column in 0..<D {
                let weight = point[index * D + column] / deviation[column]
                weights[index * D + column] = Float(weight)
                offset -= weight * mean[column]
            }
            bias[index] = Float(offset)
        }
        return LinearProbe(
            classifier: try Classifier(weights: weights, bias: bias, signs: .any, classCount: C, channelCount: D),
            regularisation: strength)
    }
}
