import Checkpoints
import DisentangledHead
import Inference
import RunConfiguration
import StrictJSON
import SystemPackage

extension Checkpoint {
    /// What the trainer needs to go on exactly.
    func trainerState(of configuration: RunConfiguration.Head) throws -> HeadTrainerState {
        HeadTrainerState(
            step: state.step, head: try head(as: configuration),
            optimizer: optimizer.map { NamedTensor(name: $0.name, shape: $0.shape, values: $0.elements) })
    }

    /// Checks that the checkpoint is of the run that `experiment` describes, of as many epochs or of fewer, but for how many
    /// channels its map turns.
    /// - Throws: `TrainingError.edited`, `.configurationDiffers` naming the keys, `.epochsDiffer`, `.beyondTheEnd`, or
    ///   `ExperimentError.provenanceDiffers`.
    func requireSameRun(as experiment: Experiment, schedule: RunSchedule) throws {
        guard state.edits.isEmpty else {
            throw TrainingError.edited(
                checkpoint: directory, edits: state.edits.map(\.summary).joined(separator: "; then "))
        }
        var recorded = try RunConfiguration(
            recordedIn: state, of: directory, overrides: experiment.configuration.locations)
        let epochs = (recorded: recorded.training.epochs, asked: experiment.configuration.training.epochs)
        recorded.training.epochs = epochs.asked
        // What counts is the tensors, see `requireSameMap`.
        recorded.head.mapRank = experiment.configuration.head.mapRank
        let differences = recorded.differences(from: experiment.configuration)
        guard differences.isEmpty else {
            throw TrainingError.configurationDiffers(checkpoint: directory, differences: differences)
        }
        if epochs.recorded != epochs.asked, let reason = recorded.reasonForFixedEpochs {
            throw TrainingError.epochsDiffer(
                checkpoint: directory, recorded: epochs.recorded, asked: epochs.asked, reason: reason)
        }
        guard state.step <= schedule.totalSteps else {
            throw TrainingError.beyondTheEnd(checkpoint: directory, step: state.step, totalSteps: schedule.totalSteps)
        }
        try requireSameData(as: experiment)
    }
}

extension RunConfiguration {
    /// Why a run cannot be given more epochs once it has begun; nil if it can.
    fileprivate var reasonForFixedEpochs: String? {
        if training.schedule != .constant {
            return
                "the learning rate of training.schedule \(training.schedule.rawValue) depends on the number of all steps"
        }
        if head.mode == .posthoc {
            return "when the prototypes of head.mode posthoc become fewer depends on the number of all epochs"
        }
        if head.pooling.hasTemperature, head.temperature[0] != head.temperature[1] {
            return "the temperature of head.pooling \(head.pooling.rawValue) depends on the number of all steps"
        }
        if head.channelsPerClass != nil {
            return "when channels are left out for head.channels_per_class depends on the number of all steps"
        }
        if head.channelsPerImage != nil {
            return "how many channels of an image count for head.channels_per_image depends on the number of all steps"
        }
        if head.gauge {
            return "when head.gauge brings the classifier to its column minimum depends on the number of all steps"
        }
        if head.pooling == .annealed {
            return "the sharpness of head.pooling annealed depends on the number of all steps"
        }
        return nil
    }
}

extension RunConfiguration.Head {
    /// How many channels the channel map of a run turns that begins as I; nil for all, and where it turns none.
    func turnedCount(channelCount: Int, trainingImageCount: Int) -> Int? {
        guard channelMap != .identity, mode == .infodisent else { return nil }
        return mapRank.turnedCount(channelCount: channelCount, trainingImageCount: trainingImageCount)
    }

    /// Checks that a checkpoint's channel map turns as many channels as it is to turn. With `auto` that may be all, as in runs from
    /// before there was a choice, or what the head turned that the run began with.
    /// - Parameter turnedCount: how many a run turns that begins as I.
    /// - Throws: `TrainingError.configurationDiffers`.
    func requireSameMap(as state: HeadTrainerState, turnedCount: Int?, in checkpoint: FilePath) throws {
        let recorded = state.turnedChannelCount
        if recorded == turnedCount { return }
        if mapRank == .automatic, recorded == nil || startDigest != nil { return }
        let name = recorded.map { "\($0)" } ?? "all"
        throw TrainingError.configurationDiffers(
            checkpoint: checkpoint, differences: ["head.map_rank was \(name) and is \(mapRank) now"])
    }
}

extension CheckpointState {
    /// The state of a run of `experiment` after some steps.
    init(
        _ trainer: HeadTrainerState, experiment: Experiment, epoch: Int, metrics: [String: Double],
        channelNames: [Int: String]
    ) throws {
        let identity = experiment.cacheIdentity
        self.init(
            step: trainer.step, epoch: epoch, seed: UInt64(experiment.configuration.run.seed),
            configuration: experiment.configuration.yaml(leavingOut: RunConfiguration.unrecordedKeys),
            classNames: identity.classNames, backbone: identity.backbone, weightDigest: identity.weightDigest,
            input: try JSONValue(encoding: identity.input), datasetFingerprint: identity.datasetFingerprint,
            metrics: metrics, channelNames: channelNames)
    }
}
