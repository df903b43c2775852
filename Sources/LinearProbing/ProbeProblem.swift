import DisentangledHead
import MessagePassing
import Tensors

/// The regularised loss of standardised features with its gradient, over the rows of all ranks.
///
/// Each logical shard computes its part in an order of its own, and the parts are added exactly: the same bits on any number of
/// ranks and threads. Products run in Float; sums of losses, and the minimiser, in Double.
struct ProbeProblem {
    /// Which samples a pass goes through.
    enum Part {
        case all, fitting, heldOut
    }

    let rows: FeatureRows
    /// [N], of all samples.
    let labels: [Int]
    let classCount: Int
    let isHeldOut: [Bool]
    let team: WorkerTeam
    let communicator: any Communicator
    /// [D], of all samples.
    let mean, deviation: [Float]
    /// Of the standardised features of all samples, [D, D].
    let covariance: [Float]
    private let reduction: ExactReduction
    private let passes: RowPasses

    var channelCount: Int { rows.width }

    /// Collective.
    /// - Throws: on all ranks, `HeadError.notFinite` (elsewhere `MessagePassingError.failedElsewhere`), `DurableFileError`.
    init(
        rows: FeatureRows, labels: [Int], classCount: Int, isHeldOut: [Bool], team: WorkerTeam,
        communicator: any Communicator
    ) throws {
        self.rows = rows
        self.labels = labels
        self.classCount = classCount
        self.isHeldOut = isHeldOut
        self.team = team
        self.communicator = communicator
        reduction = ExactReduction(
            tensorLengths: [classCount * rows.width, classCount], leafCount: rows.shardCount, over: communicator,
            threadCount: team.workerCount)
        let statistics = try FeatureStatistics(
            of: RowPasses(rows: rows, team: team, communicator: communicator), count: labels.count)
        (mean, deviation, covariance) = (statistics.mean, statistics.deviation, statistics.covariance)
        passes = statistics.standardisingPasses
    }

    /// Number of samples in a part, on all ranks together.
    func count(_ part: Part) -> Int { isHeldOut.count { part.includes(heldOut: $0) } }

    /// Value, gradient and mean of p (1 - p) at (weights [C, D], bias [C]), over the samples of a part. Collective.
    ///
    /// The value is infinite, and the gradient empty, if the logits of a sample are beyond what a Float holds.
    func evaluate(
        _ point: [Double], strength: Double, _ part: Part
    ) throws -> (value: Double, gradient: [Double], curvature: Double) {
        let (D, C, N) = (channelCount, classCount, count(part))
        let (sums, leaves) = try pass(point, part, wantsGradient: true)
        guard sums.loss.isFinite else { return (.infinity, [], 0) }
        let added = try reduction.sum(leaves)
        var penalty = 0.0
        var gradient = [Double](repeating: 0, count: point.count)
        for index in 0..<C * D {
            gradient[index] = Double(added[0][index]) / Double(N) + strength * point[index]
            penalty += point[index] * point[index]
        }
        for index in 0..<C { gradient[C * D + index] = Double(added[1][index]) / Double(N) }
        return (sums.loss + strength / 2 * penalty, gradient, sums.doubt / Double(C))
    }

    /// Mean loss and number of correctly classified samples of a part. Collective.
    func score(_ point: [Double], _ part: Part) throws -> (loss: Double, correctCount: Int) {
        let (sums, _) = try pass(point, part, wantsGradient: false)
        return (sums.loss, sums.correctCount)
    }

    /// Mean loss and doubt, and the number of correct samples, of all ranks; this rank's parts in the sums of the gradients.
    private func pass(
        _ point: [Double], _ part: Part, wantsGradient: Bool
    ) throws -> (SoftmaxRegression.Sums, [ExactReduction.Leaf]) {
        let (D, C, N) = (channelCount, classCount, Double(count(part)))
        let stride = SoftmaxRegression.logitStride(classCount: C)
        let weights = point[..<(C * D)].map { Float($0) }
        let bias = point[(C * D)...].map { Float($0) } + [Float](repeating: 0, count: stride - C)
        let factor = RowFactor(transposing: weights, columnCount: C, depth: D, team: team)
        var leaves: [ExactReduction.Leaf] = []
        let totals = try communicator.sumTogether(count: 4) {
            let results = try passes.map { [labels, isHeldOut] shard, team in
                var gradient = [Float](repeating: 0, count: wantsGradient ? C * D : 0)
                var biasSums = [Double](repeating: 0, count: C)
                var sums = SoftmaxRegression.Sums()
                var logits = [Float](repeating: 0, count: RowPasses.blockLength * stride)
                try passes.forEachBlock(of: shard, { part.includes(heldOut: isHeldOut[$0]) }) { block, samples in
                    let blockLabels = samples.map { labels[$0] }
                    try logits.withUnsafeMutableBufferPointer { logits in
                        nonisolated(unsafe) let logits = logits.baseAddress!
                        nonisolated(unsafe) let block = block
                        let pieces = Self.pieces(of: samples.count)
                        let parts = try team.map(pieces.count) { _, index in
                            let piece = pieces[index]
                            factor.multiply(
                                rows: piece.count, block + piece.lowerBound * D, columns: 0..<C,
                                into: logits + piece.lowerBound * stride, stride: stride)
                            return SoftmaxRegression.replaceByGradient(
                                logits + piece.lowerBound * stride, labels: blockLabels[piece], bias: bias,
                                classCount: C)
                        }
                        for part in parts { sums += part }
                        guard wantsGradient, sums.loss.isFinite else { return }
                        gradient.withUnsafeMutableBufferPointer { gradient in
                            multiply(
                                rows: C, columns: D, depth: samples.count, logits, stride: stride, .transposed,
                                block, stride: D, .asStored, beta: 1, into: gradient.baseAddress!, stride: D,
                                team: team)
                        }
                        for row in 0..<samples.count {
                            for index in 0..<C { biasSums[index] += Double(logits[row * stride + index]) }
                        }
                    }
                }
                return (
                    sums,
                    ExactReduction.Leaf(
                        shard: shard.number, tensors: wantsGradient ? [gradient, biasSums.map { Float($0) }] : [])
                )
            }
            leaves = results.map(\.1)
            var totals: [Int64] = [0, 0, 0, 0]
            for (sums, _) in results {
                let limit = FixedPoint.limit(leafCount: rows.shardCount)
                guard let loss = FixedPoint.integer(sums.loss / N, limit: limit) else {
                    totals[3] += 1
                    continue
                }
                totals[0] += loss
                totals[1] += Int64(sums.correctCount)
                totals[2] += FixedPoint.integer(sums.doubt / N, limit: limit) ?? 0
            }
            return totals
        }
        var sums = SoftmaxRegression.Sums()
        sums.loss = totals[3] > 0 ? .infinity : FixedPoint.double(totals[0])
        sums.correctCount = Int(totals[1])
        sums.doubt = FixedPoint.double(totals[2])
        return (sums, leaves)
    }

    /// What the threads of one shard share out, where they do.
    private static func pieces(of count: Int) -> [Range<Int>] {
        Swift.stride(from: 0, to: count, by: 64).map { $0..<min(count, $0 + 64) }
    }
}

extension ProbeProblem.Part {
    func includes(heldOut: Bool) -> Bool {
        switch self {
        case .all: true
        case .fitting: !heldOut
        case .heldOut: heldOut
        }
    }
}

/// Numbers of the size of a mean loss as integers, whose sums no order changes: in units of 2^-48.
private enum FixedPoint {
    /// The largest magnitude of each of `leafCount` summands.
    static func limit(leafCount: Int) -> Double { 0x1p61 / Double(leafCount) }

    /// Nil if the number is not finite or too large.
    static func integer(_ value: Double, limit: Double) -> Int64? {
        let scaled = (value * 0x1p48).rounded()
        return abs(scaled) <= limit ? Int64(scaled) : nil
    }

    static func double(_ integer: Int64) -> Double { Double(integer) * 0x1p-48 }
}
