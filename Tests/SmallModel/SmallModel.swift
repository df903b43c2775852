import Datasets
import Extraction
public import Inference
import RunConfiguration
import SystemPackage
import TemporaryFolders
import Tensors
import Training

/// Runs `body` with a model trained for a moment on a few drawn birds of three classes.
public func withSmallModel(_ body: (TrainedModel) throws -> Void) throws {
    try withTemporaryFolder { folder in
        try PartDataset.generate(
            .init(classCount: 3, trainPerClass: 8, testPerClass: 3, seed: 5, imageSide: 128),
            into: folder.appending("birds"), team: WorkerTeam())
        var configuration = RunConfiguration()
        configuration.run.directory = folder.appending("run")
        configuration.dataset.root = folder.appending("birds")
        configuration.cache.directory = folder.appending("features")
        configuration.training.epochs = 4
        configuration.training.batchSize = 8
        let experiment = try Experiment(configuration)
        guard let cache = try Extraction.run(experiment, team: WorkerTeam()) else {
            preconditionFailure("nobody has asked to stop")
        }
        var run = try TrainingRun(experiment, cache: cache)
        _ = try run.run()
        try body(TrainedModel(folder.appending("run")))
    }
}
