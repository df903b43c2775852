import Datasets
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
    /// share out the shards; what a shard holds does not depend on who writes it.
    /// - Returns: nil, on all ranks, if `stop` was requested on one of them before the cache was complete; what is written
    ///   stays.
    ///
    /// An image that cannot be decoded is an error, or left out, as `dataset.bad_images` says. Which are left out follows
    /// from the images alone; the cache's index lists them, and all ranks get the same list.
    /// - Throws: the error of the first image that cannot be read, of a cache that holds something else
    ///   (`FeatureCacheError`), or of the disk. The error of an image or the disk may be thrown on one rank alone, so that
    ///   the others need not wait for each other while they work.
    public static func run(
        _ experiment: Experiment, team: WorkerTeam, communicator: any Communicator = SingleProcess(),
        stop: StopRequest = StopRequest(), progress: @escaping ProgressHandler = { _ in }
    ) throws -> FeatureCache? {
        communicator.activity.begin(step: 0, "looking for features in \(experiment.configuration.cache.directory)")
        switch experiment.configuration.cache.location {
        case .shared:
            return try fillShared(experiment, team, communicator, stop, progress)
        case .nodeLocal:
            return try fillNodeLocal(experiment, team, communicator, stop, progress)
        }
    }

    // MARK: A folder that all ranks see

    private static func fillShared(
        _ experiment: Experiment, _ team: WorkerTeam, _ communicator: any Communicator, _ stop: StopRequest,
        _ progress: @escaping ProgressHandler
    ) throws -> FeatureCache? {
        // Rank 0 writes the index, or checks the one that is there; and it alone says which shards are missing, since
        // others may come when some have been written.
        var writer: FeatureCacheWriter?
        let message = try communicator.fromRank0(allowing: .seconds(3600)) {
            writer = try experiment.makeCacheWriter()
            return writer!.missingShards.flatMap { withUnsafeBytes(of: Int64($0).littleEndian, Array.init) }
        }
        let missing = message.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 8).map {
                Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Int64.self)))
            }
        }
        try communicator.together {
            guard communicator.rank != 0 else { return }
            let directory = experiment.configuration.cache.directory
            guard wait(.seconds(15), for: { FeatureCache.exists(in: directory) }) else {
                throw ExtractionError.cacheNotShared(directory: directory)
            }
            guard !missing.isEmpty else { return }
            writer = try communicator.activity.allowing(.seconds(3600)) { try experiment.makeCacheWriter() }
        }
        if let writer, !missing.isEmpty {
            let own = missing.indices.filter { $0 % communicator.size == communicator.rank }.map { missing[$0] }
            let isFilled = try fill(own, of: missing, writer, experiment, team, communicator, stop, progress)
            guard try allRanks(communicator, isFilled) else { return nil }
        }
        try communicator.together {
            communicator.activity.allowing(.seconds(3600)) {
                if communicator.size > 1, let writer { _ = wait(.seconds(60), for: { (try? writer.finish()) != nil }) }
            }
        }
        // What is left out stands in the shards. Rank 0 writes it into the index, and tells the others.
        let skipped = try communicator.fromRank0(allowing: .seconds(3600)) {
            let skipped = try writer!.skippedSamples(inShards: 0..<writer!.shardCount)
            try experiment.requireAllowed(skipped)
            try writer!.record(skipped: skipped)
            return SkippedSample.bytes(skipped)
        }
        return try communicator.together {
            try communicator.activity.allowing(.seconds(3600)) {
                try FeatureCache(
                    directory: experiment.configuration.cache.directory, expecting: experiment.cacheIdentity,
                    skipped: SkippedSample.list(bytes: skipped))
            }
        }
    }

    /// Whether `condition` holds, if need be after a while: a network file system may show a file that another host has
    /// written only after some seconds.
    private static func wait(_ patience: Duration, for condition: () -> Bool) -> Bool {
        let start = ContinuousClock.now
        while !condition() {
            if ContinuousClock.now - start > patience { return false }
            usleep(200_000)
        }
        return true
    }

    /// Whether `condition` holds on all ranks. Collective.
    static func allRanks(_ communicator: any Communicator, _ condition: Bool) throws -> Bool {
        communicator.activity.begin(step: 0, "waiting for the other ranks' features")
        var counts: [Int32] = [condition ? 0 : 1]
        try communicator.sum(&counts)
        return counts[0] == 0
    }
}

extension Experiment {
    /// All samples of the dataset in the cache's order, which is that of `Dataset.subscript(_:)`.
    private var allSamples: [(path: String, label: Int, split: String)] {
        Split.allCases.flatMap { split in
            dataset.samples(split).map { (path: $0.path, label: $0.label, split: split.rawValue) }
        }
    }

    /// Starts the cache, or goes on with the one that is there.
    func makeCacheWriter(groupCount: Int? = nil) throws -> FeatureCacheWriter {
        try FeatureCacheWriter(
            directory: configuration.cache.directory, identity: cacheIdentity, samples: allSamples,
            samplesPerShard: configuration.cache.samplesPerShard, groupCount: groupCount)
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
