import SystemPackage

/// Why an image could not be read.
///
/// A file that cannot be opened at all is a `DurableFileError`.
public enum ImageCodingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A file of no bytes.
    case empty(path: FilePath)
    /// The first bytes are neither JPEG's nor PNG's; `found` says what they look like.
    case unknownFormat(path: FilePath, found: String)
    /// The file ends before its last row of pixels.
    case truncated(path: FilePath, format: String, byteCount: Int)
    /// The decoder refused the contents, with its own words.
    case corrupt(path: FilePath, format: String, reason: String)
    /// More pixels than `ImageDecoder.maximumPixelCount`.
    case tooLarge(path: FilePath, width: Int, height: Int)
    /// Values of an `InputTransform` that cannot be used.
    case invalidTransform(reason: String)

    public var description: String {
        switch self {
        case .empty(let path):
            "\(path) is an empty file, expected a JPEG or PNG image. Fetch the file again or remove it."
        case .unknownFormat(let path, let found):
            "\(path) is neither JPEG nor PNG: it \(found). The type is told by a file's contents, not by its name; "
                + "convert the file to JPEG or PNG, or remove it."
        case .truncated(let path, let format, let byteCount):
            "\(path) is a \(format) image that ends too early, after \(byteCount) bytes. Fetch the file again or remove it."
        case .corrupt(let path, let format, let reason):
            "\(path) is a damaged or unsupported \(format) image (\(reason)). Fetch the file again or convert it."
        case .tooLarge(let path, let width, let height):
            "\(path) declares \(width) x \(height) pixels, more than the \(ImageDecoder.maximumPixelCount) that are decoded. "
                + "If the image is genuine, scale it down first."
        case .invalidTransform(let reason):
            "The input preset cannot be used: \(reason). Correct the preset in the configuration, or leave it out to take "
                + "the backbone's own."
        }
    }
}
