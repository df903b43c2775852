import PrintableText
import SystemPackage

/// Why an image could not be read.
///
/// A file that cannot be opened at all is a `DurableFileError`.
public enum ImageCodingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A file of no bytes.
    case empty(path: FilePath)
    /// The first bytes are of no format that is read; `found` says what they look like.
    case unknownFormat(path: FilePath, found: String)
    /// The file ends before its last row of pixels.
    case truncated(path: FilePath, format: String, byteCount: Int)
    /// The decoder refused the contents, with its own words.
    case corrupt(path: FilePath, format: String, reason: String)
    /// A kind of its format that is not read.
    case unsupported(path: FilePath, format: String, reason: String)
    /// More pixels than `ImageDecoder.maximumPixelCount`.
    case tooLarge(path: FilePath, width: Int, height: Int)
    /// Values of an `InputTransform` that cannot be used.
    case invalidTransform(reason: String)
    /// Values of an `Augmentation` that cannot be used.
    case invalidAugmentation(reason: String)

    private var formatName: String {
        switch self {
        case .truncated(_, let format, _), .corrupt(_, let format, _), .unsupported(_, let format, _): format
        default: "image"
        }
    }

    /// What is wrong with an image, without saying which it is; nil for errors that are not about an image.
    public var imageFault: String? {
        switch self {
        case .empty: "it is an empty file, expected an image"
        case .unknownFormat(_, let found):
            "it is none of the images that are read (\(ImageFormat.list)): it \(found)".printable
        case .truncated(_, let format, let byteCount):
            "it is a \(format) image that ends too early, after \(byteCount) bytes"
        case .corrupt(_, let format, let reason):
            "it is a damaged or unsupported \(format) image (\(reason))".printable
        case .unsupported(_, let format, let reason):
            "it is a \(format) image of a kind that is not read (\(reason))".printable
        case .tooLarge(_, let width, let height):
            "it declares \(width) x \(height) pixels, more than the \(ImageDecoder.maximumPixelCount) that are decoded"
        case .invalidTransform, .invalidAugmentation: nil
        }
    }

    public var description: String { sentences.printable }

    private var sentences: String {
        let fault = (imageFault ?? "").dropFirst("it ".count)
        return switch self {
        case .empty(let path):
            "\(path) \(fault). Fetch the file again or remove it."
        case .unknownFormat(let path, _):
            "\(path) \(fault). The type is told by a file's contents, not by its name; "
                + "convert the file to JPEG or PNG, or remove it."
        case .unsupported(let path, _, _):
            "\(path) \(fault). Convert it to PNG or to a plainer \(self.formatName), or remove it."
        case .truncated(let path, _, _):
            "\(path) \(fault). Fetch the file again or remove it."
        case .corrupt(let path, _, _):
            "\(path) \(fault). Fetch the file again or convert it."
        case .tooLarge(let path, _, _):
            "\(path) \(fault). If the image is genuine, scale it down first."
        case .invalidAugmentation(let reason):
            "The augmentation cannot be used: \(reason). Correct cache.augmentation in the configuration."
        case .invalidTransform(let reason):
            "The input preset cannot be used: \(reason). Correct the preset in the configuration, or leave it out to take "
                + "the backbone's own."
        }
    }
}
