import Datasets
import Extraction
public import FeatureCache
public import Inference
public import RunConfiguration
public import SystemPackage
import TemporaryFolders
import Tensors
public import Training

/// A few drawn birds of three classes in folders of their own, and what is done with them.
public struct SmallRun {
    public var configuration: RunConfiguration

    /// Draws the birds into `folder`, where the cache and the run go too.
    public init(in folder: FilePath, classCount: Int = 3, trainPerClass: Int = 8, testPerClass: Int = 3) throws {
        try PartDataset.generate(
            .init(
                classCount: classCount, trainPerClass: trainPerClass, testPerClass: testPerClass, seed: 5,
                imageSide: 128),
            into: folder.appending("birds"), team: WorkerTeam())
        configuration = RunConfiguration()
        configuration.run.directory = folder.appending("run")
        configuration.dataset.root = folder.appending("birds")
        configuration.cache.directory = folder.appending("features")
        configuration.training.epochs = 4
        configuration.training.batchSize = 8
    }

    public func experiment() throws -> Experiment { try Experiment(configuration) }

    public func cache() throws -> FeatureCache {
        guard let cache = try Extraction.run(experiment(), team: WorkerTeam()) else {
            preconditionFailure("nobody has asked to stop")
        }
        return cache
    }

    /// Trains, from where the run directory's last checkpoint is.
    @discardableResult
    public func train(_ resume: TrainingRun.Resume = .automatic) throws -> TrainingRun.Outcome {
        var run = try TrainingRun(experiment(), cache: cache(), resume: resume)
        return try run.run()
    }
}

/// Runs `body` with a model trained for a moment on a few drawn birds of three classes.
public func withSmallModel(_ body: (TrainedModel) throws -> Void) throws {
    try withTemporaryFolder { folder in
        try SmallRun(in: folder).train()
        try body(TrainedModel(folder.appending("run")))
    }
}
