/// The parameters of one augmented view of an image, as drawn.
public struct AugmentedView: Equatable, Sendable {
    /// A change of all colours.
    public enum ColourChange: Equatable, Sendable {
        /// 0 is black, 1 changes nothing.
        case brightness(Double)
        /// 0 is grey of the mean lightness, 1 changes nothing.
        case contrast(Double)
        /// 0 is grey, 1 changes nothing.
        case saturation(Double)
        /// A part of the circle, -0.5 to 0.5.
        case hue(Double)
    }

    /// What is resized to the network's input; nil for the plain resize and crop.
    public var part: PixelRectangle?
    public var isMirrored = false
    /// Degrees, clockwise.
    public var angle = 0.0
    /// Degrees along the rows.
    public var shear = 0.0
    /// In the order in which they are made.
    public var colourChanges: [ColourChange] = []

    public init() {}
}

extension InputTransform {
    /// What the network sees of an augmented view of the image: `crop` x `crop` pixels.
    public func pixels(of image: PixelImage, view: AugmentedView) -> PixelImage {
        var result =
            if let part = view.part {
                image.cropped(to: part).resized(width: crop, height: crop, interpolation: interpolation)
            } else {
                pixels(of: image)
            }
        if view.isMirrored { result = result.oriented(.mirrored) }
        if view.angle != 0 || view.shear != 0 {
            result = result.transformed(by: AffineMap(angle: view.angle, shear: view.shear, of: result))
        }
        for change in view.colourChanges { result.apply(change) }
        return result
    }
}
