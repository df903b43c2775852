import SystemPackage

/// What can go wrong in training, beyond the errors of the files involved.
public enum TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another process trains in the same run directory.
    case runInUse(directory: FilePath)
    /// A fresh start was asked for, but the run directory holds checkpoints.
    case runExists(directory: FilePath)
    /// The checkpoint to resume from was made with another configuration.
    case configurationDiffers(checkpoint: FilePath, differences: [String])
    /// The checkpoint's figures of the epoch in work are not what training writes.
    case metricsUnreadable(checkpoint: FilePath)
    /// The head's parameters are no longer numbers.
    case diverged(step: Int, detail: String)
    /// The dataset has fewer training images than logical shards, or none at all.
    case tooFewSamples(count: Int, shards: Int)
    /// The classifier should start from the backbone's own, and that does not fit.
    case classifierNotInWeights(weights: FilePath, reason: String)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .runInUse, .runExists, .configurationDiffers, .tooFewSamples, .classifierNotInWeights: 78
        case .metricsUnreadable: 65
        case .diverged: 70
        }
    }

    public var description: String {
        switch self {
        case .runInUse(let directory):
            "Another process is training in \(directory). Wait for it to end, or choose another run.directory."
        case .runExists(let directory):
            """
            \(directory) already holds checkpoints, and a fresh start would lose them. Go on from the last one with \
            --resume auto, or choose another run.directory.
            """
        case .configurationDiffers(let checkpoint, let differences):
            """
            \(checkpoint) was made with another configuration: \(differences.joined(separator: "; ")). \
            Use the same values, or choose another run.directory.
            """
        case .metricsUnreadable(let checkpoint):
            """
            The metrics in \(checkpoint)/state.json are not what training writes. Go on from an older checkpoint with \
            --resume DIR.
            """
        case .diverged(let step, let detail):
            """
            Training diverged at step \(step): \(detail) The last checkpoint is good; lower training.learning_rate and \
            train in another run.directory.
            """
        case .tooFewSamples(let count, let shards):
            """
            \(count) training images cannot be cut into \(shards) logical shards. Lower training.logical_shards, and \
            training.batch_size with it.
            """
        case .classifierNotInWeights(let weights, let reason):
            """
            head.classifier_init is backbone, but \(weights) \(reason). Use head.classifier_init: uniform.
            """
        }
    }
}
