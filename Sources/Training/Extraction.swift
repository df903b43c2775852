import Backbones
import Datasets
import FeatureCache
import ImageCoding
import Synchronization
import SystemPackage
import Tensors

/// Runs the frozen backbone over a dataset, once, and keeps the feature maps in a cache.
public enum Extraction {
    /// Images that a worker takes, on average, between two visits to the shard that is being filled.
    private static let imagesPerWorker = 16

    /// Fills the cache of `experiment`, going on with the shards that are already there, and opens it.
    ///
    /// Memory holds the features of one shard and a few images per worker, whatever the dataset's size.
    /// - Returns: nil if `stop` was requested before the cache was complete; what is written stays.
    /// - Throws: the error of the first image that cannot be read, of a cache that holds something else
    ///   (`FeatureCacheError`), or of the disk.
    public static func run(
        _ experiment: Experiment, team: WorkerTeam, stop: StopRequest = StopRequest(),
        progress: @escaping ProgressHandler = { _ in }
    ) throws -> FeatureCache? {
        let directory = experiment.configuration.cache.directory
        let writer = try FeatureCacheWriter(
            directory: directory, identity: experiment.cacheIdentity, samples: experiment.allSamples,
            samplesPerShard: experiment.configuration.cache.samplesPerShard)
        let missing = writer.missingShards
        let missingCount = missing.reduce(0) { $0 + writer.samples(inShard: $1).count }
        let total = writer.samples.count
        let completed = Mutex(total - missingCount)
        let workspaces = WorkerLocal(team) { experiment.backbone.makeWorkspace() }

        for shard in missing {
            let samples = writer.samples(inShard: shard)
            var builder = writer.makeShard(shard)
            for start in stride(from: 0, to: samples.count, by: team.workerCount * imagesPerWorker) {
                if stop.isRequested { return nil }
                let part = samples[start..<min(samples.count, start + team.workerCount * imagesPerWorker)]
                let maps = try team.map(part.count) { worker, index in
                    let path = experiment.dataset.root.appending(part[part.startIndex + index].path)
                    let map = try experiment.featureMap(ofImageAt: path, workspace: workspaces[worker])
                    completed.withLock { completed in
                        completed += 1
                        progress(.init(activity: "extract", completed: completed, total: total, unit: "images"))
                    }
                    return map.values
                }
                for map in maps { try builder.append(map) }
            }
            try builder.write()
        }
        try writer.finish()
        return try FeatureCache(directory: directory, expecting: experiment.cacheIdentity)
    }
}

extension Experiment {
    /// All samples of the dataset in the cache's order.
    var allSamples: [(path: String, label: Int, split: String)] {
        Split.allCases.flatMap { split in
            dataset.samples(split).map { (path: $0.path, label: $0.label, split: split.rawValue) }
        }
    }

    /// The feature map [1, H, W, D] of an image file, computed on the calling thread.
    package func featureMap(ofImageAt path: FilePath, workspace: BackboneWorkspace) throws -> Tensor {
        featureMap(of: input.pixels(of: try ImageDecoder.decode(contentsOf: path)), workspace: workspace)
    }

    /// The feature map [1, H, W, D] of what the network sees of an image.
    package func featureMap(of pixels: PixelImage, workspace: BackboneWorkspace) -> Tensor {
        backbone.featureMaps(
            of: Tensor(shape: [1, input.crop, input.crop, 3], values: input.normalised(pixels)), workspace: workspace)
    }
}
