import SystemPackage

/// What can go wrong in extraction, training and evaluation beyond the errors of the files involved.
public enum TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another process trains in the same run directory.
    case runInUse(directory: FilePath)
    /// A fresh start was asked for, but the run directory holds checkpoints.
    case runExists(directory: FilePath)
    /// The checkpoint to resume from was made with another configuration.
    case configurationDiffers(checkpoint: FilePath, differences: [String])
    /// The checkpoint was made from other weights or data than the ones at hand.
    case provenanceDiffers(checkpoint: FilePath, what: String, expected: String, found: String)
    /// The checkpoint's figures of the epoch in work are not what training writes.
    case metricsUnreadable(checkpoint: FilePath)
    /// A checkpoint that was moved out of its run does not say where something is.
    case locationUnknown(checkpoint: FilePath, key: String)
    /// The head's parameters are no longer numbers.
    case diverged(step: Int, detail: String)
    /// A folder that the run writes to lies inside the dataset.
    case insideDataset(key: String, directory: FilePath, dataset: FilePath)
    /// The dataset has more shards than samples, or no samples at all.
    case tooFewSamples(count: Int, shards: Int)
    /// The cache's features cannot be trained on with this configuration.
    case classifierNotInWeights(weights: FilePath, reason: String)
    /// A rank works on something else than rank 0.
    case ranksDiffer(rank: Int, host: String, rank0Host: String, differences: [String])
    /// A rank does not see the folder of a cache that is said to be shared.
    case cacheNotShared(directory: FilePath)
    /// The cache leaves images out, and the configuration does not allow it.
    case imagesLeftOut(cache: FilePath, count: Int, image: FilePath, reason: String)
    /// There are more processes than logical shards for them to host.
    case tooManyRanks(count: Int, shards: Int)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .runInUse, .runExists, .configurationDiffers, .tooFewSamples, .classifierNotInWeights, .ranksDiffer,
            .cacheNotShared, .tooManyRanks, .insideDataset, .locationUnknown:
            78
        case .provenanceDiffers, .metricsUnreadable, .imagesLeftOut: 65
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
        case .provenanceDiffers(let checkpoint, let what, let expected, let found):
            """
            \(checkpoint) was made with another \(what): it records \(expected), but \(found) is at hand. \
            Use the same \(what), or choose another run.directory.
            """
        case .metricsUnreadable(let checkpoint):
            """
            The metrics in \(checkpoint)/state.json are not what training writes. Go on from an older checkpoint with \
            --resume DIR.
            """
        case .locationUnknown(let checkpoint, let key):
            """
            \(checkpoint) is not in a run directory, and does not say itself where things are: pass --set \(key)=PATH.
            """
        case .diverged(let step, let detail):
            """
            Training diverged at step \(step): \(detail) The last checkpoint is good; lower training.learning_rate and \
            train in another run.directory.
            """
        case .insideDataset(let key, let directory, let dataset):
            """
            \(key) (\(directory)) lies inside the dataset (\(dataset)), whose images it would be mixed with. \
            Choose a folder outside.
            """
        case .tooFewSamples(let count, let shards):
            """
            \(count) training images cannot be cut into \(shards) logical shards. Lower training.logical_shards, and \
            training.batch_size with it.
            """
        case .ranksDiffer(let rank, let host, let rank0Host, let differences):
            """
            Rank \(rank) (\(host)) works on something else than rank 0 (\(rank0Host)): \
            \(differences.joined(separator: "; ")). All ranks need the same program, configuration, dataset and weights.
            """
        case .cacheNotShared(let directory):
            """
            The feature cache that rank 0 keeps in \(directory) is not there. Use a folder that all nodes see, or set \
            cache.location to node_local.
            """
        case .imagesLeftOut(let cache, let count, let image, let reason):
            """
            The feature cache \(cache) leaves out \(count) image\(count == 1 ? "" : "s"), the first of which is \(image): \
            \(reason). Set dataset.bad_images to skip to go on without, or mend the images and extract into another folder.
            """
        case .tooManyRanks(let count, let shards):
            """
            \(count) ranks are more than the \(shards) logical shards of training.logical_shards, so that some would have \
            nothing to do. Start at most \(shards) ranks, with more threads each.
            """
        case .classifierNotInWeights(let weights, let reason):
            """
            head.classifier_init is backbone, but \(weights) \(reason). Use head.classifier_init: uniform.
            """
        }
    }
}
