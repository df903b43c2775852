import DataSharding
import DisentangledHead
import FeatureCache
import Inference
import MessagePassing
import RunConfiguration
import Tensors

extension Experiment {
    /// The `count` channels that tell the classes of the training images apart best, where the channel map turns no more than these
    /// (`ChannelSeparation`). Collective; all ranks get the same, whatever their number.
    ///
    /// - Parameter trainingSamples: all training images, also those without features.
    /// - Throws: what reading the cache throws.
    func turnedChannels(
        _ count: Int, cache: FeatureCache, trainingSamples: [Int], hostedShards: Range<Int>, team: WorkerTeam,
        communicator: any Communicator
    ) throws -> [Int] {
        communicator.activity.begin(step: 0, "choosing the channels that the channel map turns")
        let map = cacheIdentity.featureMap
        let classCount = dataset.classNames.count
        let usable = Set(cache.indices(of: "train"))
        let assignment = ShardAssignment(shardCount: configuration.training.logicalShards)
        let members = hostedShards.map { shard in
            assignment.samples(ofShard: shard, of: trainingSamples.count).map { trainingSamples[$0] }
                .filter(usable.contains)
        }
        let separations = try communicator.together {
            try communicator.activity.allowing(.seconds(600)) {
                let (outer, inner) = team.sharing(members.count)
                return try outer.map(members.count) { _, index in
                    var separation = ChannelSeparation(classCount: classCount, channelCount: map.channelCount)
                    for start in stride(from: 0, to: members[index].count, by: 32) {
                        let samples = Array(members[index][start..<min(start + 32, members[index].count)])
                        let features = try cache.features(of: samples)
                        separation = try features.withUnsafeBufferPointer { features in
                            // There is a sample, and so an address.
                            let batch = FeatureBatch(
                                features: features.baseAddress!, imageCount: samples.count,
                                pixelCount: map.height * map.width, channelCount: map.channelCount)
                            return try separation.adding(
                                batch, labels: samples.map { cache.samples.label(of: $0) }, team: inner)
                        }
                        communicator.activity.progress()
                    }
                    return separation
                }
            }
        }
        let reduction = ExactReduction(
            tensorLengths: ChannelSeparation.lengths(classCount: classCount, channelCount: map.channelCount),
            leafCount: assignment.shardCount, over: communicator, threadCount: team.workerCount)
        let sums = try reduction.sum(
            zip(hostedShards, separations).map { ExactReduction.Leaf(shard: $0, tensors: $1.tensors) })
        return ChannelSeparation(tensors: sums).channels(count)
    }
}
