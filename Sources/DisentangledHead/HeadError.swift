/// What can go wrong in the head with data, configuration or a restored state.
public enum HeadError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A tensor holds NaN or infinity. `step` is the training step, nil outside training.
    case notFinite(tensor: String, step: Int?)
    /// A tensor does not have the shape it needs.
    case shapeMismatch(tensor: String, expected: [Int], found: [Int])
    /// A label is not a class.
    case labelOutOfRange(label: Int, classCount: Int)
    /// A state has no such tensor.
    case missingTensor(String, expected: [String])
    /// A state has a tensor that its configuration does not ask for.
    case unexpectedTensor(String, expected: [String])
    /// The matrix of a channel map cannot be inverted.
    case singularMatrix(tensor: String, step: Int?)
    /// A setting is outside what it may be.
    case invalidSetting(key: String, value: String, expected: String)
    /// The classifier has a negative entry.
    case negativeClassifier(row: Int, column: Int, value: Float)
    /// A trained head that a configuration cannot begin with.
    case unusableStart(problem: String, remedy: String)
    /// Fewer samples than a fit needs.
    case tooFewSamples(count: Int, needed: Int)

    public var description: String {
        switch self {
        case .notFinite(let tensor, let step):
            let place = step.map { " at step \($0)" } ?? ""
            return "The tensor '\(tensor)' holds a number that is not finite\(place); "
                + "check the features it was computed from, or lower the learning rate."
        case .shapeMismatch(let tensor, let expected, let found):
            return "The tensor '\(tensor)' has shape \(found), but \(expected) is needed; "
                + "use the backbone, classes and configuration it was made with."
        case .labelOutOfRange(let label, let classCount):
            return "The label \(label) is not one of the \(classCount) classes (0 to \(classCount - 1)); "
                + "check the data set's class list."
        case .missingTensor(let name, let expected):
            return "The head's state has no tensor '\(name)' (it needs \(expected.joined(separator: ", "))); "
                + "restore it with the channel map and optimizer it was saved with."
        case .unexpectedTensor(let name, let expected):
            return "The head's state has a tensor '\(name)' that its configuration does not ask for (it has "
                + "\(expected.joined(separator: ", "))); the file is damaged or was not written by this program."
        case .singularMatrix(let tensor, let step):
            let place = step.map { " at step \($0)" } ?? ""
            return "The matrix of '\(tensor)' cannot be inverted\(place); lower the learning rate."
        case .invalidSetting(let key, let value, let expected):
            return "The setting '\(key)' is \(value), but must be \(expected)."
        case .negativeClassifier(let row, let column, let value):
            return "The classifier's entry for class \(row), channel \(column) is \(value), but must not be negative; "
                + "the file is damaged or was not written by this program."
        case .unusableStart(let problem, let remedy):
            return "The head to start from \(problem). \(remedy)."
        case .tooFewSamples(let count, let needed):
            return "The linear probe got \(count) samples, but needs at least \(needed)."
        }
    }
}
