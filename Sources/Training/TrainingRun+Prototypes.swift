import DataSharding
import DisentangledHead
import Evaluation
import FeatureCache
import MessagePassing
import RunControl
import Tensors

extension TrainingRun {
    /// Searches for the prototypes of a stage if one begins with this epoch (`PrototypePurity`). Collective.
    ///
    /// Each rank looks through the images of its logical shards. The order of prototypes is total (activation, then the number of
    /// the image), so that what is found depends on the head and the features alone.
    mutating func beginEpochOfPrototypes(_ epoch: Int) throws {
        guard
            let count = trainer.configuration.prototypePurity?.prototypeCount(
                beginningWith: epoch, of: schedule.epochCount)
        else { return }
        communicator.activity.begin(step: trainer.step, "searching for the prototypes of epoch \(epoch + 1)")
        let usable = Set(cache.indices(of: "train"))
        let capacity = min(count, usable.count)
        let channelCount = trainer.channelCount
        let own = try communicator.together {
            try communicator.activity.allowing(.seconds(600)) { try strongest(capacity, among: usable) }
        }
        let all = try communicator.merged(own, of: "prototypes")
        let bytes = try communicator.fromRank0(allowing: .seconds(600)) {
            (all ?? []).flatMap(\.words).withUnsafeBytes { Array($0) }
        }
        var reader = WordReader(bytes, rank: 0, subject: "prototypes")
        let found = try (0..<channelCount).map { _ in
            try StrongestSamples(capacity: capacity, readingFrom: &reader).entries.map(\.sample)
        }
        trainer.prototypes = PrototypePairs(found, countPerChannel: capacity, imageCount: usable.count)
    }

    /// The samples of the hosted logical shards in which each channel is largest, by their numbers among the training images.
    private func strongest(_ capacity: Int, among usable: Set<Int>) throws -> [StrongestSamples] {
        let assignment = ShardAssignment(shardCount: shards.shardCount)
        let members = hostedShards.flatMap { assignment.samples(ofShard: $0, of: trainingSamples.count) }
            .filter { usable.contains(trainingSamples[$0]) }
        let head = trainer.head
        let map = experiment.cacheIdentity.featureMap
        var lists = [StrongestSamples](repeating: .init(capacity: capacity), count: head.channelCount)
        for start in stride(from: 0, to: members.count, by: Self.searchBatch) {
            let numbers = Array(members[start..<min(start + Self.searchBatch, members.count)])
            let features = Tensor(
                shape: [numbers.count, map.height, map.width, map.channelCount],
                values: try cache.features(of: numbers.map { trainingSamples[$0] }))
            let pooled = try head.pooledActivations(features, team: team)
            lists = try team.map(head.channelCount) { [lists] _, channel in
                var list = lists[channel]
                for (row, number) in numbers.enumerated() {
                    let index = row * head.channelCount + channel
                    guard pooled.maxima[index] > 0 else { continue }
                    list.offer(
                        StrongSample(
                            strength: pooled.maxima[index], sample: number, pixel: Int(pooled.maximumPixels[index])))
                }
                return list
            }
            communicator.activity.progress()
        }
        return lists
    }

    /// Images that are looked at together.
    private static let searchBatch = 64
}
