import Checkpoints
import DisentangledHead
import Inference
import RunConfiguration
import StrictJSON

extension Checkpoint {
    /// What the trainer needs to go on exactly.
    func trainerState() throws -> HeadTrainerState {
        HeadTrainerState(
            step: state.step, head: try head(),
            optimizer: optimizer.map { NamedTensor(name: $0.name, shape: $0.shape, values: $0.elements) })
    }

    /// Checks that the checkpoint is of the run that `experiment` describes.
    /// - Throws: `TrainingError.configurationDiffers` naming the keys, or `.provenanceDiffers`.
    func requireSameRun(as experiment: Experiment) throws {
        let recorded = try RunConfiguration(
            yaml: state.configuration, source: "\(directory.appending("state.json"))",
            overrides: experiment.configuration.locations)
        let differences = recorded.differences(from: experiment.configuration)
        guard differences.isEmpty else {
            throw TrainingError.configurationDiffers(checkpoint: directory, differences: differences)
        }
        try requireSameData(as: experiment)
    }
}

extension CheckpointState {
    /// The state of a run of `experiment` after some steps.
    init(_ trainer: HeadTrainerState, experiment: Experiment, epoch: Int, metrics: [String: Double]) throws {
        let identity = experiment.cacheIdentity
        self.init(
            step: trainer.step, epoch: epoch, seed: UInt64(experiment.configuration.run.seed),
            configuration: experiment.configuration.yaml(leavingOut: RunConfiguration.locationKeys),
            classNames: identity.classNames, backbone: identity.backbone, weightDigest: identity.weightDigest,
            input: try JSONValue(encoding: identity.input), datasetFingerprint: identity.datasetFingerprint,
            metrics: metrics)
    }
}
