import DurableFiles
public import FeatureCache
public import Inference
public import MessagePassing
public import RunControl
public import Tensors

extension TrainedModel {
    /// The feature cache the head was trained on. Collective. What is missing in a cache on the nodes' own disks is
    /// fetched from other ranks or extracted again; what is damaged is extracted again when it is read.
    /// - Parameter note: receives a line for each file that is made anew, on the rank that does; from any thread, also later.
    /// - Throws: `FeatureCacheError` if it is gone, incomplete, or holds something else.
    public func cache(
        on communicator: any Communicator = SingleProcess(), team: WorkerTeam = WorkerTeam(),
        progress: @escaping ProgressHandler = { _ in }, note: @escaping NoteHandler = { _ in }
    ) throws -> FeatureCache {
        if configuration.cache.location == .nodeLocal,
            let cache = try Extraction.run(
                experiment, team: team, communicator: communicator, progress: progress, note: note)
        {
            return cache
        }
        return try communicator.together {
            try communicator.activity.allowing(.seconds(3600)) {
                try experiment.namingChangedImages {
                    try FeatureCache(
                        directory: configuration.cache.directory, expecting: experiment.cacheIdentity,
                        rank: (communicator.rank, communicator.size),
                        mender: experiment.cacheMender(team: team, activity: communicator.activity, note: note))
                }
            }
        }
    }
}
