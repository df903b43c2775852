extension InputTransform {
    /// Where a point of an image is in what the network sees of it, in shares of the crop's sides: (0, 0) is its upper left
    /// corner, (1, 1) its lower right one; other numbers are outside.
    ///
    /// - Parameters:
    ///   - x: pixels from the left edge of the image, which is upright.
    ///   - width: of the image, in pixels.
    public func place(ofX x: Double, y: Double, width: Int, height: Int) -> (x: Double, y: Double) {
        let plan = Plan(self, width: width, height: height)
        return (
            (x * Double(plan.width) / Double(width) - Double(plan.crop.x)) / Double(crop),
            (y * Double(plan.height) / Double(height) - Double(plan.crop.y)) / Double(crop)
        )
    }

    /// The part of an image that a rectangle of what the network sees of it shows, in whole pixels of the image that it touches;
    /// nil for one that shows padding alone.
    ///
    /// - Parameters:
    ///   - left: in shares of the crop's sides, as `place` gives them; so are `top`, `right` and `bottom`.
    ///   - width: of the image, which is upright, in pixels.
    public func part(
        left: Double, top: Double, right: Double, bottom: Double, ofWidth width: Int, height: Int
    ) -> PixelRectangle? {
        let plan = Plan(self, width: width, height: height)
        func pixels(_ share: Double, _ offset: Int, _ scaled: Int, _ side: Int) -> Double {
            (share * Double(crop) + Double(offset)) * Double(side) / Double(scaled)
        }
        let (x, y) = (
            Int(pixels(left, plan.crop.x, plan.width, width).rounded(.down)),
            Int(pixels(top, plan.crop.y, plan.height, height).rounded(.down))
        )
        return PixelRectangle(
            x: x, y: y, width: Int(pixels(right, plan.crop.x, plan.width, width).rounded(.up)) - x,
            height: Int(pixels(bottom, plan.crop.y, plan.height, height).rounded(.up)) - y
        ).clipped(toWidth: width, height: height)
    }
}
