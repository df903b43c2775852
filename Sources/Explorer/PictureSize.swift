import ImageCoding

/// How large pictures are stored: as the network sees them if there are few, smaller if there are many.
package struct PictureSize: Equatable {
    /// What all pictures of a report together may take, in bytes.
    package static let reportByteCount = 62_000_000
    /// Of a photograph as a small WebP file, by experience.
    private static let bytesPerPixel = 0.17
    private static let sides = 64...320

    /// At most this many pixels a side.
    package let side: Int
    package let quality: Int

    package init(pictureCount: Int, totalByteCount: Int = Self.reportByteCount) {
        let share = Double(totalByteCount) / Double(max(pictureCount, 1))
        let fitting = Int((share / Self.bytesPerPixel).squareRoot())
        side = min(max(fitting, Self.sides.lowerBound), Self.sides.upperBound)
        quality = side == Self.sides.upperBound ? 85 : 75
    }

    /// The file of a picture.
    func file(of picture: PixelImage) -> [UInt8] {
        let longest = max(picture.width, picture.height)
        let scaled =
            longest <= side
            ? picture
            : picture.resized(
                width: max(1, picture.width * side / longest), height: max(1, picture.height * side / longest),
                interpolation: .bicubic)
        return ImageEncoder.webp(scaled, quality: quality)
    }
}
