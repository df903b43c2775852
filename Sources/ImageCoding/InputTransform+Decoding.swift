import SystemPackage

extension InputTransform {
    /// Decodes the bytes of a file, turned as `exif` says; `path` is for error messages only.
    ///
    /// - Throws: `ImageCodingError`.
    public func decode(_ bytes: [UInt8], path: FilePath) throws -> PixelImage {
        let image = try ImageDecoder.decode(bytes, path: path)
        return exif == .apply ? image.oriented(ExifOrientation(of: bytes)) : image
    }
}
