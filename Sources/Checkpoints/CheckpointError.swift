public import DurableFiles
public import SystemPackage

/// What can be wrong with a checkpoint. Files that cannot be read or written are a `DurableFileError`.
public enum CheckpointError: Error, Equatable, Sendable {
    /// There is none where one was looked for.
    case noCheckpoint(path: FilePath)
    /// A file where a checkpoint was looked for.
    case notAFolder(path: FilePath)
    /// The checkpoint was removed while it was read.
    case removed(path: FilePath)
    /// A file of a checkpoint is not there.
    case incomplete(path: FilePath)
    /// `state.json` is damaged or not of the right form.
    case malformedState(path: FilePath, problem: String)
    /// The checkpoint was written by another version of this program.
    case unknownVersion(path: FilePath, found: Int, supported: Int)
    /// A file's content is not what `state.json` says it is.
    case wrongDigest(path: FilePath, expected: ContentDigest, found: ContentDigest)
    /// A file's tensors are not those of a checkpoint.
    case malformedTensors(path: FilePath, problem: String)
    /// A tensor holds a value that is not finite.
    case notFinite(path: FilePath, tensor: String, index: Int)
    /// A metric to be saved is not finite.
    case metricNotFinite(name: String)
    /// A channel map to be saved is not orthogonal.
    case hasDrifted(step: Int, deviation: Double, limit: Double)
    /// The bytes of a checkpoint from another process are not such.
    case malformedMessage(problem: String)
    /// A weight of the classifier is negative.
    case negativeWeight(path: FilePath, classIndex: Int, channel: Int, value: Float)
    /// A weight of the classifier that its mask leaves out is not 0.
    case weightOutsideMask(path: FilePath, classIndex: Int, channel: Int, value: Float)
    /// The channel map is not orthogonal.
    case notOrthogonal(path: FilePath, deviation: Double, limit: Double)
    /// There are checkpoints, but each has something wrong.
    case noneUsable(directory: FilePath, problems: [String])

    /// The exit code (sysexits) of a program that ends with this error: 66 for a missing checkpoint, 70 for a training
    /// that would save nonsense, else 65.
    public var exitCode: Int32 {
        switch self {
        case .noCheckpoint, .notAFolder, .removed: 66
        case .metricNotFinite, .hasDrifted, .malformedMessage: 70
        default: 65
        }
    }
}

extension CheckpointError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noCheckpoint(let path):
            "\(path) holds no checkpoint. Give a run directory, its checkpoints folder or the folder of one step."
        case .notAFolder(let path):
            "\(path) is a file. A checkpoint is a folder: give a run directory, its checkpoints folder or the folder of one step."
        case .removed(let path):
            "\(path) was removed while it was read: a training that goes on keeps its newest checkpoints only. "
                + "Take a newer one, or the run directory, which stands for the newest."
        case .incomplete(let path):
            "\(path) is missing, so the checkpoint is not complete. \(Self.advice)"
        case .malformedState(let path, let problem):
            "\(path) is damaged: \(problem). \(Self.advice)"
        case .unknownVersion(let path, let found, let supported):
            "\(path) has the schema version \(found) and this program reads version \(supported). "
                + "Use the version of the program that wrote it."
        case .wrongDigest(let path, let expected, let found):
            "\(path) is damaged: its SHA-256 is \(found), expected \(expected). \(Self.advice)"
        case .malformedTensors(let path, let problem):
            "\(path) is not of a checkpoint: \(problem). \(Self.advice)"
        case .notFinite(let path, let tensor, let index):
            "\(path): the tensor \"\(tensor)\" is not finite at element \(index). \(Self.advice)"
        case .metricNotFinite(let name):
            "the metric \"\(name)\" is not finite and cannot be saved; the training has diverged. "
                + "Lower the learning rate."
        case .hasDrifted(let step, let deviation, let limit):
            "after step \(step) the channel map is no longer orthogonal: max|U^T U - I| is \(deviation), at most \(limit) is "
                + "allowed. Nothing was saved; the checkpoints before it are good. Lower the learning rate, or use another "
                + "head.channel_map."
        case .malformedMessage(let problem):
            "the checkpoint that rank 0 sent cannot be read: \(problem). All ranks need the same program."
        case .negativeWeight(let path, let classIndex, let channel, let value):
            "\(path): the classifier's weight of class \(classIndex), channel \(channel) is \(value), but none may be "
                + "negative. \(Self.advice)"
        case .weightOutsideMask(let path, let classIndex, let channel, let value):
            "\(path): the classifier's weight of class \(classIndex), channel \(channel) is \(value), but its mask leaves it "
                + "out, so it must be 0. \(Self.advice)"
        case .notOrthogonal(let path, let deviation, let limit):
            "\(path): the channel map is not orthogonal, max|U^T U - I| is \(deviation), at most \(limit) is allowed. "
                + Self.advice
        case .noneUsable(let directory, let problems):
            "no checkpoint in \(directory) can be used: \(problems.joined(separator: " ")) "
                + "Remove them and train again."
        }
    }

    private static let advice = "Use another checkpoint of the run, or remove this one and resume the training."
}
