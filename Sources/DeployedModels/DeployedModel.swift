import Backbones
public import Checkpoints
public import DisentangledHead
import DurableFiles
import FeatureCache
public import ImageCoding
import Inference
public import MessagePassing
public import RunConfiguration
import StrictJSON
public import SystemPackage
public import Tensors
import WeightFiles

/// A trained head with the backbone it was trained on, for any images: it needs neither the dataset nor the cache of its training.
///
/// What an image gets is bit for bit what `TrainedModel` gives it.
public struct DeployedModel: Sendable {
    public let checkpoint: Checkpoint
    public let configuration: RunConfiguration
    public let input: InputTransform
    public let head: Head
    /// The shape of a feature map.
    public let featureMap: FeatureMapShape
    let backbone: Backbone

    /// Names of the classes by label, as the checkpoint records them.
    public var classNames: [String] { checkpoint.state.classNames }
    /// The name of the backbone.
    public var backboneName: String { backbone.name }
    /// The checkpoint's folder name, such as step-00001234.
    public var checkpointName: String { checkpoint.directory.lastComponent?.string ?? "" }

    /// The folder of the run the checkpoint belongs to; nil for a checkpoint that was moved out of its run.
    public var runDirectory: FilePath? { TrainedModel.runDirectory(of: checkpoint) }

    /// Reads the checkpoint at `path` (a run directory, its checkpoints folder, or one checkpoint's folder) and its weights.
    /// Collective: rank 0 reads the checkpoint and gives it to the others.
    ///
    /// - Parameter overrides: `section.key=value`, for weights that have moved.
    /// - Throws: `CheckpointError`, `ConfigurationError`, the error of weights that are gone, and
    ///   `ExperimentError.provenanceDiffers` if they are not the ones the checkpoint was made from.
    public init(
        _ path: FilePath, overrides: [String] = [], communicator: any Communicator = SingleProcess()
    ) throws {
        communicator.activity.begin(step: 0, "reading the checkpoint \(path)")
        let read = try communicator.checkpointFromRank0 {
            try CheckpointStore.withCheckpoint(at: path) { try Checkpoint(reading: $0.absolute) }
        }
        guard let checkpoint = read else { preconditionFailure("rank 0 reads a checkpoint or throws") }
        // No value holds a zero byte.
        let text = try communicator.fromRank0(allowing: .seconds(60)) {
            Array(
                try TrainedModel.locations(ofRun: TrainedModel.runDirectory(of: checkpoint)).joined(separator: "\0")
                    .utf8)
        }
        let locations = text.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        communicator.activity.begin(step: 0, "reading the weights")
        self = try communicator.together {
            try communicator.activity.allowing(.seconds(3600)) {
                try Self(checkpoint, overrides: locations + overrides)
            }
        }
    }

    private init(_ checkpoint: Checkpoint, overrides: [String]) throws {
        self.checkpoint = checkpoint
        // Places that nothing here looks at, for a checkpoint outside its run.
        let unused = ["run.directory=none", "dataset.root=none", "cache.directory=none"]
        configuration = try RunConfiguration(
            recordedIn: checkpoint.state, of: checkpoint.directory, overrides: unused + overrides)
        let name = configuration.backbone.name ?? DemoBackbone.name
        let path = configuration.backbone.weights ?? DemoBackbone.weights
        let weights: WeightFile
        do {
            weights = try WeightFile.open(path)
        } catch DurableFileError.missing(path) {
            throw ExperimentError.moved(checkpoint: checkpoint.directory, key: "backbone.weights", path: path)
        }
        let digest = try weights.digest()
        backbone = try Backbone.load(
            name: name, weights: weights, choice: configuration.backbone.networkChoice,
            compute: configuration.backbone.compute)
        input = configuration.input.applied(to: try backbone.input(preset: configuration.input.preset))
        try input.validate()
        for (what, recorded, found) in [
            ("backbone", checkpoint.state.backbone, backbone.name),
            ("weight file (SHA-256)", "\(checkpoint.state.weightDigest)", "\(backbone.identity(ofFile: digest))"),
            ("input preset", checkpoint.state.input.text(), try JSONValue(encoding: input).text()),
        ] where recorded != found {
            throw ExperimentError.provenanceDiffers(
                checkpoint: checkpoint.directory, what: what, expected: recorded, found: found)
        }
        featureMap = backbone.featureMapShape(crop: input.crop)
        head = try checkpoint.head(as: configuration.head)
        guard head.channelCount == featureMap.channelCount else {
            throw HeadError.shapeMismatch(
                tensor: "channel_map", expected: [featureMap.channelCount, featureMap.channelCount],
                found: [head.channelCount, head.channelCount])
        }
    }

    func makeWorkspace() -> BackboneWorkspace { backbone.makeWorkspace() }

    /// What the head makes of what the network sees of an image, computed on the calling thread.
    func forward(_ pixels: PixelImage, workspace: BackboneWorkspace, alone: WorkerTeam) throws -> HeadForward {
        let image = Tensor(shape: [1, input.crop, input.crop, 3], values: input.normalised(pixels))
        let features = configuration.cache.precision.rounded(backbone.featureMaps(of: image, workspace: workspace))
        return try head.forward(features, team: alone)
    }
}
