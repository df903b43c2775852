import PrintableText

/// What can be wrong with images that a deployed model is to judge, beyond the images themselves.
public enum PredictionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A line of a list of images cannot be a path.
    case badList(path: String, line: Int, problem: String)
    /// A dataset has other classes than the model.
    case classesDiffer(dataset: String, unknown: [String], missing: [String])
    /// None of a dataset's images is of a class of the model.
    case nothingInCommon(dataset: String, found: [String], known: [String])

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 { 65 }

    public var description: String {
        switch self {
        case .badList(let path, let line, let problem):
            "\(path.printable), line \(line): \(problem). A list has the path of one image a line."
        case .classesDiffer(let dataset, let unknown, let missing):
            "\(dataset.printable) does not have the classes of the checkpoint, by name: "
                + [
                    unknown.isEmpty ? nil : "the checkpoint does not know \(Self.list(unknown))",
                    missing.isEmpty ? nil : "no image is of \(Self.list(missing))",
                ].compactMap(\.self).joined(separator: "; ")
                + ". Rename the classes, or evaluate on the images whose classes both have with --classes common."
        case .nothingInCommon(let dataset, let found, let known):
            "\(dataset.printable) has no class of the checkpoint: its classes are \(Self.list(found)), those of the checkpoint "
                + "\(Self.list(known)). Classes are matched by name."
        }
    }

    /// Some of the names, and how many more there are.
    private static func list(_ names: [String]) -> String {
        let named = names.prefix(5).map { "'\($0.printable(limit: 60))'" }.joined(separator: ", ")
        return named + (names.count > 5 ? " and \(names.count - 5) more" : "")
    }
}
