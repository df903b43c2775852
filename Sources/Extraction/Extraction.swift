import Datasets
import DurableFiles
public import FeatureCache
import Glibc
public import Inference
public import MessagePassing
public import RunControl
import SystemPackage
public import Tensors

/// Runs the frozen backbone over a dataset, once, and keeps the feature maps in a cache.
public enum Extraction {
    /// Shards in memory at a time: one is filled while the ones before it are written.
    public static let openShardLimit = 3

    /// Fills the cache of `experiment`, going on with the shards that are already there, and opens it. Collective.
    ///
    /// Memory holds the features of `openShardLimit` shards and an image per worker, whatever the dataset's size. Several ranks
    /// share out the shards; what a shard holds does not depend on who writes it. What is damaged is extracted again, here and
    /// when it is found out later by whoever reads the cache.
    ///
    /// An image that cannot be decoded is an error, or left out, as `dataset.bad_images` says. Which are left out follows
    /// from the images alone; the cache's index lists them, and all ranks get the same list.
    ///
    /// - Parameter note: receives a line for each file that is damaged, on the rank that makes it anew, and others for the user on
    ///   rank 0; from any thread, also later.
    /// - Returns: nil, on all ranks, if `stop` was requested on one of them before the cache was complete; what is written
    ///   stays.
    /// - Throws: the error of the first image that cannot be read, of a cache that holds something else
    ///   (`FeatureCacheError`), or of the disk. The error of an image or the disk may be thrown on one rank alone, so that
    ///   the others need not wait for each other while they work.
    public static func run(
        _ experiment: Experiment, team: WorkerTeam, communicator: any Communicator = SingleProcess(),
        stop: StopRequest = StopRequest(), progress: @escaping ProgressHandler = { _ in },
        note: @escaping NoteHandler = { _ in }
    ) throws -> FeatureCache? {
        communicator.activity.begin(step: 0, "looking for features in \(experiment.configuration.cache.directory)")
        switch experiment.configuration.cache.location {
        case .shared:
            return try fillShared(experiment, team, communicator, stop, progress, note)
        case .nodeLocal:
            return try fillNodeLocal(experiment, team, communicator, stop, progress, note)
        }
    }

    /// How many of the cache's files are not there or not what they should be, of all; nil where there is no cache yet. Writes
    /// nothing.
    /// - Throws: `FeatureCacheError` of a cache that holds something else.
    public static func missingFiles(of experiment: Experiment) throws -> (missing: Int, all: Int)? {
        do {
            let writer = try experiment.makeCacheWriter(mayWriteIndex: false)
            return (try writer.missingShards().count, writer.shardCount)
        } catch FeatureCacheError.noIndex {
            return nil
        } catch FeatureCacheError.mismatch(let directory, let differences) {
            // More views than there were are no other cache.
            guard differences.allSatisfy({ $0.field.hasPrefix("views") || $0.field.hasPrefix("view") }) else {
                throw FeatureCacheError.mismatch(directory: directory, differences: differences)
            }
            return nil
        }
    }

    // MARK: A folder that all ranks see

    private static func fillShared(
        _ experiment: Experiment, _ team: WorkerTeam, _ communicator: any Communicator, _ stop: StopRequest,
        _ progress: @escaping ProgressHandler, _ note: @escaping NoteHandler
    ) throws -> FeatureCache? {
        let writer = try sharedWriter(experiment, communicator)
        if communicator.rank == 0 { writer.divisionNotes(experiment, rankCount: communicator.size).forEach(note) }
        // Each rank looks at the files that it will read, and says which of them are not there: for the whole run, before
        // anybody writes one.
        let own = writer.shards(ofRank: communicator.rank, of: communicator.size)
        let looked = own ?? Set((0..<writer.shardCount).filter { $0 % communicator.size == communicator.rank })
        let found = try survey(looked.sorted(), writer, communicator)
        let missing = try communicator.allGather(ShardNumbers.bytes(found.missing)).enumerated()
            .flatMap { try ShardNumbers.list($1, rank: $0, below: writer.shardCount) }
        // Neighbours of a logical shard to the same rank, as far as possible to the one that will read them.
        let logicalShards = writer.logicalShardCount.flatMap { writer.logicalShards(ofDivisionInto: $0) }
        let line = missing.sorted { (logicalShards?[$0] ?? 0, $0) < (logicalShards?[$1] ?? 0, $1) }
        let (rank, size) = (communicator.rank, communicator.size)
        let part = Array(line[rank * line.count / size..<(rank + 1) * line.count / size])
        let written = try fill(part, of: missing, writer, experiment, team, communicator, stop, progress, note)
        guard try allRanks(communicator, written != nil) else { return nil }

        // What is left out stands in the shards. Rank 0 writes it into the index.
        let skipped = try gatherSkipped(found.skipped + (written ?? []), communicator)
        try communicator.together {
            try experiment.requireAllowed(skipped)
            guard rank == 0 else { return }
            try writer.record(skipped: skipped)
            // Of ranks that died while this run began.
            try DurableFile.removeStaleTemporaries(in: writer.directory)
        }
        return FeatureCache(
            writer, ownShards: own, skipped: skipped,
            mender: experiment.cacheMender(team: team, activity: communicator.activity, note: note))
    }

    /// The writer of a cache that all ranks see: rank 0 writes its index, or checks the one that is there; the others find it.
    private static func sharedWriter(
        _ experiment: Experiment, _ communicator: any Communicator
    ) throws -> FeatureCacheWriter {
        var writer: FeatureCacheWriter?
        let digest = try communicator.fromRank0(allowing: .seconds(3600)) {
            writer = try experiment.makeCacheWriter()
            return Array(writer!.divisionDigest.hexadecimal.utf8)
        }
        return try communicator.together {
            if let writer { return writer }
            return try communicator.activity.allowing(.seconds(3600)) {
                try found(experiment, division: String(decoding: digest, as: UTF8.self))
            }
        }
    }

    /// How long a network file system may take to show a file that another host has written.
    private static let patience = Duration.seconds(15)

    /// The writer of the cache that rank 0 has started, if need be after a while.
    /// - Throws: `ExtractionError.cacheNotShared` if it does not appear.
    private static func found(_ experiment: Experiment, division: String) throws -> FeatureCacheWriter {
        let start = ContinuousClock.now
        while true {
            do {
                let writer = try experiment.makeCacheWriter(mayWriteIndex: false)
                if writer.divisionDigest.hexadecimal == division { return writer }
            } catch FeatureCacheError.noIndex {
            } catch FeatureCacheError.mismatch {
                // An older index, or one of a folder that is not rank 0's.
            }
            guard ContinuousClock.now - start < patience else {
                throw ExtractionError.cacheNotShared(directory: experiment.configuration.cache.directory)
            }
            usleep(200_000)
        }
    }

    // MARK: For both kinds of folders

    /// What is there of `shards`: those that have to be written, and the samples that the others leave out. Collective.
    static func survey(
        _ shards: [Int], _ writer: FeatureCacheWriter, _ communicator: any Communicator
    ) throws -> (missing: [Int], skipped: [SkippedSample]) {
        try communicator.together {
            var result: (missing: [Int], skipped: [SkippedSample]) = ([], [])
            for shard in shards {
                switch try communicator.activity.allowing(.seconds(600), { try writer.presence(ofShard: shard) }) {
                case .present(let skipped): result.skipped += skipped
                case .missing, .damaged: result.missing.append(shard)
                }
            }
            return result
        }
    }

    /// The samples that are left out, from what each rank knows of them. Collective.
    static func gatherSkipped(
        _ own: [SkippedSample], _ communicator: any Communicator
    ) throws -> [SkippedSample] {
        let messages = try communicator.allGather(SkippedSample.bytes(own.sorted { $0.sample < $1.sample }))
        let lists = try messages.enumerated().map { rank, message in
            guard let list = SkippedSample.list(bytes: message) else {
                throw MessagePassingError.malformedMessage(
                    rank: rank, subject: "images that are left out",
                    problem: "it is not a list of numbers with reasons, in rising order")
            }
            return list
        }
        return lists.flatMap { $0 }.sorted { $0.sample < $1.sample }
    }

    /// Whether `condition` holds on all ranks. Collective.
    static func allRanks(_ communicator: any Communicator, _ condition: Bool) throws -> Bool {
        communicator.activity.begin(step: 0, "waiting for the other ranks' features")
        var counts: [Int32] = [condition ? 0 : 1]
        try communicator.sum(&counts)
        return counts[0] == 0
    }
}

/// Numbers of shards on their way to other ranks.
enum ShardNumbers {
    static func bytes(_ shards: [Int]) -> [UInt8] {
        shards.map { UInt32($0) }.withUnsafeBytes { Array($0) }
    }

    /// - Throws: `MessagePassingError.malformedMessage`.
    static func list(_ bytes: [UInt8], rank: Int, below shardCount: Int) throws -> [Int] {
        var reader = WordReader(bytes, rank: rank, subject: "files to be extracted")
        var shards: [Int] = []
        while !reader.isAtEnd {
            let shard = Int(try reader.next())
            guard shard < shardCount else { throw reader.malformed("it names the file \(shard) of \(shardCount)") }
            shards.append(shard)
        }
        return shards
    }
}

extension Experiment {
    /// Starts the cache, or goes on with the one that is there.
    func makeCacheWriter(requiresDivision: Bool = false, mayWriteIndex: Bool = true) throws -> FeatureCacheWriter {
        func make() throws -> FeatureCacheWriter {
            try FeatureCacheWriter(
                directory: configuration.cache.directory, identity: cacheIdentity, samples: allSamples,
                samplesPerShard: configuration.cache.samplesPerShard,
                logicalShardCount: configuration.training.logicalShards, requiresDivision: requiresDivision,
                mayWriteIndex: mayWriteIndex)
        }
        // Who may not write tries again and again.
        return mayWriteIndex ? try namingChangedImages(make) : try make()
    }

    /// Checks that images may be left out, if some are.
    /// - Throws: `ExtractionError.imagesLeftOut` naming the first.
    func requireAllowed(_ skipped: [SkippedSample]) throws {
        guard let first = skipped.first, configuration.dataset.badImages == .error else { return }
        throw ExtractionError.imagesLeftOut(
            cache: configuration.cache.directory, count: skipped.count, image: dataset.path(of: dataset[first.sample]),
            reason: first.reason)
    }
}

extension FeatureCacheWriter {
    /// What a user should know of how a shared cache is divided, for a run on several ranks.
    func divisionNotes(_ experiment: Experiment, rankCount: Int) -> [String] {
        guard rankCount > 1 else { return [] }
        let wanted = experiment.configuration.training.logicalShards
        let reason: String
        if let logicalShardCount {
            guard logicalShardCount != wanted else { return [] }
            reason = "is cut by \(logicalShardCount) logical shards, and training.logical_shards is \(wanted)"
        } else {
            reason = "was made by an older version of this program, which did not cut it by logical shards"
        }
        return [
            "The feature cache \(directory) \(reason): that changes no result, but in training each rank reads from more "
                + "files than its share. Extract into another folder to have it cut anew."
        ]
    }
}
