public import SystemPackage

/// Why a scorecard cannot be made.
public enum ScorecardError: Error, Equatable, Sendable, CustomStringConvertible {
    case unknownMetric(name: String, suggestion: String?)
    case noMetric
    /// The split has no images.
    case noImages(split: String)
    /// A part dataset whose annotations do not name one of its images.
    case noAnnotation(image: String, file: FilePath)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .unknownMetric, .noMetric, .noImages: 64
        case .noAnnotation: 65
        }
    }

    public var description: String {
        switch self {
        case .unknownMetric(let name, let suggestion):
            "'\(name)' is no group of metrics. \(suggestion ?? "")"
        case .noMetric:
            "--metrics needs a list of groups of metrics, or 'all': "
                + MetricGroup.allCases.map(\.rawValue).joined(separator: ", ") + "."
        case .noImages(let split):
            "There are no \(split) images that metrics could be measured on."
        case .noAnnotation(let image, let file):
            "\(file) has no line for \(image), so that it is not known where its parts are. Generate the data set again."
        }
    }
}
