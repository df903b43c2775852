import DataSharding
import DurableFiles
import FeatureCache
import Inference
import MessagePassing
import RunControl
import Tensors

/// Caches on the disks of the nodes.
///
/// The index is the same on every node. A node's folder holds the shards of what its ranks host; after a change of ranks it may
/// hold more.
extension Extraction {
    static func fillNodeLocal(
        _ experiment: Experiment, _ team: WorkerTeam, _ communicator: any Communicator, _ stop: StopRequest,
        _ progress: @escaping ProgressHandler, _ note: @escaping NoteHandler
    ) throws -> FeatureCache? {
        let logicalShardCount = experiment.configuration.training.logicalShards
        let hosting = try ShardHosting(shardCount: logicalShardCount, rankCount: communicator.size)
        let writer = try communicator.together {
            try communicator.activity.allowing(.seconds(3600)) {
                try experiment.makeCacheWriter(requiresDivision: true)
            }
        }
        guard let logicalShards = writer.logicalShards(ofDivisionInto: logicalShardCount) else {
            preconditionFailure("a cache that is divided by logical shards has no file of several")
        }
        let owners = logicalShards.map { hosting.ranks[$0] }
        let own = owners.indices.filter { owners[$0] == communicator.rank }

        let found = try survey(Array(owners.indices), writer, communicator)
        var skipped = found.skipped.filter { owners[writer.samples.shard(of: $0.sample)] == communicator.rank }
        let absent = Set(found.missing)
        let isPresent = try communicator.allGather(owners.indices.map { absent.contains($0) ? 0 : 1 })
        if let rank = isPresent.firstIndex(where: { $0.count != owners.count }) {
            throw MessagePassingError.malformedMessage(
                rank: rank, subject: "files of its cache",
                problem: "it is about \(isPresent[rank].count) files, not \(owners.count)")
        }
        var missing = own.filter { absent.contains($0) }
        let transfers = ShardTransfer.plan(owners: owners, isPresent: isPresent)
        let fetched = try fetch(transfers, writer, communicator, progress, note)
        missing.removeAll { fetched[$0] != nil }
        skipped += fetched.filter { writer.view(ofShard: $0.key) == 0 }.flatMap(\.value)

        let missingEverywhere = owners.indices.filter { shard in isPresent.allSatisfy { $0[shard] == 0 } }
        let written = try fill(
            missing, of: missing.filter { !missingEverywhere.contains($0) } + missingEverywhere, writer, experiment,
            team, communicator, stop, progress, note)
        guard try allRanks(communicator, written != nil) else { return nil }

        // Every shard is some rank's own, so that all together know all that is left out.
        let allSkipped = try gatherSkipped(skipped + (written ?? []), communicator)
        try communicator.together {
            try experiment.requireAllowed(allSkipped)
            try writer.record(skipped: allSkipped)
            try DurableFile.removeStaleTemporaries(in: writer.directory)
        }
        return FeatureCache(
            writer, ownShards: Set(own), skipped: allSkipped,
            mender: experiment.cacheMender(team: team, activity: communicator.activity, note: note))
    }

    /// Carries out the transfers of all `rounds`, and returns the shards that arrived here intact, with the samples that they
    /// leave out. Collective.
    private static func fetch(
        _ rounds: [[ShardTransfer]], _ writer: FeatureCacheWriter, _ communicator: any Communicator,
        _ progress: ProgressHandler, _ note: NoteHandler
    ) throws -> [Int: [SkippedSample]] {
        var fetched: [Int: [SkippedSample]] = [:]
        for (round, transfers) in rounds.enumerated() {
            communicator.activity.begin(step: 0, "fetching features from other ranks")
            var messages = [[UInt8]](repeating: [], count: communicator.size)
            for transfer in transfers where transfer.source == communicator.rank {
                do {
                    messages[transfer.destination] = try writer.fileBytes(ofShard: transfer.shard)
                } catch let error as DurableFileError {
                    // The other rank gets no bytes, and extracts the shard.
                    note("A file of the feature cache cannot be given to rank \(transfer.destination): \(error)")
                }
            }
            let received = try communicator.exchange(messages)
            for transfer in transfers where transfer.destination == communicator.rank {
                let bytes = received[transfer.source]
                guard !bytes.isEmpty else { continue }
                if let skipped = try writer.adopt(bytes, as: transfer.shard) {
                    fetched[transfer.shard] = skipped
                } else {
                    note(
                        "Shard \(transfer.shard) of the feature cache came damaged from rank \(transfer.source), "
                            + "and is extracted again.")
                }
            }
            progress(
                .init(activity: "fetch features", completed: round + 1, total: rounds.count, unit: "rounds"))
        }
        return fetched
    }
}
