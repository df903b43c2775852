import CounterRandom
import MessagePassing
import Tensors

extension LinearProbe {
    /// Passes over the samples that a fit of the default strengths takes, about: 190 for the 50,000 photographs of CIFAR-100.
    package static let usualPassCount = 200

    /// Vectors of the size of the classifier in the minimiser's memory: ten pairs, and those it works on.
    private static let minimiserVectorCount = 25

    /// Bytes of a rank in a fit, beside its rows: a gradient [C, D] for each of its logical shards, the covariance [D, D], and what the
    /// minimiser remembers in double precision.
    package static func byteCount(classCount: Int, channelCount: Int, shardsPerRank: Int) -> Int {
        let pointCount = classCount * (channelCount + 1)
        return 4 * (shardsPerRank * pointCount + channelCount * channelCount)
            + 8 * minimiserVectorCount * pointCount
    }

    /// Core-seconds that a pass over random features takes for each sample, with all threads of `team` busy. `time` takes the
    /// time of what it is given.
    package static func passSeconds(
        classCount: Int, channelCount: Int, team: WorkerTeam, time: (() throws -> Void) throws -> Double
    ) throws -> Double {
        let count = 4 * RowPasses.blockLength * team.workerCount
        var random = RandomStream(seed: 0, purpose: .shuffle, count, channelCount)
        let features = (0..<count * channelCount).map { _ in Float(random.next() >> 40) * 0x1p-24 }
        let problem = try ProbeProblem(
            rows: FeatureRows(
                Tensor(shape: [count, channelCount], values: features), shardCount: team.workerCount),
            labels: (0..<count).map { $0 % classCount }, classCount: classCount,
            isHeldOut: Array(repeating: false, count: count), team: team, communicator: SingleProcess())
        let point = [Double](repeating: 0, count: classCount * (channelCount + 1))
        let seconds = try time { _ = try problem.evaluate(point, strength: 1e-3, .all) }
        return seconds * Double(team.workerCount) / Double(count)
    }
}
