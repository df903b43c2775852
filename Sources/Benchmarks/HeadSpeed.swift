import DisentangledHead
import Tensors

/// A training step of the head on random 7 x 7 feature maps, in one process.
public struct HeadSpeed: Sendable {
    public let channelMap: ChannelMapKind
    /// D.
    public let channelCount: Int
    public let gradients: Durations
    public let update: Durations
    public let step: Durations

    /// Measures `repetitions` steps after a first one. C = 200, batches of 64 in 8 logical shards.
    public init(channelMap: ChannelMapKind, channelCount: Int, repetitions: Int, team: WorkerTeam) throws {
        self.channelMap = channelMap
        self.channelCount = channelCount
        var rehearsal = try TrainingRehearsal(
            .init(channelCount: channelCount, classCount: 200, pixelCount: 49, samplesPerShard: 8, logicalShards: 8),
            configuration: HeadConfiguration(channelMap: channelMap), team: team)
        let steps = try (0...repetitions).map { _ in try rehearsal.takeStep() }.dropFirst()
        gradients = Durations(steps.map(\.gradients))
        update = Durations(steps.map(\.update))
        step = Durations(steps.map(\.step))
    }
}
