/// Why a way to attribute cannot be had.
public enum AttributionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The classifier is not linear on the mean of the feature map, and the way rests on that.
    case notLinear(method: String, reason: String)
    /// A way that shows some channels, of none or of more than there are.
    case noSuchCount(method: String, count: Int, channelCount: Int)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 {
        switch self {
        case .notLinear: 65
        case .noSuchCount: 64
        }
    }

    public var description: String {
        switch self {
        case .notLinear(let method, let reason):
            "There is no '\(method)' for this classifier: \(reason). Use 'grad-cam', which takes its gradient."
        case .noSuchCount(let method, let count, let channelCount):
            "'\(method)' cannot show \(count) channels: the head has \(channelCount)."
        }
    }
}
