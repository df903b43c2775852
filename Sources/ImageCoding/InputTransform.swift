/// How an image becomes a network's input: resize, crop the middle, normalise. A backbone's weights were trained with one
/// such preset, and it is stored with everything computed through it.
///
/// The results are those of torchvision's `Resize`, `CenterCrop`, `ToTensor`, `Normalize` on a Pillow image, bit for bit.
public struct InputTransform: Equatable, Sendable {
    /// The shorter side of the image before the crop, in pixels (both sides with `squash`).
    public var resize: Int
    /// Whether the whole image is scaled to `resize` x `resize`, which changes its shape, instead of its shorter side to
    /// `resize`: torchvision's `Resize((side, side))`.
    public var squash: Bool
    /// Both sides of the crop, in pixels. A crop larger than `resize` is padded with black.
    public var crop: Int
    public var interpolation: Interpolation
    /// Means of red, green and blue, of values in 0...1.
    public var mean: [Float]
    /// Standard deviations of red, green and blue, of values in 0...1.
    public var standardDeviation: [Float]
    /// Whether images are turned as their EXIF orientation says before anything else is done to them.
    public var exif: ExifOrientation.Policy

    /// The largest `resize` and `crop`.
    public static let maximumSide = 4096
    /// The mean of ImageNet's images, with which most weights were trained.
    public static let imageNetMean: [Float] = [0.485, 0.456, 0.406]
    /// The standard deviation of ImageNet's images.
    public static let imageNetStandardDeviation: [Float] = [0.229, 0.224, 0.225]

    public init(
        resize: Int, squash: Bool = false, crop: Int, interpolation: Interpolation = .bilinear,
        mean: [Float] = imageNetMean, standardDeviation: [Float] = imageNetStandardDeviation,
        exif: ExifOrientation.Policy = .ignore
    ) {
        self.resize = resize
        self.squash = squash
        self.crop = crop
        self.interpolation = interpolation
        self.mean = mean
        self.standardDeviation = standardDeviation
        self.exif = exif
    }

    /// The normalised input of the network, [crop, crop, 3].
    public func callAsFunction(_ image: PixelImage) -> [Float] {
        normalised(pixels(of: image))
    }

    /// What the network sees of the image: `crop` x `crop` pixels.
    ///
    /// Only these are computed, so the cost is bounded for images of any shape.
    public func pixels(of image: PixelImage) -> PixelImage {
        pixels(of: ImagePart(image))
    }

    /// `pixels(of:)` of an image of which at least `neededPart` is there.
    package func pixels(of part: ImagePart) -> PixelImage {
        checkProgrammer()
        let plan = Plan(self, width: part.width, height: part.height)
        let visible = Resampling.resize(
            part, width: plan.width, height: plan.height, outputs: plan.visible, interpolation: interpolation)
        guard plan.visible != plan.crop else { return visible }
        return visible.cropped(x: min(0, plan.crop.x), y: min(0, plan.crop.y), width: crop, height: crop)
    }

    /// The pixels of an image of that size that the network's input depends on.
    package func neededPart(width: Int, height: Int) -> PixelRectangle {
        checkProgrammer()
        let plan = Plan(self, width: width, height: height)
        return Resampling.inputs(
            of: plan.visible, width: plan.width, height: plan.height, fromWidth: width, height: height,
            interpolation: interpolation)
    }

    /// What is done with an image of a certain size.
    struct Plan {
        /// The size it is scaled to.
        let width: Int
        let height: Int
        /// What is cut out of the scaled image, which may be smaller.
        let crop: PixelRectangle
        /// The part of the crop that is inside the scaled image.
        let visible: PixelRectangle

        init(_ transform: InputTransform, width: Int, height: Int) {
            let side = transform.resize
            let size = transform.squash ? (side, side) : PixelImage.size(of: (width, height), shorterSide: side)
            (self.width, self.height) = size
            crop = PixelRectangle(
                x: PixelImage.centreOffset(of: transform.crop, in: size.0),
                y: PixelImage.centreOffset(of: transform.crop, in: size.1), width: transform.crop,
                height: transform.crop)
            visible = crop.clipped(toWidth: size.0, height: size.1)!  // the middle is always inside
        }
    }

    /// (value / 255 - mean) / standardDeviation of each channel, [H, W, 3].
    public func normalised(_ pixels: PixelImage) -> [Float] {
        [Float](unsafeUninitializedCapacity: pixels.pixels.count) { output, initializedCount in
            normalise(pixels, into: output)
            initializedCount = pixels.pixels.count
        }
    }

    /// `normalised(_:)` into memory of the caller, of exactly `pixels.pixels.count` floats.
    package func normalise(_ pixels: PixelImage, into output: UnsafeMutableBufferPointer<Float>) {
        checkProgrammer()
        precondition(
            output.count == pixels.pixels.count,
            "\(pixels.pixels.count) values do not fit \(output.count) floats exactly")
        // Each of 3 x 256 possible results once; in the order of operations of torchvision.
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * 256) { table in
            for channel in 0..<3 {
                for value in 0..<256 {
                    table.initializeElement(
                        at: 256 * channel + value,
                        to: (Float(value) / 255 - mean[channel]) / standardDeviation[channel])
                }
            }
            pixels.pixels.withUnsafeBufferPointer { bytes in
                let (source, target, table) = (bytes.baseAddress!, output.baseAddress!, table.baseAddress!)
                for index in stride(from: 0, to: bytes.count, by: 3) {
                    target[index] = table[Int(source[index])]
                    target[index &+ 1] = table[256 &+ Int(source[index &+ 1])]
                    target[index &+ 2] = table[512 &+ Int(source[index &+ 2])]
                }
            }
        }
    }

    private func checkProgrammer() {
        if let problem { preconditionFailure("validate an InputTransform from outside first: \(problem)") }
    }
}
