import DataSharding
import FeatureCache
import Inference
import MessagePassing
import RunControl
import Tensors

/// Caches on the disks of the nodes.
///
/// The shards of such a cache are cut by logical shard, of training and test images alike, and the index is the same on
/// every node. A node's folder holds the shards of what its ranks host; after a change of ranks it may hold more.
extension Extraction {
    static func fillNodeLocal(
        _ experiment: Experiment, _ team: WorkerTeam, _ communicator: any Communicator, _ stop: StopRequest,
        _ progress: @escaping ProgressHandler
    ) throws -> FeatureCache? {
        let configuration = experiment.configuration
        let logicalShardCount = configuration.training.logicalShards
        let hosting = try ShardHosting(shardCount: logicalShardCount, rankCount: communicator.size)
        let writer = try communicator.together {
            try communicator.activity.allowing(.seconds(3600)) {
                try experiment.makeCacheWriter(groupCount: logicalShardCount)
            }
        }
        let owners = writer.groups(groupCount: logicalShardCount).map { hosting.ranks[$0] }
        let own = owners.indices.filter { owners[$0] == communicator.rank }

        let isPresent = try communicator.activity.allowing(.seconds(3600)) {
            try communicator.allGather(owners.indices.map { writer.isPresent(shard: $0) ? 1 : 0 })
        }
        var missing = own.filter { isPresent[communicator.rank][$0] == 0 }
        let transfers = ShardTransfer.plan(owners: owners, isPresent: isPresent)
        let fetched = try fetch(transfers, writer, communicator, progress)
        missing.removeAll { fetched.contains($0) }

        let missingEverywhere = owners.indices.filter { shard in isPresent.allSatisfy { $0[shard] == 0 } }
        let isFilled = try fill(
            missing, of: missing.filter { !missingEverywhere.contains($0) } + missingEverywhere, writer, experiment,
            team, communicator, stop, progress)
        guard try allRanks(communicator, isFilled) else { return nil }

        // Every shard is some rank's own, so that all together know all that is left out.
        let ownSkipped = try communicator.together {
            try communicator.activity.allowing(.seconds(3600)) { try writer.skippedSamples(inShards: own) }
        }
        let skipped = try communicator.allGather(SkippedSample.bytes(ownSkipped))
            .flatMap { SkippedSample.list(bytes: $0) }.sorted { $0.sample < $1.sample }
        return try communicator.together {
            try experiment.requireAllowed(skipped)
            try writer.record(skipped: skipped)
            return try FeatureCache(
                directory: configuration.cache.directory, expecting: experiment.cacheIdentity, ownShards: Set(own),
                skipped: skipped)
        }
    }

    /// Carries out the transfers of all `rounds`, and returns the shards that arrived here intact. Collective.
    private static func fetch(
        _ rounds: [[ShardTransfer]], _ writer: FeatureCacheWriter, _ communicator: any Communicator,
        _ progress: ProgressHandler
    ) throws -> Set<Int> {
        var fetched: Set<Int> = []
        for (round, transfers) in rounds.enumerated() {
            communicator.activity.begin(step: 0, "fetching features from other ranks")
            var messages = [[UInt8]](repeating: [], count: communicator.size)
            for transfer in transfers where transfer.source == communicator.rank {
                // Without its file, the shard is extracted again.
                messages[transfer.destination] = (try? writer.fileBytes(ofShard: transfer.shard)) ?? []
            }
            let received = try communicator.exchange(messages)
            for transfer in transfers where transfer.destination == communicator.rank {
                let bytes = received[transfer.source]
                if try !bytes.isEmpty && writer.adopt(bytes, as: transfer.shard) { fetched.insert(transfer.shard) }
            }
            progress(
                .init(activity: "fetch features", completed: round + 1, total: rounds.count, unit: "rounds"))
        }
        return fetched
    }
}
