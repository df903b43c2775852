import SystemPackage

/// What can go wrong in training, beyond the errors of the files involved.
public enum TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another process trains in the same run directory.
    case runInUse(directory: FilePath, holder: String?)
    /// A fresh start was asked for, but the run directory holds checkpoints.
    case runExists(directory: FilePath)
    /// The checkpoint to resume from was made with another configuration.
    case configurationDiffers(checkpoint: FilePath, differences: [String])
    /// Another number of epochs, where what all steps do depends on that number.
    case epochsDiffer(checkpoint: FilePath, recorded: Int, asked: Int, reason: String)
    /// Fewer epochs than the run has behind it.
    case beyondTheEnd(checkpoint: FilePath, step: Int, totalSteps: Int)
    /// A person has changed the head of the checkpoint that a training is to go on from.
    case edited(checkpoint: FilePath, edits: String)
    /// The checkpoint's figures of the epoch in work are not what training writes.
    case metricsUnreadable(checkpoint: FilePath)
    /// The head's parameters are no longer numbers.
    case diverged(step: Int, detail: String)
    /// The dataset has fewer training images than logical shards, or none at all.
    case tooFewSamples(count: Int, shards: Int)
    /// More training images than the prototypes of a head that keeps a classifier can be chosen from.
    case tooManySamples(count: Int, limit: Int)
    /// The backbone's own classifier is asked for by `key`, and does not fit.
    case classifierNotInWeights(key: String, value: String, weights: FilePath, reason: String, instead: String)

    /// The head that the training is to begin with does not fit.
    case startUnfit(start: FilePath, problem: String, remedy: String)
    /// A digest of the head to begin with, but no such head.
    case startNotGiven(digest: String)
    /// A list of budgets that cannot be swept over.
    case badBudgets(problem: String)
    /// A configuration whose budgets cannot be swept over.
    case sweepUnfit(problem: String, remedy: String)
    /// The folder for a sweep holds a run of its own.
    case sweepOverRun(directory: FilePath)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .runInUse, .runExists, .configurationDiffers, .epochsDiffer, .beyondTheEnd, .edited, .tooFewSamples,
            .tooManySamples,
            .classifierNotInWeights, .startUnfit, .startNotGiven, .sweepUnfit, .sweepOverRun:
            78
        case .badBudgets: 64
        case .metricsUnreadable: 65
        case .diverged: 70
        }
    }

    public var description: String {
        switch self {
        case .runInUse(let directory, let holder):
            """
            Another process is training in \(directory)\(holder.map { " (\($0))" } ?? ""). Wait for it to end, or choose another \
            run.directory.
            """
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
        case .epochsDiffer(let checkpoint, let recorded, let asked, let reason):
            """
            \(checkpoint) is of a run of \(recorded) epochs, and training.epochs is \(asked) now: \(reason), so a run of \
            \(asked) epochs differs from its first step on. Train it in another run.directory; the features in the cache \
            are used again. (A run with training.schedule: constant can be given more epochs later.)
            """
        case .beyondTheEnd(let checkpoint, let step, let totalSteps):
            """
            \(checkpoint) is of step \(step), but a run of this training.epochs ends with step \(totalSteps). Raise \
            training.epochs, go on from an older checkpoint with --resume DIR, or choose another run.directory.
            """
        case .edited(let checkpoint, let edits):
            """
            \(checkpoint) was edited after its training (\(edits)), so no training goes on from it: it would be none of the run. \
            To train on with this head, begin a run of its own with head.start: \(checkpoint), in another run.directory.
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
        case .tooManySamples(let count, let limit):
            """
            The dataset has \(count) training images, and head.mode posthoc takes fewer than \(limit), as checkpoints name them in \
            single precision. Train on fewer images, or with head.mode: infodisent.
            """
        case .classifierNotInWeights(let key, let value, let weights, let reason, let instead):
            """
            \(key) is \(value), but \(weights) \(reason). Use \(key): \(instead).
            """
        case .startUnfit(let start, let problem, let remedy):
            """
            head.start: \(start) \(problem). \(remedy).
            """
        case .startNotGiven(let digest):
            """
            head.start_digest is \(digest), but head.start does not say where that head is. Set head.start to its run directory \
            or checkpoint, or leave head.start_digest out.
            """
        case .badBudgets(let problem):
            """
            --sweep-budget: \(problem). It takes numbers of channels from 1 up, each once, and all, such as 3,5,10,20,all.
            """
        case .sweepUnfit(let problem, let remedy):
            """
            --sweep-budget: \(problem). \(remedy).
            """
        case .sweepOverRun(let directory):
            """
            \(directory) already holds a run, and the runs of a sweep go into folders of its own. Choose another run.directory.
            """
        }
    }
}
