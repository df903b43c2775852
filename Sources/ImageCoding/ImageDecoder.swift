import SystemPackage

/// Decodes the formats of `ImageFormat` to what `Image.open(path).convert("RGB")` of Pillow gives, the input pretrained weights
/// expect. Of files with several images (animations, pages) it is the first.
///
/// The type is told by the first bytes, never by the name. All colour models become RGB: grey is repeated, palettes are
/// looked up, CMYK and YCCK are converted, alpha is dropped without compositing. EXIF orientation and colour profiles are
/// not applied (but TIFF's own orientation is, as in Pillow), and metadata, broken or not, is never parsed.
///
/// A file that ends early is an error. Damage inside a JPEG that ends as it should is filled in by libjpeg without a word, as
/// it is in Pillow; a damaged PNG is an error.
///
/// One difference from Pillow is on purpose: a grey PNG, TIFF or PGM of 16 bits keeps the high byte, as coloured ones do, where
/// Pillow clips all values above 255 to white.
public enum ImageDecoder {
    /// The most pixels that are decoded, 2^27. A file of a few bytes may declare any size; this bounds its memory at 400 MB.
    public static let maximumPixelCount = 1 << 27

    /// Decodes the bytes of a file; `path` is for error messages only.
    ///
    /// - Throws: `ImageCodingError`.
    public static func decode(_ bytes: [UInt8], path: FilePath) throws -> PixelImage {
        try decode(bytes, path: path) { width, height in PixelRectangle(width: width, height: height) }
            .image
    }

    /// Decodes what is needed of an image and perhaps more. A JPEG's other pixels are not computed, which saves up to half
    /// of the time; the file is looked through to its end all the same, so that a truncated one is found out.
    ///
    /// - Parameter needed: the part that is needed of an image of the width and height it is given, inside the image.
    /// - Throws: `ImageCodingError`, or the error of `needed`.
    package static func decode(
        _ bytes: [UInt8], path: FilePath, needed: (_ width: Int, _ height: Int) throws -> PixelRectangle
    ) throws -> ImagePart {
        switch try ImageFormat(of: bytes, path: path) {
        case .jpeg: try decodeJPEG(bytes, path: path, needed: needed)
        case .png: ImagePart(try decodePNG(bytes, path: path))
        case .webp: ImagePart(try decodeWebP(bytes, path: path))
        case .tiff: ImagePart(try decodeTIFF(bytes, path: path))
        case .bmp: ImagePart(try decodeBMP(bytes, path: path))
        case .gif: ImagePart(try decodeGIF(bytes, path: path))
        case .netpbm: ImagePart(try decodeNetpbm(bytes, path: path))
        }
    }

    /// Checks a declared size before memory is asked for.
    static func checkSize(width: UInt32, height: UInt32, path: FilePath) throws {
        let (width, height) = (Int(width), Int(height))
        let (count, overflows) = width.multipliedReportingOverflow(by: height)
        guard !overflows, count <= maximumPixelCount else {
            throw ImageCodingError.tooLarge(path: path, width: width, height: height)
        }
    }
}
