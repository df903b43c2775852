public import FeatureCache
public import Inference
public import MessagePassing
public import RunControl
public import Tensors

extension TrainedModel {
    /// The feature cache the head was trained on. Collective. What is missing in a cache on the nodes' own disks is
    /// fetched from other ranks or extracted again.
    /// - Throws: `FeatureCacheError` if it is gone, incomplete, or holds something else.
    public func cache(
        on communicator: any Communicator = SingleProcess(), team: WorkerTeam = WorkerTeam(),
        progress: @escaping ProgressHandler = { _ in }
    ) throws -> FeatureCache {
        if configuration.cache.location == .nodeLocal,
            let cache = try Extraction.run(experiment, team: team, communicator: communicator, progress: progress)
        {
            return cache
        }
        return try communicator.together {
            try communicator.activity.allowing(.seconds(3600)) {
                try FeatureCache(directory: configuration.cache.directory, expecting: experiment.cacheIdentity)
            }
        }
    }
}
