/// How the rows and columns of a file's pixels lie in the picture a viewer shows: the EXIF tag Orientation, 1 to 8.
public enum ExifOrientation: UInt8, CaseIterable, Sendable {
    /// As stored.
    case upright = 1
    case mirrored = 2
    case upsideDown = 3
    case mirroredUpsideDown = 4
    /// Mirrored at the diagonal from the top left.
    case transposed = 5
    /// The picture is the stored one turned by 90 degrees clockwise.
    case turnedClockwise = 6
    /// Mirrored at the diagonal from the top right.
    case transversed = 7
    /// The picture is the stored one turned by 90 degrees counter-clockwise.
    case turnedCounterClockwise = 8

    /// What a pretrained network's input does about it.
    public enum Policy: String, Codable, CaseIterable, Sendable {
        /// Pixels as stored: what Pillow's `Image.open(path).convert("RGB")` gives, and so what weights were trained on.
        case ignore
        /// Pixels as a viewer shows them: Pillow's `ImageOps.exif_transpose`.
        case apply
    }

    /// Whether columns of the stored image are rows of the picture.
    public var swapsSides: Bool { rawValue >= 5 }
}

extension PixelImage {
    /// The picture that an image stored with `orientation` shows, as Pillow's `ImageOps.exif_transpose`.
    public func oriented(_ orientation: ExifOrientation) -> PixelImage {
        guard orientation != .upright else { return self }
        let (lastColumn, lastRow) = (width - 1, height - 1)
        var result =
            orientation.swapsSides
            ? PixelImage(width: height, height: width) : PixelImage(width: width, height: height)
        var target = 0
        for y in 0..<result.height {
            for x in 0..<result.width {
                let (column, row) =
                    switch orientation {
                    case .upright: (x, y)
                    case .mirrored: (lastColumn - x, y)
                    case .upsideDown: (lastColumn - x, lastRow - y)
                    case .mirroredUpsideDown: (x, lastRow - y)
                    case .transposed: (y, x)
                    case .turnedClockwise: (y, lastRow - x)
                    case .transversed: (lastColumn - y, lastRow - x)
                    case .turnedCounterClockwise: (lastColumn - y, x)
                    }
                let source = (row * width + column) * 3
                result.pixels[target] = pixels[source]
                result.pixels[target + 1] = pixels[source + 1]
                result.pixels[target + 2] = pixels[source + 2]
                target += 3
            }
        }
        return result
    }
}
