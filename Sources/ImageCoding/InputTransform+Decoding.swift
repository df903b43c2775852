import SystemPackage

extension InputTransform {
    /// Decodes the bytes of a file, turned as `exif` says; `path` is for error messages only.
    ///
    /// - Throws: `ImageCodingError`.
    public func decode(_ bytes: [UInt8], path: FilePath) throws -> PixelImage {
        let image = try ImageDecoder.decode(bytes, path: path)
        return exif == .apply ? image.oriented(ExifOrientation(of: bytes)) : image
    }

    /// `pixels(of:)` of the image in a file's bytes: the same pixels in less time, as only what they depend on is decoded.
    ///
    /// - Parameters:
    ///   - path: for error messages only.
    ///   - frame: the rectangle that is taken for the image, given the width and height as stored and inside them; all of it
    ///     unless given. It is cut out before the image is turned as `exif` says.
    /// - Throws: `ImageCodingError`, or the error of `frame`.
    public func pixels(
        ofFile bytes: [UInt8], path: FilePath,
        frame: (_ width: Int, _ height: Int) throws -> PixelRectangle = {
            PixelRectangle(width: $0, height: $1)
        }
    ) throws -> PixelImage {
        let orientation = exif == .apply ? ExifOrientation(of: bytes) : .upright
        let part = try ImageDecoder.decode(bytes, path: path) { width, height in
            let frame = try frame(width, height)
            // All of an image that is turned: they are rare.
            guard orientation == .upright else { return frame }
            let needed = neededPart(width: frame.width, height: frame.height)
            return PixelRectangle(
                x: frame.x + needed.x, y: frame.y + needed.y, width: needed.width, height: needed.height)
        }
        let framed = part.within(try frame(part.width, part.height))
        return orientation == .upright ? pixels(of: framed) : pixels(of: framed.whole.oriented(orientation))
    }
}
