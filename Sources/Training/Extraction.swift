import Backbones
import Datasets
import FeatureCache
import Glibc
import ImageCoding
import MessagePassing
import Synchronization
import SystemPackage
import Tensors

/// Runs the frozen backbone over a dataset, once, and keeps the feature maps in a cache.
public enum Extraction {
    /// Images that a worker takes, on average, between two visits to the shard that is being filled.
    private static let imagesPerWorker = 16

    /// Fills the cache of `experiment`, going on with the shards that are already there, and opens it. Collective.
    ///
    /// Memory holds the features of one shard and a few images per worker, whatever the dataset's size. Several ranks
    /// share out the shards; what a shard holds does not depend on who writes it.
    /// - Returns: nil, on all ranks, if `stop` was requested on one of them before the cache was complete; what is written
    ///   stays.
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
                throw TrainingError.cacheNotShared(directory: directory)
            }
            guard !missing.isEmpty else { return }
            writer = try communicator.activity.allowing(.seconds(3600)) { try experiment.makeCacheWriter() }
        }
        if let writer, !missing.isEmpty {
            let own = missing.indices.filter { $0 % communicator.size == communicator.rank }.map { missing[$0] }
            let isFilled = try fill(own, of: missing, writer, experiment, team, communicator, stop, progress)
            guard try allRanks(communicator, isFilled) else { return nil }
        }
        return try communicator.together {
            try communicator.activity.allowing(.seconds(3600)) {
                let directory = experiment.configuration.cache.directory
                if communicator.size > 1, let writer { _ = wait(.seconds(60), for: { (try? writer.finish()) != nil }) }
                return try FeatureCache(directory: directory, expecting: experiment.cacheIdentity)
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

    // MARK: Shards

    /// Writes `shards`, this rank's part of the `missing` ones; false if a stop was requested before the last.
    static func fill(
        _ shards: [Int], of missing: [Int], _ writer: FeatureCacheWriter, _ experiment: Experiment,
        _ team: WorkerTeam, _ communicator: any Communicator, _ stop: StopRequest, _ progress: @escaping ProgressHandler
    ) throws -> Bool {
        func imageCount(_ shards: [Int]) -> Int { shards.reduce(0) { $0 + writer.samples(inShard: $1).count } }
        // What is shown is the work of all ranks, on the assumption that the others are as fast as this one.
        let (ownCount, missingCount, total) = (imageCount(shards), imageCount(missing), writer.samples.count)
        let completed = Mutex(0)
        let workspaces = WorkerLocal(team) { experiment.backbone.makeWorkspace() }
        for shard in shards {
            communicator.activity.begin(step: 0, "extracting features, shard \(shard)")
            let samples = writer.sampleIndices(inShard: shard)
            var builder = writer.makeShard(shard)
            for start in stride(from: 0, to: samples.count, by: team.workerCount * imagesPerWorker) {
                if stop.isRequested { return false }
                let part = samples[start..<min(samples.count, start + team.workerCount * imagesPerWorker)]
                let maps = try team.map(part.count) { worker, index in
                    let sample = experiment.dataset[part[part.startIndex + index]]
                    let map = try experiment.featureMap(
                        of: experiment.input.pixels(of: experiment.dataset.image(of: sample)),
                        workspace: workspaces[worker])
                    completed.withLock { completed in
                        completed += 1
                        communicator.activity.progress()
                        progress(
                            .init(
                                activity: "extract",
                                completed: total - missingCount + completed * missingCount / ownCount, total: total,
                                unit: "images"))
                    }
                    return map.values
                }
                for map in maps { try builder.append(map) }
            }
            try communicator.activity.allowing(.seconds(600)) { try builder.write() }
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

    /// The feature map [1, H, W, D] of what the network sees of an image, computed on the calling thread.
    package func featureMap(of pixels: PixelImage, workspace: BackboneWorkspace) -> Tensor {
        backbone.featureMaps(
            of: Tensor(shape: [1, input.crop, input.crop, 3], values: input.normalised(pixels)), workspace: workspace)
    }
}
