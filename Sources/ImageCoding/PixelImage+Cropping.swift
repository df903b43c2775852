extension PixelImage {
    /// The rectangle whose top left pixel is (`x`, `y`); what lies outside the image is black.
    public func cropped(x: Int, y: Int, width: Int, height: Int) -> PixelImage {
        var result = PixelImage(width: width, height: height)
        let columns = max(0, x)..<max(0, x, min(self.width, x + width))
        let rows = max(0, y)..<max(0, y, min(self.height, y + height))
        for row in rows where !columns.isEmpty {
            let source = (row * self.width + columns.lowerBound) * 3
            let target = ((row - y) * width + columns.lowerBound - x) * 3
            result.pixels.replaceSubrange(
                target..<target + columns.count * 3, with: pixels[source..<source + columns.count * 3])
        }
        return result
    }

    /// `cropped(x:y:width:height:)` of a rectangle.
    public func cropped(to rectangle: PixelRectangle) -> PixelImage {
        cropped(x: rectangle.x, y: rectangle.y, width: rectangle.width, height: rectangle.height)
    }

    /// The middle of the image, as torchvision's `CenterCrop((height, width))`.
    ///
    /// An odd margin is halved to the even side. A side that is shorter than the crop is padded with black, the smaller
    /// half of the padding first.
    public func centreCropped(width: Int, height: Int) -> PixelImage {
        cropped(
            x: Self.centreOffset(of: width, in: self.width), y: Self.centreOffset(of: height, in: self.height),
            width: width, height: height)
    }

    /// Where a crop of `crop` samples starts on an axis of `length`; negative where it is padded.
    static func centreOffset(of crop: Int, in length: Int) -> Int {
        let margin = length - crop
        // Padding first: half of it, rounded down, in front. Otherwise margin / 2, ties to even.
        if margin < 0 { return -(-margin / 2) }
        let half = margin / 2
        return margin % 2 == 1 && half % 2 == 1 ? half + 1 : half
    }
}
