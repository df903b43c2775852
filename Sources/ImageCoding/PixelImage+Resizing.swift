extension PixelImage {
    /// The image scaled to `width` x `height`, the same bytes as Pillow's `resize`.
    ///
    /// Cost: about (height + scaled height) x scaled width x 3 x taps multiplications, where the taps are 2 (bilinear) or 4
    /// (bicubic), times the scale when the image gets smaller.
    public func resized(width: Int, height: Int, interpolation: Interpolation) -> PixelImage {
        precondition(width > 0 && height > 0, "an image cannot be resized to \(width) x \(height)")
        guard width != self.width || height != self.height else { return self }
        return Resampling.resize(
            ImagePart(self), width: width, height: height,
            outputs: PixelRectangle(width: width, height: height), interpolation: interpolation)
    }

    /// The image scaled so that its shorter side is `shorterSide`, as torchvision's `Resize(shorterSide)`.
    ///
    /// The result of a very long image is very long too: for images from outside use `InputTransform`, which computes
    /// only what its crop shows.
    public func resized(shorterSide: Int, interpolation: Interpolation) -> PixelImage {
        let (width, height) = Self.size(of: (width, height), shorterSide: shorterSide)
        return resized(width: width, height: height, interpolation: interpolation)
    }

    /// Width and height with the shorter side scaled to `shorterSide` and the longer side cut to an integer:
    /// int(shorterSide * long / short).
    static func size(of size: (width: Int, height: Int), shorterSide: Int) -> (width: Int, height: Int) {
        size.width <= size.height
            ? (shorterSide, shorterSide * size.height / size.width)
            : (shorterSide * size.width / size.height, shorterSide)
    }
}
