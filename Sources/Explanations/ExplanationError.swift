import DurableFiles
import SystemPackage

/// What can go wrong when a model is explained.
public enum ExplanationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A table of prototypes that cannot be used.
    case corruptPrototypes(path: FilePath, reason: String)
    /// The image of a prototype is not the one it was found in.
    case prototypeChanged(path: FilePath, expected: ContentDigest, found: ContentDigest)
    /// A prototype is none of the training images.
    case unknownPrototype(path: String, dataset: FilePath)
    /// The contributions do not add up to the logit.
    case notAdditive(path: String, sum: Double, logit: Float)
    /// A label that is none of the model's classes.
    case noSuchLabel(Int, classCount: Int)
    /// The class asked for is none of the model's.
    case unknownClass(name: String, classCount: Int, suggestion: String?)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .corruptPrototypes, .prototypeChanged, .unknownPrototype: 65
        case .unknownClass, .noSuchLabel: 64
        case .notAdditive: 70
        }
    }

    public var description: String {
        switch self {
        case .corruptPrototypes(let path, let reason):
            "The prototypes in \(path) cannot be used: \(reason). Remove the file; it is made again when needed."
        case .prototypeChanged(let path, let expected, let found):
            """
            \(path) is a prototype, but its content has changed since it was found to be one: SHA-256 \(found) \
            instead of \(expected). Restore the image, or extract the features and train again.
            """
        case .unknownPrototype(let path, let dataset):
            """
            The prototype \(path) is not where the table of prototypes says among the training images of \(dataset). Remove \
            the table; it is made again when needed.
            """
        case .notAdditive(let path, let sum, let logit):
            "The contributions for \(path) add up to \(sum), but the logit is \(logit). This is a fault of the program."
        case .noSuchLabel(let label, let classCount):
            "There is no class with the label \(label): the model has \(classCount) classes, 0 to \(classCount - 1)."
        case .unknownClass(let name, let classCount, let suggestion):
            "'\(name)' is not a class of this model. "
                + (suggestion ?? "It has \(classCount) classes; `infodisent-inspect` lists them.")
        }
    }
}
