import CounterRandom
import DataSharding
import DisentangledHead
import MessagePassing
import Tensors
import Training

/// Training steps on random features, each part of them timed: what a step costs without any data.
///
/// The parts are those of `TrainingRun`: the gradients of the hosted logical shards, their exact sum, the update, during which the sums
/// beside the channel map's go on where ranks are on several hosts.
package struct TrainingRehearsal {
    /// What a step computes.
    package struct Shape: Equatable, Sendable {
        /// D.
        package var channelCount: Int
        /// C.
        package var classCount: Int
        /// P, pixels of a feature map.
        package var pixelCount: Int
        /// Samples that each logical shard gives to a step.
        package var samplesPerShard: Int
        /// V.
        package var logicalShards: Int

        package init(
            channelCount: Int, classCount: Int, pixelCount: Int, samplesPerShard: Int, logicalShards: Int
        ) {
            self.channelCount = channelCount
            self.classCount = classCount
            self.pixelCount = pixelCount
            self.samplesPerShard = samplesPerShard
            self.logicalShards = logicalShards
        }
    }

    /// Seconds of the parts of a step, each those of the slowest rank.
    package struct Times: Sendable {
        package let gradients: Double
        /// Of what is added before the update (`GradientReduction`).
        package let exactSum: Double
        package let update: Double
        package var step: Double { gradients + exactSum + update }
    }

    private let shape: Shape
    private let communicator: any Communicator
    private let team: WorkerTeam
    private let hostedShards: Range<Int>
    private let features: Tensor
    private let channelMapLearningRate: Double
    /// Who shares the products of the update; at first, the ranks.
    package var sharing: (any ProductSharing)?
    private let reduction: GradientReduction
    private var trainer: HeadTrainer
    private var sums: [[Float]] = []

    /// Collective.
    ///
    /// - Parameters:
    ///   - maps: whose zeros the features have, see `randomFeatures`.
    ///   - turnedCount: channels that the channel map turns; nil for all.
    ///   - channelMapLearningRate: a larger one turns further, which may take more products.
    /// - Throws: `HeadError` for a configuration that cannot be trained, `ShardingError` for more ranks than shards.
    package init(
        _ shape: Shape, zerosOf maps: [Tensor] = [], configuration: HeadConfiguration, turnedCount: Int? = nil,
        channelMapLearningRate: Double = 1e-4, communicator: any Communicator = SingleProcess(), team: WorkerTeam
    ) throws {
        self.shape = shape
        self.channelMapLearningRate = channelMapLearningRate
        self.communicator = communicator
        self.team = team
        hostedShards = try ShardHosting(shardCount: shape.logicalShards, rankCount: communicator.size)
            .shards(ofRank: communicator.rank)
        features = Self.randomFeatures(shape, sampleCount: shape.samplesPerShard, zerosOf: maps)
        trainer = try HeadTrainer(
            rehearsing: configuration, channelCount: shape.channelCount, classCount: shape.classCount,
            turnedCount: turnedCount)
        sharing = try RankSharing.fastest(for: trainer, over: communicator, team: team)
        reduction = try GradientReduction(
            over: communicator, shardCount: shape.logicalShards, threadCount: team.workerCount)
    }

    /// The head as it is after the steps taken.
    package var head: Head { trainer.head }

    /// One step and its times. Collective.
    package mutating func takeStep() throws -> Times {
        var gradients: [HeadGradient] = []
        let (outer, inner) = team.sharing(hostedShards.count)
        let gradientSeconds = try communicator.seconds {
            gradients = try outer.map(hostedShards.count) { [trainer, features] _, _ in
                try trainer.gradient(of: features, team: inner)
            }
        }
        let leaves = zip(hostedShards, gradients).map {
            ExactReduction.Leaf(shard: $0, tensors: $1.tensors)
        }
        var pending: PendingReduction?
        let sumSeconds = try communicator.seconds {
            pending = try reduction.begin(leaves, lengths: trainer.gradientLengths, into: &sums)
        }
        let updateSeconds = try communicator.seconds {
            try trainer.apply(
                &sums, awaiting: pending, sampleCount: shape.logicalShards * shape.samplesPerShard, lossSum: 0,
                learningRate: 1e-4,
                channelMapLearningRate: channelMapLearningRate, team: team, sharing: sharing)
        }
        return Times(gradients: gradientSeconds, exactSum: sumSeconds, update: updateSeconds)
    }

    /// Features [sampleCount, P, D] in [0, 1).
    ///
    /// - Parameter maps: feature maps [1, H, W, D] whose zeros, in turn, are those of the samples too, each time some channels further on: a
    ///   processor learns what comes again and again.
    package static func randomFeatures(_ shape: Shape, sampleCount: Int, zerosOf maps: [Tensor] = []) -> Tensor {
        let length = shape.pixelCount * shape.channelCount
        precondition(maps.allSatisfy { $0.values.count == length }, "maps of \(length) features")
        var stream = RandomStream(seed: 0, purpose: .shuffle, sampleCount, 0)
        let values = [Float](unsafeUninitializedCapacity: sampleCount * length) { values, count in
            for sample in 0..<sampleCount {
                let zeros = maps.isEmpty ? nil : maps[sample % maps.count].values
                for place in 0..<length {
                    let number = Float(stream.next() >> 40) * 0x1p-24
                    let channel = place % shape.channelCount
                    let turned = place - channel + (channel + 17 * sample) % shape.channelCount
                    values[sample * length + place] = zeros?[turned] == 0 ? 0 : number
                }
            }
            count = sampleCount * length
        }
        return Tensor(shape: [sampleCount, shape.pixelCount, shape.channelCount], values: values)
    }
}

extension HeadTrainer {
    /// A head to measure with; if the configuration asks for a teacher, one that knows nothing. If it makes prototypes pure, an image
    /// is one of a sixteenth of the channels, which is more than in most datasets; the searches for them are not in it.
    package init(
        rehearsing configuration: HeadConfiguration, channelCount: Int, classCount: Int, turnedCount: Int? = nil
    ) throws {
        var teacher: DistillationTeacher?
        if configuration.distillation != nil || configuration.prototypePurity != nil {
            teacher = DistillationTeacher(
                try Classifier(
                    weights: Array(repeating: 0, count: classCount * channelCount), classCount: classCount,
                    channelCount: channelCount))
        }
        try self.init(
            configuration: configuration, channelCount: channelCount, classCount: classCount, seed: 0,
            turning: configuration.channelMap == .identity ? nil : turnedCount.map { Array(0..<$0) }, teacher: teacher)
        if configuration.prototypePurity != nil {
            prototypes = PrototypePairs(
                (0..<channelCount).map { [$0 % 16] }, countPerChannel: 1, imageCount: 16)
        }
    }

    /// The gradient of `features` [N, P, D] with labels in turn. What a teacher says of them is known, as it is in a run after the first
    /// epoch.
    package func gradient(of features: Tensor, team: WorkerTeam) throws -> HeadGradient {
        let samples = Array(0..<features.shape[0])
        return try gradient(
            features: features, labels: samples.map { $0 % classCount }, sampleIDs: samples,
            teacherLogits: isDistilled ? Array(repeating: 0, count: samples.count * classCount) : nil, team: team)
    }
}
