/// What can go wrong when a head is exported, beyond the errors of files.
public enum ExportError: Error, Equatable, Sendable, CustomStringConvertible {
    /// More than a model of ONNX may hold.
    case tooLarge(byteCount: Int, limit: Int)

    /// The exit code (sysexits) of a program that ends with this error.
    public var exitCode: Int32 { 65 }

    public var description: String {
        switch self {
        case .tooLarge(let byteCount, let limit):
            "the head has \(byteCount) bytes, but a model of ONNX may have \(limit). Export it as safetensors (--output)."
        }
    }
}
